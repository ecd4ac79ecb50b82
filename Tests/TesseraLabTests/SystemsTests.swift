import Foundation
import TesseraText
import Testing

@testable import TesseraLab

@Suite("The catalogue")
struct SystemsTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static let names: [System.Room: String] = [
    .make: """
    textok retok-image one-d-piece flextok instella-t2i wetok tokenbridge robusttok robusttok-post d-ar ett dino-tok divot va-vae \
    mingtok vtp rectok discrete-audio-tokens dm-codec unigrec hierarchical-ar-transformer mrt5 zonkey h-net mergedna binary-bpe kl3m
    """,
    .measure: "tokenization-consistency data-mixture-inference turkish-subwords turkish-standards difr",
    .move: "tokenadapt zett omp-transplant dynamic-tokenization alm-distillation exact-byte",
    .reduce: """
    code-token-merging deit-lt focus-detr divprune todre diffrate token-transforming dit-token-routing zero-tprune hiprune \
    sit-self-slimmed dymu
    """,
    .generate: """
    dense2moe flexdit haste pt-dit svg2 dydit llsa dit-semantic-editing dynamictrl delta-dit li-dit pixart-sigma ppcl \
    token-recycling dyspec del freecache diffadapt
    """,
  ]

  @Test("holds all 68 systems, each once and in its room")
  func names() {
    #expect(System.all.count == 68 && Set(System.all.map(\.name)).count == 68)
    for (room, names) in Self.names {
      let found = System.all.filter { $0.room == room }.map(\.name)
      #expect(Set(found) == Set(names.split(separator: " ").map(String.init)), "\(room)")
    }
  }

  @Test("describes each in a line and names its paper")
  func texts() {
    for system in System.all {
      #expect((30...110).contains(system.summary.count) && !system.summary.hasSuffix("."), "\(system.name)")
      #expect(system.paper.arXiv.wholeMatch(of: /\d{4}\.\d{5}/) != nil, "\(system.name)")
      #expect(!system.paper.title.isEmpty && (2021...2026).contains(system.paper.year), "\(system.name)")
      #expect(abs(2000 + (Int(system.paper.arXiv.prefix(2)) ?? 0) - system.paper.year) == 0, "\(system.name)")
    }
    #expect(Set(System.all.map(\.paper.arXiv)).count == 68)
    #expect(Set(System.all.map(\.summary)).count == 68)
  }

  @Test("nothing works that no code registers")
  func status() throws {
    #expect(try System.named("binary-bpe").status == .works)
    #expect(try System.named("tokenadapt").status == .partly)
    #expect(try System.named("h-net").status == .planned)
    for registration in System.registered { #expect(throws: Never.self) { try System.named(registration.system) } }
    for system in Proof.all.compactMap(\.system) { #expect(throws: Never.self) { try System.named(system) } }
    #expect(throws: LabError.self) { try System.named("dit-core") }
  }

  @Test("the committed page is what the code and the committed records say")
  func page() throws {
    let lab = Lab(models: Self.root.path + "/Models", results: Self.root.path + "/Results")
    let page = try String(contentsOf: Self.root.appendingPathComponent("docs/SYSTEMS.md"), encoding: .utf8)
    #expect(page == Catalogue(try ReportPage(lab)).markdown, "make systems writes it anew")
  }

  @Test("a room alone, a folded table, and JSON hold the same systems")
  func forms() throws {
    let report = ReportPage(records: [])
    let move = Catalogue(report, room: .move)
    #expect(move.entries.count == 6 && move.summary == "6 systems: 0 work, 1 partly, 5 planned")
    let lines = move.text(width: 72).split(separator: "\n")
    #expect(lines.dropLast().allSatisfy { $0.count <= 72 })
    let json = try JSON(parsing: Catalogue(report).json.text())
    #expect(json.arrayValue?.count == 68)
    #expect(json.arrayValue?.first?["paper"]?["arxiv"]?.stringValue == "2412.05796")
  }
}
