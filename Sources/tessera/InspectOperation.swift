import ArgumentParser
import TesseraNN
import TesseraTensor
import TesseraText

/// `tessera inspect --op`: standard parts of networks, listed, described, or run on tensors from a file.
struct OperationInspection {
  /// The part; nil lists all.
  let name: String?
  let inputs: String?
  let outputs: String?
  let settings: [String]
  let json: Bool

  func validate() throws {
    guard (inputs == nil) == (outputs == nil) || outputs != nil else {
      throw ValidationError("--inputs needs --outputs: where the results go.")
    }
    if name == nil, inputs != nil || outputs != nil || !settings.isEmpty {
      throw ValidationError("--op needs a name with --inputs, --outputs and --set; --op alone lists the parts.")
    }
    if outputs == nil, !settings.isEmpty { throw ValidationError("--set needs --outputs: where the results go.") }
    _ = try SettingList.parse(settings)
  }

  func run() throws {
    guard let name else {
      if json {
        try Console.print(JSON.array(StandardParts.all.map(Self.json)).text(.pretty))
      } else {
        for part in StandardParts.all { try Self.print(part) }
      }
      return
    }
    let part = try StandardParts.named(name)
    guard let outputs else {
      try json ? Console.print(Self.json(part).text(.pretty)) : Self.print(part)
      return
    }
    let given = try inputs.map { try SafeTensors(path: $0).tensors() } ?? [:]
    let results = try part.run(given, SettingList.parse(settings))
    try SafeTensors.write(results, to: outputs)
  }

  private static func print(_ part: StandardPart) throws {
    let names = ([part.name] + part.aliases).joined(separator: ", ")
    try Console.print("\(names)\n    \(part.summary)")
    for (title, fields) in [("inputs", part.inputs), ("outputs", part.outputs), ("options", part.options)]
    where !fields.isEmpty {
      try Console.print("  \(title)")
      for field in fields {
        let optional = title != "options" && !field.isRequired ? " (optional)" : ""
        try Console.print("    \(DisplayWidth.padded(field.name, to: 34)) \(field.text)\(optional)")
      }
    }
  }

  private static func json(_ part: StandardPart) -> JSON {
    func fields(_ fields: [StandardPart.Field]) -> JSON {
      .array(fields.map { ["name": .string($0.name), "text": .string($0.text), "required": .bool($0.isRequired)] })
    }
    return [
      "name": .string(part.name), "aliases": .array(part.aliases.map { .string($0) }), "summary": .string(part.summary),
      "inputs": fields(part.inputs), "outputs": fields(part.outputs), "options": fields(part.options),
    ]
  }
}
