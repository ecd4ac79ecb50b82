import Foundation
import TesseraTensor

/// One part of networks that can be run alone on tensors from a file, to compare it with other implementations.
///
///     let part = try StandardParts.named("fsq")
///     let outputs = try part.run(["z": z], ["levels": .array([.integer(8), .integer(5)])])
public struct StandardPart: Sendable {
  /// Something that goes in or comes out.
  public struct Field: Sendable {
    public let name: String
    /// Type, shape and meaning.
    public let text: String
    /// False for inputs that may be left out, and outputs that may be absent.
    public let isRequired: Bool

    init(_ name: String, _ text: String, optional: Bool = false) {
      (self.name, self.text, isRequired) = (name, text, !optional)
    }
  }

  /// The name on the command line.
  public let name: String
  /// Names of the same part elsewhere.
  public let aliases: [String]
  /// One sentence.
  public let summary: String
  public let inputs: [Field]
  public let outputs: [Field]
  /// Options by the reference's names, with their defaults.
  public let options: [Field]
  private let body: @Sendable (PartCall) throws -> [String: Tensor]

  init(
    _ name: String, aliases: [String] = [], _ summary: String, inputs: [Field], outputs: [Field], options: [Field] = [],
    _ body: @escaping @Sendable (PartCall) throws -> [String: Tensor]
  ) {
    (self.name, self.aliases, self.summary, self.inputs) = (name, aliases, summary, inputs)
    (self.outputs, self.options, self.body) = (outputs, options, body)
  }

  /// Runs the part.
  /// - Throws: `TensorError.invalid` for inputs and options that are missing, unknown, or out of range
  public func run(_ inputs: [String: Tensor], _ settings: [String: JSONValue] = [:]) throws -> [String: Tensor] {
    let known = Set(options.map(\.name))
    if let unknown = settings.keys.sorted().first(where: { !known.contains($0) }) {
      let list = options.isEmpty ? "it has none" : "it has " + options.map(\.name).joined(separator: ", ")
      throw TensorError.invalid(name, "there is no option '\(unknown)': \(list)")
    }
    let call = PartCall(name, inputs, settings)
    let outputs = try body(call)
    try call.demandAllTaken(self.inputs.map(\.name))
    return try outputs.mapValues { try $0.detached().contiguous() }
  }
}

/// The inputs and options of one call.
final class PartCall {
  let name: String
  let settings: [String: JSONValue]
  private let inputs: [String: Tensor]
  private var taken: Set<String> = []

  init(_ name: String, _ inputs: [String: Tensor], _ settings: [String: JSONValue]) {
    (self.name, self.inputs, self.settings) = (name, inputs, settings)
  }

  func refuse(_ reason: String) -> TensorError { .invalid(name, reason) }

  func optional(_ input: String) -> Tensor? {
    taken.insert(input)
    return inputs[input]
  }

  func tensor(_ input: String) throws -> Tensor {
    guard let tensor = optional(input) else {
      throw refuse("the input '\(input)' is missing; there are: \(inputs.keys.sorted().joined(separator: ", "))")
    }
    return tensor
  }

  /// Inputs nobody has taken yet.
  var remaining: [String: Tensor] { inputs.filter { !taken.contains($0.key) } }

  func demandAllTaken(_ known: [String]) throws {
    guard let left = remaining.keys.sorted().first else { return }
    throw refuse("there is no input '\(left)'; it takes \(known.joined(separator: ", "))")
  }

  private func value<Value>(_ option: String, _ what: String, _ read: (JSONValue) -> Value?) throws -> Value? {
    guard let setting = settings[option] else { return nil }
    if case .null = setting { return nil }
    guard let value = read(setting) else { throw refuse("the option '\(option)' is \(what)") }
    return value
  }

  func int(_ option: String) throws -> Int? { try value(option, "a whole number") { $0.integer } }
  func int(_ option: String, _ standard: Int) throws -> Int { try int(option) ?? standard }
  func double(_ option: String) throws -> Double? { try value(option, "a number") { $0.number } }
  func double(_ option: String, _ standard: Double) throws -> Double { try double(option) ?? standard }
  func bool(_ option: String, _ standard: Bool) throws -> Bool {
    try value(option, "true or false") { $0.bool } ?? standard
  }
  func string(_ option: String, _ standard: String) throws -> String {
    try value(option, "a text") { $0.string } ?? standard
  }

  func doubles(_ option: String) throws -> [Double]? {
    try value(option, "a list of numbers") { setting in
      guard let list = setting.array else { return nil }
      let numbers = list.compactMap(\.number)
      return numbers.count == list.count ? numbers : nil
    }
  }

  func ints(_ option: String) throws -> [Int]? {
    try value(option, "a list of whole numbers") { setting in
      guard let list = setting.array else { return nil }
      let numbers = list.compactMap(\.integer)
      return numbers.count == list.count ? numbers : nil
    }
  }

  /// One of the cases of an enumeration.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(_ option: String, _ standard: Choice) throws -> Choice {
    let text = try string(option, standard.rawValue)
    guard let choice = Choice(rawValue: text) else {
      throw refuse(
        "the option '\(option)' is one of \(Choice.allCases.map(\.rawValue).joined(separator: ", ")), not '\(text)'")
    }
    return choice
  }

  /// A number that must be given.
  func demandInt(_ option: String) throws -> Int {
    guard let number = try int(option) else { throw refuse("the option '\(option)' is missing") }
    return number
  }

  /// A loss and its gradients for some inputs, which `body` gets as leaves.
  func graded(
    _ names: [String], _ body: ([String: Tensor]) throws -> [String: Tensor]
  ) throws -> [String: Tensor] {
    var leaves: [String: Tensor] = [:]
    for name in names {
      if let tensor = optional(name) { leaves[name] = try tensor.withGradient() }
    }
    var results = try recording(true) { try body(leaves) }
    guard let loss = results["loss"], loss.count == 1, loss.requiresGradient else { return results }
    try loss.backward()
    for (name, leaf) in leaves {
      if let gradient = leaf.gradient { results[name + "_gradient"] = gradient }
    }
    return results
  }
}

/// All parts that can be run alone.
public enum StandardParts {
  public static let all: [StandardPart] =
    quantizers + samplers + operations + losses + metrics

  /// A part by its name, or by the name it has elsewhere.
  /// - Throws: `TensorError.invalid` with the names there are
  public static func named(_ name: String) throws -> StandardPart {
    if let part = all.first(where: { $0.name == name || $0.aliases.contains(name) }) { return part }
    throw TensorError.invalid(
      "inspect", "there is no part '\(name)'; there are \(all.map(\.name).joined(separator: ", "))")
  }
}
