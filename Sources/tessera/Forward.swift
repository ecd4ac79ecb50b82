import ArgumentParser
import Foundation
import TesseraNN
import TesseraTensor

struct Forward: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a published architecture on tensors from a file.",
    discussion: """
      The inputs are named like the reference's forward arguments (input_ids, pixel_values, ...), the outputs like its outputs
      (logits, last_hidden_state, hidden_states.0, ...).

      tessera forward --model gpt2/ --inputs in.safetensors --outputs out.safetensors --hidden-states
      """)

  @Option(help: "A folder with config.json and safetensors.")
  var model: String

  @Option(help: "A safetensors file with the arguments.")
  var inputs: String

  @Option(help: "Where the outputs are written, as safetensors.")
  var outputs: String

  @Flag(help: "Write the hidden states, too.")
  var hiddenStates = false

  @Option(help: "Decode this many tokens greedily with a key/value cache; writes sequences and step_logits.")
  var greedy: Int?

  @Option(name: .customLong("set"), help: "An option of the reference that is no tensor: KEY=JSON.")
  var settings: [String] = []

  func validate() throws {
    if let greedy, greedy < 1 { throw ValidationError("--greedy needs a positive number, not \(greedy).") }
    _ = try parsedSettings()
  }

  func run() throws {
    let options = ForwardOptions(hiddenStates: hiddenStates, settings: try parsedSettings(), greedy: greedy)
    let network = try ModelRegistry.load(model)
    let given = NamedTensors(try SafeTensors(path: inputs).tensors())
    let results = try noGrad { try network.forward(given, options) }
    try SafeTensors.write(results, to: outputs)
  }

  private func parsedSettings() throws -> [String: JSONValue] { try SettingList.parse(settings) }
}

/// Settings of the form KEY=JSON.
enum SettingList {
  static func parse(_ settings: [String]) throws -> [String: JSONValue] {
    var values: [String: JSONValue] = [:]
    for setting in settings {
      guard let equals = setting.firstIndex(of: "="), equals != setting.startIndex else {
        throw ValidationError("--set needs KEY=JSON, not '\(setting)'.")
      }
      let text = String(setting[setting.index(after: equals)...])
      guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) else {
        throw ValidationError("--set \(setting): '\(text)' is no JSON; a text needs quotation marks.")
      }
      values[String(setting[..<equals])] = value
    }
    return values
  }
}
