import Foundation
import TesseraTensor
import Testing

@testable import TesseraLab

@Suite("Proofs and records")
struct RecordTests {
  let folder: TemporaryFolder
  let lab: Lab

  init() throws {
    folder = try TemporaryFolder()
    lab = Lab(cache: folder.path, results: folder.path + "/results")
  }

  func declaration(
    _ rule: [Condition] = [.above("ours", "theirs", by: 1)], seeds: [UInt64] = [1, 2, 3],
    baseline: [String] = ["theirs"],
    packages: [DataPackage] = []
  ) -> Declaration {
    Declaration(
      name: "example", claim: "Ours is larger.", baseline: "theirs", baselineFigures: baseline, data: "none",
      seeds: seeds,
      metric: "size", rule: rule, packages: packages)
  }

  func proof(_ declaration: Declaration, _ measure: @escaping @Sendable (Run) throws -> Outcome) -> Proof {
    Proof(system: nil, declaration, measure: measure)
  }

  func runs(_ values: [(Double, Double)]) -> [[Figure]] {
    values.map { [Figure("ours", $0.0), Figure("theirs", $0.1)] }
  }

  @Test("a verdict follows from figures and rule alone; what is missing does not hold")
  func verdicts() {
    let all = runs([(2, 0.5), (3, 1.5)])
    #expect(Condition.atLeast("ours", 2).reading(of: all) == 2)
    #expect(Condition.atMost("theirs", 1).reading(of: all) == 1.5)
    #expect(Condition.atLeast("ours", 2.4, .mean).reading(of: all) == 2.5)
    #expect(Condition.above("ours", "theirs").reading(of: all) == 1.5)
    #expect(Condition.below("theirs", "ours", by: 1).reading(of: all) == -1.5)
    #expect(Condition.atMost("none", 1).reading(of: all) == nil)
    #expect(!Condition.atMost("none", 1).holds(nil))
    #expect(Condition.below("theirs", "ours", by: 1).holds(-1.5))
    #expect(!Condition.below("theirs", "ours", by: 2).holds(-1.5))
  }

  @Test("a figure that is no number keeps no bound, whatever the others are")
  func notANumber() {
    let all = runs([(2, 0), (.nan, 0), (5, 0)])
    for condition in [Condition.atLeast("ours", 1), .atMost("ours", 9), .atLeast("ours", 1, .mean)] {
      #expect(!condition.holds(condition.reading(of: all)))
    }
  }

  @Test("an interval is Student's: 1, 2, 3 are 2 ± 2.484")
  func interval() throws {
    let half = try #require(Statistics([1, 2, 3]).halfWidth95)
    #expect(abs(half - 4.303 / 3.0.squareRoot()) < 1e-9)
    #expect(Statistics([1]).halfWidth95 == nil)
    let low = try #require(Condition.atLeast("ours", 0, .interval95).reading(of: runs([(1, 0), (2, 0), (3, 0)])))
    #expect(abs(low - (2 - half)) < 1e-9)
    #expect(Condition.atLeast("ours", 0, .interval95).reading(of: runs([(1, 0)])) == nil)
  }

  @Test("a proof runs its seeds, a quick one the first, and its record is read back as it was")
  func roundTrip() throws {
    let proof = proof(declaration()) { run in
      Outcome(figures: [Figure("ours", Double(run.seed) + 2, "m"), Figure("theirs", 1)])
    }
    let record = try proof.run(lab, .full)
    #expect(record.runs.map(\.seed) == [1, 2, 3])
    #expect(record.verdict == .holds)
    let store = ResultStore(lab.results)
    try store.write(record)
    try store.write(proof.run(lab, .quick))
    let records = try store.records()
    #expect(records.count == 2)
    #expect(records[0] == record)
    #expect(records[1].setting == .quick)
    #expect(records[1].runs.map(\.seed) == [1])
    try records.forEach { try $0.check(against: proof.declaration) }
  }

