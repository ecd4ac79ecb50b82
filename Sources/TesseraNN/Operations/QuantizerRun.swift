import TesseraTensor

/// Runs a quantizer on the inputs of a call.
final class QuantizerRun {
  private let call: PartCall
  private let store: ParameterStore
  private let calls: [(suffix: String, z: Tensor)]
  private let codes: Tensor?
  private let channels: Bool
  private var ignored: (String) -> Bool = { _ in false }
  var scope: Scope { store.root }

  /// Where the vectors' numbers lie in z.
  enum Layout {
    /// `[batch, tokens, width]`
    case tokens
    /// `[batch, width, ...]`
    case channels
    /// Channels with four or more axes.
    case byRank

    init(_ call: PartCall, _ option: String) throws {
      self = call.settings[option] == nil ? .byRank : try call.bool(option, false) ? .channels : .tokens
    }
  }

  init(_ call: PartCall, _ layout: Layout = .tokens) throws {
    self.call = call
    store = ParameterStore(seed: UInt64(bitPattern: Int64(try call.int("seed", 0))))
    codes = call.optional("codes")
    var calls: [(String, Tensor)] = []
    if let z = call.optional("z") {
      calls = [("", z)]
    } else {
      while let z = call.optional("z.\(calls.count)") { calls.append((".\(calls.count)", z)) }
    }
    guard codes != nil || !calls.isEmpty else {
      _ = try call.tensor("z"); throw call.refuse("the input 'z' is missing")
    }
    self.calls = calls
    for (suffix, z) in calls where z.rank < 2 || !z.dataType.isFloatingPoint {
      throw call.refuse("'z\(suffix)' is \(z.summary), and numbers [batch, tokens, width] are expected")
    }
    switch layout {
    case .tokens: channels = false
    case .channels: channels = true
    case .byRank: channels = (calls.first?.1.rank ?? 0) >= 4
    }
  }

  /// The length of the vectors going in.
  var width: Int? { calls.first.map { $0.z.size(channels ? 1 : -1) } }

  func columns(_ key: String) throws -> Int {
    guard let table = call.remaining[key], table.rank > 0 else { throw call.refuse("the input '\(key)' is missing") }
    return table.size(-1)
  }

  func rows(_ key: String) throws -> Int {
    guard let table = call.remaining[key], table.rank > 0 else { throw call.refuse("the input '\(key)' is missing") }
    return table.size(0)
  }

  func ignores(_ keys: @escaping (String) -> Bool) { ignored = keys }

  /// - Parameter state: true if training changes parameters that are given back
  func outputs(_ quantizer: any Quantizer, state: Bool = false) throws -> [String: Tensor] {
    let (cotangent, mask) = (call.optional("cotangent"), call.optional("mask"))
    let training = try call.bool("training", false)
    for key in call.remaining.keys.sorted() {
      guard let value = call.optional(key), !ignored(key) else { continue }
      guard let parameter = store[key] else {
        throw call.refuse(
          "there is no parameter '\(key)'; there are \(store.parameters.map(\.path).joined(separator: ", "))")
      }
      try parameter.assign(value)
    }
    var results: [String: Tensor] = [:]
    if let codes, calls.isEmpty { return ["vectors": try quantizer.vectors(codes)] }
    for (place, (suffix, given)) in calls.enumerated() {
      let z = training ? try given.withGradient() : given
      let result = try recording(training) {
        channels
          ? try quantizer.quantizeChannels(z, training: training)
          : try quantizer.quantize(z, mask: mask, training: training)
      }
      results["codes" + suffix] = result.codes
      results["vectors" + suffix] = result.vectors
      results["loss" + suffix] = try result.loss() ?? .zeros(Self.lossShape(quantizer))
      guard training, place == calls.count - 1, let cotangent else { continue }
      try ((result.vectors * cotangent).sum() + result.totalLoss()).backward()
      results["z_gradient"] = z.gradient
      for parameter in store.parameters { results[parameter.path + "_gradient"] = parameter.gradient }
    }
    if state, training { for parameter in store.parameters { results[parameter.path] = parameter.value } }
    return results
  }

  private static func lossShape(_ quantizer: any Quantizer) -> [Int] {
    switch quantizer {
    case let grouped as GroupedQuantizer: [grouped.groups.count] + (grouped.groups.first.map(lossShape) ?? [])
    case let residual as ResidualQuantizer: [residual.layers.count]
    default: []
    }
  }
}
