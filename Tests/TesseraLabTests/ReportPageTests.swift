import Foundation
import TesseraText
import Testing

@testable import TesseraLab

@Suite("The report's page")
struct ReportPageTests {
  func folder() throws -> String {
    let path = NSTemporaryDirectory() + "tessera-report-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  @Test("shows claim, rule, verdict, figures of every seed, machine and revision of a record")
  func record() {
    let html = ReportPage(records: [ReportFixtures.friendly]).html
    for text in [
      "Merging keeps the accuracy.", "dropping at random", "accuracy at least 0.9, in every run", "✓ holds", "Seed 3",
      "0.91 to 0.93", "blind 0.33", "uncut 0.95", "Made up", "0123456789ab", "2026-01-02T03:04:05Z", "loss (nats)",
      "full",
    ] { #expect(html.contains(text), "\(text)") }
    #expect(html.components(separatedBy: "<svg").count == 4)
  }

  @Test("loads nothing and runs nothing from a record")
  func selfContained() {
    let page = ReportPage(
      records: [ReportFixtures.friendly, ReportFixtures.hostile],
      absent: [.init(ReportFixtures.evil, .host, reason: ReportFixtures.evil)],
      refused: [.init(ReportFixtures.evil, .proof, reason: ReportFixtures.evil)])
    let html = page.html
    #expect(html.components(separatedBy: "<script").count == 2)
    #expect(!html.contains("alert('x')"))
    #expect(html.contains("alert(&#39;x&#39;)"))
    for part in ["src=\"http", "href=\"http", "url(", "@import", "<link"] { #expect(!html.contains(part), "\(part)") }
    #expect(!html.contains("\u{0}") && !html.contains("\u{1B}"))
  }

  @Test("says what was skipped and for want of which package")
  func skipped() {
    let skipped = ReportFixtures.record(ReportFixtures.declaration("speech"), runs: [], skipped: ["flite", "sox"])
    let page = ReportPage(records: [skipped])
    #expect(page.records.isEmpty && page.absent.map(\.reason) == ["skipped: flite, sox is not installed"])
    #expect(page.html.contains("flite, sox"))
    #expect(ReportPage(records: []).html.contains("There are no records yet."))
  }

  @Test("a quick run is marked and does not count as a verdict")
  func quick() {
    let friendly = ReportFixtures.friendly
    let quick = ReportFixtures.record(friendly.declaration, setting: .quick, runs: Array(friendly.runs.prefix(1)))
    let html = ReportPage(records: [quick]).html
    #expect(html.contains("holds (quick)") && html.contains("<b>0</b><span>proofs whose claim holds</span>"))
  }

  @Test("links lead to one place each, whatever the names are")
  func anchors() {
    let names = ["a b", "a-b", "ä", String(repeating: "x", count: 200), "\"><i>"]
    let records = names.map { name in
      ReportFixtures.record(ReportFixtures.declaration(name), runs: ReportFixtures.friendly.runs)
    }
    let anchors = ReportPage(records: records).anchors
    #expect(Set(anchors).count == names.count)
    #expect(anchors.allSatisfy { $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") } })
  }

  @Test("folders are read; damaged and changed records are refused by name, and full runs come before quick ones")
  func folders() throws {
    let path = try folder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store = ResultStore(path + "/Results")
    let friendly = ReportFixtures.friendly
    try store.write(friendly)
    try store.write(ReportFixtures.record(friendly.declaration, setting: .quick, runs: Array(friendly.runs.prefix(1))))
    try store.write(ReportFixtures.record(ReportFixtures.declaration("changed"), runs: friendly.runs))
    let changed = store.path("changed", .full)
    let text = try String(contentsOfFile: changed, encoding: .utf8).replacing(
      "\"value\" : 0.9\n", with: "\"value\" : 0.1\n")
    try text.write(toFile: changed, atomically: true, encoding: .utf8)
    try "{".write(toFile: path + "/Results/damaged.json", atomically: true, encoding: .utf8)
    let page = try ReportPage(Lab(models: path + "/Models", results: path + "/Results"))
    #expect(page.records.map(\.name) == ["merging"] && page.records.first?.setting == .full)
    #expect(page.refused.map(\.name) == ["changed", "damaged"])
    #expect(page.refused.first?.reason.contains("changed after the run") == true)
    #expect(page.absent.contains { $0.name == "shapes" && $0.reason.contains("tessera lab train shapes") })
  }

  @Test("tables, Markdown and JSON say the same as the page")
  func otherForms() throws {
    let page = ReportPage(records: [ReportFixtures.friendly, ReportFixtures.hostile])
    #expect(page.overviewTable.rows.first == ["merging", "proof", "holds", "3", "accuracy: 0.91, at least 0.9"])
    #expect(page.markdown.contains("| accuracy | 0.92 | 0.91 to 0.93 |  |"))
    #expect(!page.markdown.contains("<script"))
    let json = try JSON(parsing: page.json.text())
    #expect(json["records"]?.arrayValue?.first?["verdict"]?.stringValue == "holds")
    #expect(json["records"]?.arrayValue?.last?["figures"]?.arrayValue?[1]["mean"]?.isNull == true)
  }
}

@Suite("The data page")
struct DataPageTests {
  @Test("shows counts, rule, terms and samples of a folder, pictures inside the page")
  func page() throws {
    let cache = NSTemporaryDirectory() + "tessera-data-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: cache) }
    // The smallest head that says how large a picture is; a browser shows it as broken, which is enough here.
    let picture = Data(
      [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8) + [0, 0, 0, 16, 0, 0, 0, 8])
    let set = DataSet(
      name: "made-up", version: 3, summary: "Shapes & sizes", licence: "CC0 <b>", packages: [], splitRule: "by seed"
    ) { writer in
      try writer.write("one.png", bytes: picture)
      writer.count("train", 600, "pictures")
      writer.sample("train", "a \"square\"", file: "one.png")
      writer.sample("test", "مثال")
      writer.sample("test", "gone", file: "../../../etc/passwd")
    }
    let page = DataPage(
      folders: [try set.open(Lab(cache: cache))], absent: [.init("speech", summary: "words", missing: ["flite"])])
    let html = page.html
    for text in [
      "Shapes &amp; sizes", "CC0 &lt;b&gt;", "by seed", "train 600 pictures", "flite", "مثال",
      "<img alt=\"a &quot;square&quot;\" width=\"128\" height=\"64\" src=\"data:image/png;base64,",
    ] { #expect(html.contains(text), "\(text)") }
    #expect(DataPage(folders: []).html.contains("No data set is built yet."))
  }
}