  @Test("a proof without a baseline, a rule, or a claim is refused before it runs")
  func incomplete() {
    let wrong = [
      declaration(baseline: []), declaration([]), declaration(seeds: []), declaration(seeds: [1, 1]),
      declaration([.atLeast("ours", 1, .interval95)], seeds: [1]),
    ]
    for declaration in wrong {
      var calls = 0
      #expect(throws: LabError.self) {
        try Experiment(kind: .proof, declaration: declaration, setting: .full, lab: lab).record { _ in
          calls += 1
          return Outcome()
        }
      }
      #expect(calls == 0)
    }
  }

  @Test("a run that did not measure its baseline leaves no record")
  func unmeasured() {
    let proof = proof(declaration()) { _ in Outcome(figures: [Figure("ours", 3)]) }
    #expect(throws: LabError.refused("example", "the baseline 'theirs' was not measured")) { try proof.run(lab, .full) }
  }

  @Test("a record whose rule was changed after the run is refused")
  func changed() throws {
    let proof = proof(declaration()) { _ in Outcome(figures: [Figure("ours", 3), Figure("theirs", 1)]) }
    let record = try proof.run(lab, .full)
    let softer = declaration([.above("ours", "theirs", by: 0)])
    #expect(throws: LabError.refused("example", "its rule was changed after the run; run it again")) {
      try record.check(against: softer)
    }
    // The same by an edit of the file.
    let store = ResultStore(lab.results)
    try store.write(record)
    let path = store.path("example", .full)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let edited = text.replacingOccurrences(of: "\"value\" : 1\n", with: "\"value\" : 0\n")
    #expect(edited != text)
    try edited.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(throws: LabError.self) { try ResultStore.read(path).check(against: nil) }
  }

  @Test("a record that lacks a seed is refused")
  func lacking() throws {
    let whole = try proof(declaration()) { _ in Outcome(figures: [Figure("ours", 3), Figure("theirs", 1)]) }.run(
      lab, .full)
    let less = Record(
      kind: .proof, declaration: whole.declaration, setting: .full, revision: "", date: "", machine: .current,
      runs: Array(whole.runs.dropLast()))
    #expect(throws: LabError.refused("example", "its record lacks declared seeds")) { try less.check(against: nil) }
  }

  @Test("a proof whose package is absent is skipped and says which")
  func skipped() throws {
    let package = DataPackage("no-such-package", file: folder.path + "/none")
    let record = try proof(declaration(packages: [package])) { _ in throw LabError.refused("", "") }.run(lab, .full)
    #expect(record.skipped == ["no-such-package"])
    #expect(record.verdict == .skipped)
  }

  @Test("seeds that were complete before an interrupt are not run again")
  func keepsSeeds() throws {
    let log = folder.path + "/log"
    let first = proof(declaration()) { run in
      if run.seed == 3, !FileManager.default.fileExists(atPath: log) {
        try Data().write(to: URL(fileURLWithPath: log))
        throw CancellationError()
      }
      if run.seed < 3, FileManager.default.fileExists(atPath: log) { throw LabError.refused("example", "ran twice") }
      return Outcome(figures: [Figure("ours", 3), Figure("theirs", 1)])
    }
    #expect(throws: CancellationError.self) { try first.run(lab, .full) }
    #expect(try first.run(lab, .full).runs.count == 3)
  }

  @Test("broken records are refused with their path, wherever they are cut")
  func broken() throws {
    let store = ResultStore(lab.results)
    try store.write(
      try proof(declaration()) { _ in Outcome(figures: [Figure("ours", .nan), Figure("theirs", 1)]) }.run(lab, .full))
    let path = store.path("example", .full)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    for count in stride(from: 0, to: bytes.count - 3, by: 31) {
      try bytes.prefix(count).write(to: URL(fileURLWithPath: path))
      #expect(throws: LabError.self) { try store.records() }
    }
  }
}

