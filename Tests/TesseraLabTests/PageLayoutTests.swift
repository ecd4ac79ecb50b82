import Foundation
import Testing

@testable import TesseraLab

/// A browser without a window. `TESSERA_PICTURES` names a folder for pictures of the pages, to be looked at.
enum Chromium {
  static let name = ["chromium", "chromium-browser", "google-chrome"].first { Program.find($0) != nil }
  static let pictures = ProcessInfo.processInfo.environment["TESSERA_PICTURES"]

  /// Opens a page and gives the document as it stands when its scripts have run.
  static func open(_ page: String, isDark: Bool, picture: String? = nil, size: (Int, Int) = (1400, 1200)) throws
    -> String
  {
    let folder = NSTemporaryDirectory() + "tessera-browser-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try page.write(toFile: folder + "/page.html", atomically: true, encoding: .utf8)
    var arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
      "--user-data-dir=\(folder)/profile", "--window-size=\(size.0),\(size.1)",
    ]
    if isDark { arguments.append("--blink-settings=preferredColorScheme=0") }
    arguments.append(picture.map { "--screenshot=\($0)" } ?? "--dump-dom")
    let output = try Program.run(name ?? "chromium", arguments + ["file://\(folder)/page.html"])
    return String(decoding: output, as: UTF8.self)
  }
}

@Suite("Pages in a browser", .enabled(if: Chromium.name != nil, "Chromium is not installed"), .serialized)
struct PageLayoutTests {
  static var pages: [(name: String, html: String)] {
    let absent = ReportPage.Absence("speech", .proof, reason: ReportPage.reason(missing: ["flite"]))
    let report = ReportPage(
      records: [ReportFixtures.friendly, ReportFixtures.hostile], absent: [absent], refused: [absent])
    return [
      ("friendly", ReportPage(records: [ReportFixtures.friendly], absent: [absent]).html), ("hostile", report.html),
      (
        "data",
        DataPage(folders: [], absent: [.init(String(repeating: "long", count: 100), summary: "s", missing: [])]).html
      ),
    ]
  }

  /// Shows every page at both widths in frames of one document and writes what was measured into its title.
  private static var harness: String {
    let frames = pages.flatMap { page in
      [390, 1280].map { width -> Markup in
        "<iframe name=\"\(page.name) \(width)\" style=\"width:\(width)px;height:900px;border:0\" srcdoc=\"\(page.html)\"></iframe>"
      }
    }
    let script = """
      addEventListener("load", () => {
        const lines = [];
        for (const frame of document.querySelectorAll("iframe")) {
          const inside = frame.contentDocument, root = inside.documentElement, width = root.clientWidth, view = frame.contentWindow;
          lines.push(`${frame.name}: page ${root.scrollWidth} of ${width}`);
          for (const element of inside.querySelectorAll("body *")) {
            const box = element.getBoundingClientRect();
            const isFramed = element.closest(".scroll") && !element.matches(".scroll");
            if (!isFramed && !element.closest("details:not([open])") && box.width > 0 && box.right > width + 0.5)
              lines.push(`${frame.name}: ${element.tagName} ${element.getAttribute("class")} ends at ${box.right}`);
          }
          if (width < 640) for (const element of inside.querySelectorAll(".scroll"))
            if (element.checkVisibility() && !element.closest("details") && element.scrollWidth > element.clientWidth)
              lines.push(`${frame.name}: a table is ${element.scrollWidth} wide in ${element.clientWidth}`);
          const number = color => (color.match(/[\\d.]+/g) || []).map(Number);
          const light = color => number(color).slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          let worst = 99, where = "";
          for (const element of inside.querySelectorAll("h1,h2,h3,p,td,th,dt,dd,a,.badge,.tile span,summary,.chart text")) {
            const style = view.getComputedStyle(element);
            let ground = element;
            while (ground && (number(view.getComputedStyle(ground).backgroundColor)[3] === 0)) ground = ground.parentElement;
            const pair = [light(element.closest("svg") ? style.fill : style.color),
              light(view.getComputedStyle(ground || root).backgroundColor)].sort((a, b) => b - a);
            const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
            if (contrast < worst) [worst, where] = [contrast, element.tagName + " " + element.className];
          }
          if (worst < 4.5) lines.push(`${frame.name}: contrast ${worst} of ${where}`);
          lines.push(`${frame.name}: ground ${Math.round(100 * light(view.getComputedStyle(inside.body).backgroundColor))}`);
          lines.push(`${frame.name}: buttons ${inside.querySelectorAll("th button").length}`);
        }
        const table = document.querySelector("iframe").contentDocument.querySelector("article").lastElementChild
          .previousElementSibling.querySelector("table");
        const order = () => [...table.tBodies[0].rows].map(row => row.cells[1].textContent).join(" ");
        table.tHead.rows[0].cells[1].querySelector("button").click();
        lines.push("up: " + order());
        table.tHead.rows[0].cells[1].querySelector("button").click();
        lines.push("down: " + order());
        document.querySelector("#found").textContent = lines.join("\\n");
      });
      """
    let page: Markup = """
      <!DOCTYPE html><meta charset="utf-8"><body>\(frames.joined())<pre id="found"></pre><script>\(Markup(trusting: script))</script></body>
      """
    return page.source
  }

  @Test(
    "fit a phone and a desk without scrolling sideways, and can be read, in light and dark", arguments: [false, true])
  func layout(isDark: Bool) throws {
    let document = try Chromium.open(Self.harness, isDark: isDark)
    let found = try #require(
      document.components(separatedBy: "<pre id=\"found\">").last?.components(separatedBy: "</pre>").first)
    let lines = found.split(separator: "\n").map(String.init)
    for (name, _) in Self.pages {
      #expect(lines.contains("\(name) 390: page 390 of 390"))
      #expect(lines.contains("\(name) 1280: page 1280 of 1280"))
    }
    for line in lines {
      #expect(!line.contains("ends at") && !line.contains("wide in") && !line.contains("contrast"), "\(line)")
      if line.contains("ground "), let ground = line.split(separator: " ").last.flatMap({ Int($0) }) {
        #expect(isDark ? ground < 5 : ground > 85, "\(line)")
      }
      #expect(!line.hasSuffix("buttons 0"))
    }
    #expect(lines.contains("up: 0.33 0.72 0.92 0.95 1.52") && lines.contains("down: 1.52 0.95 0.92 0.72 0.33"))
  }

  @Test("are pictured when a folder is named", .enabled(if: Chromium.pictures != nil), arguments: [false, true])
  func pictures(isDark: Bool) throws {
    let folder = Chromium.pictures ?? NSTemporaryDirectory()
    for (name, html) in Self.pages {
      for (width, height) in [(390, 6000), (1280, 4000)] {
        // A window cannot be as narrow as a phone; a frame can.
        let frame: Markup = """
          <!DOCTYPE html><body style="margin:0"><iframe style="width:\(width)px;height:\(height)px;border:0" srcdoc="\(html)"></iframe>
          """
        let file = "\(folder)/\(name)-\(width)-\(isDark ? "dark" : "light").png"
        _ = try Chromium.open(frame.source, isDark: isDark, picture: file, size: (max(width, 500), height))
        #expect(FileManager.default.fileExists(atPath: file))
      }
    }
  }
}
