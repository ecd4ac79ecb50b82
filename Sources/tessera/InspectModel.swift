import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

/// `tessera inspect MODEL_DIR`.
struct ModelInspection {
  let folder: String
  let tokens: Int
  let json: Bool

  /// True if a path is a folder with a configuration.
  static func isModel(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path + "/config.json")
  }

  func run() throws {
    let report = try ModelReport(folder: folder, tokens: tokens)
    try json ? Console.print(object(report).text(.pretty)) : table(report)
  }

  private func object(_ report: ModelReport) -> JSON {
    func number(_ value: Int?) -> JSON { value.map { .integer(Int64($0)) } ?? .null }
    var kinds = JSONObject()
    for kind in MultiplyAddMeter.Kind.allCases { kinds[kind.rawValue] = number(report.executed[kind]) }
    var inputs = JSONObject()
    for (name, shape) in report.inputs.sorted(by: { $0.key < $1.key }) {
      inputs[name] = .array(shape.map { number($0) })
    }
    return [
      "architecture": .string(report.architecture), "parameters": number(report.parameters),
      "multiply_adds": number(report.counted ?? report.total), "multiply_adds_executed": number(report.total),
      "multiply_adds_by_kind": report.executed.isEmpty ? .null : .object(kinds), "inputs": .object(inputs),
      "parts": .array(
        report.parts.map {
          [
            "name": .string($0.name), "blocks": number($0.blocks), "parameters": number($0.parameters),
            "multiply_adds": number($0.multiplyAdds),
          ]
        }), "unused": .array(report.unusedKeys.map { .string($0) }),
    ]
  }

  private func table(_ report: ModelReport) throws {
    try Console.print(report.architecture)
    let widest = report.parts.map { DisplayWidth.of($0.name) }.max() ?? 0
    let width = max(widest, 5) + 2
    func line(_ name: String, _ blocks: String, _ parameters: String, _ counted: String) -> String {
      func right(_ text: String, _ columns: Int) -> String {
        String(repeating: " ", count: max(1, columns - text.count)) + text
      }
      return DisplayWidth.padded(name, to: width) + right(blocks, 8) + right(parameters, 18) + right(counted, 22)
    }
    try Console.print(line("part", "blocks", "parameters", "multiply-adds"))
    for part in report.parts {
      let blocks = part.blocks > 1 ? "x \(part.blocks)" : ""
      try Console.print(
        line(part.name, blocks, Self.grouped(part.parameters), part.multiplyAdds.map(Self.grouped) ?? ""))
    }
    try Console.print(line("total", "", Self.grouped(report.parameters), report.total.map(Self.grouped) ?? ""))
    if let total = report.total {
      let read = report.inputs.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      let kinds = MultiplyAddMeter.Kind.allCases.compactMap { kind in
        report.executed[kind].flatMap { $0 > 0 ? "\(kind.rawValue) \(Self.grouped($0))" : nil }
      }
      try Console.print("\(Self.grouped(total)) multiply-adds for \(read): \(kinds.joined(separator: ", "))")
    } else {
      try Console.print("No pass was run: the model is too large, or no inputs for it are known.")
    }
    if let counted = report.counted, counted != report.total {
      try Console.print("\(Self.grouped(counted)) as papers count, with a patch for every token.")
    }
    if !report.unusedKeys.isEmpty {
      try Console.print(
        "not used: \(report.unusedKeys.prefix(8).joined(separator: ", "))\(report.unusedKeys.count > 8 ? ", ..." : "")")
    }
  }

  private static func grouped(_ number: Int) -> String {
    var text = String(number)
    var place = text.count - 3
    while place > 0 {
      text.insert(",", at: text.index(text.startIndex, offsetBy: place))
      place -= 3
    }
    return text
  }
}