@Suite("Data sets")
struct DataSetTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let example = DataSet(
    name: "example", version: 3, summary: "numbers", licence: "none", packages: [], splitRule: "none",
    build: { writer in
      try writer.write("numbers", DataArray([1, 2, 3, 4, 5, 6] as [Int64], [3, 2]))
      try writer.write("text", lines: ["one", "", "two"])
      try writer.write("files", documents: [[1, 2], [], [0, 255, 10]])
      writer.count("train", 3, "numbers")
    })

  @Test("built twice they are the same bytes, and read back as they were written")
  func twice() throws {
    let folders = try ["a", "b"].map { try Self.example.open(Lab(cache: "\(folder.path)/\($0)")) }
    for file in folders[0].manifest.files.map(\.name) + ["manifest.json"] {
      #expect(try folders[0].bytes(file) == folders[1].bytes(file))
    }
    let numbers: DataArray<Int64> = try folders[0].array("numbers")
    #expect(numbers.shape == [3, 2])
    #expect(Array(numbers[row: 1]) == [3, 4])
    #expect(try folders[0].lines("text") == ["one", "", "two"])
    #expect(try folders[0].documents("files") == [[1, 2], [], [0, 255, 10]])
  }

  @Test("a build that fails leaves nothing behind")
  func failing() throws {
    let lab = Lab(cache: folder.path)
    let set = DataSet(name: "x", version: 1, summary: "", licence: "", packages: [], splitRule: "") { writer in
      try writer.write("text", lines: ["one"])
      throw CancellationError()
    }
    #expect(throws: CancellationError.self) { try set.open(lab) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/data").isEmpty)
  }

  @Test("absent packages are named together")
  func absent() {
    let packages = ["a", "b"].map { DataPackage($0, file: "/no/such/\($0)") }
    let set = DataSet(name: "x", version: 1, summary: "", licence: "", packages: packages, splitRule: "") { _ in }
    #expect(throws: LabError.missingPackages("the data set 'x'", packages)) { try set.open(Lab(cache: folder.path)) }
  }

  @Test("a file that was changed in length is noticed")
  func changed() throws {
    let data = try Self.example.open(Lab(cache: folder.path))
    try Data([1]).write(to: URL(fileURLWithPath: data.path + "/text.txt"))
    #expect(throws: LabError.self) { try Self.example.open(Lab(cache: folder.path)) }
  }

  @Test("NumPy files of every element come back, and broken ones are refused wherever they are cut")
  func numPy() throws {
    let array = try DataArray([1.5, -2, 3] as [Float], [1, 3])
    let bytes = array.numPy
    #expect(try DataArray<Float>(numPy: bytes, "x").elements == array.elements)
    #expect(bytes.count % 64 == 12)
    #expect(throws: LabError.self) { try DataArray<UInt8>(numPy: bytes, "x") }
    for count in 0..<bytes.count {
      #expect(throws: LabError.self) { try DataArray<Float>(numPy: bytes.prefix(count), "x") }
    }
    let huge = Data(String(decoding: bytes, as: UTF8.self).utf8)
    #expect(throws: LabError.self) { try DataArray<Float>(numPy: huge, "x") }
    #expect(throws: LabError.self) { try DataArray([1, 2] as [UInt8], [3]) }
  }

  @Test("ends of documents that do not fit are refused")
  func ends() throws {
    for ends in [[-1], [3, 2], [9], [Int64.max]] as [[Int64]] {
      let set = DataSet(name: "ends", version: 1, summary: "", licence: "", packages: [], splitRule: "") { writer in
        try writer.write("x.bin", bytes: Data([1, 2, 3]))
        try writer.write("x-ends", DataArray(ends, [ends.count]))
      }
      let data = try set.open(Lab(cache: "\(folder.path)/\(ends)"))
      #expect(throws: LabError.self) { try data.documents("x") }
    }
  }
}
