import TesseraTensor

extension DecoderModel {
  /// Decodes a batch greedily with a cache, as the reference's `generate` does: positions count the tokens that are not padding, and new
  /// tokens go on from the last of them.
  /// - Returns: `sequences` `[batch, tokens + steps]` and `step_logits` `[batch, steps, vocabulary]`
  func greedy(_ input: TextInput, steps: Int, _ options: ForwardOptions) throws -> [String: Tensor] {
    guard steps > 0 else { throw TensorError.invalid("greedy", "the number of tokens must be positive, not \(steps)") }
    guard hasHead else { throw TensorError.invalid("greedy", "this model is the decoder alone: it has no head") }
    guard input.mask.explicit == nil else {
      throw TensorError.invalid("greedy", "attention_mask must be [batch, tokens]")
    }
    let ends = try Self.ends(options)
    let (batch, count) = try input.size(width: width)
    var input = input
    input.mask.packed = nil
    try extend(&input, batch: batch, count: count, by: steps)
    let cache = makeCache()
    var pieces = input.tokens.map { [$0] } ?? []
    var stepLogits: [Tensor] = []
    var isOpen = Array(repeating: true, count: batch)
    for step in 0..<steps {
      let hidden = try hidden(input, cache: cache)
      let last = try logits(hidden.sliced((hidden.size(1) - 1)..<hidden.size(1), axis: 1)).to(.float32)
      stepLogits.append(last)
      var next = try last.argmax(-1)
      if !ends.tokens.isEmpty {
        let chosen = try next.values(Int.self)
        let kept = zip(chosen, isOpen).map { $1 ? $0 : ends.padding }
        next = try Tensor(kept, [batch, 1], device: next.device)
        isOpen = zip(kept, isOpen).map { $1 && !ends.tokens.contains($0) }
      }
      pieces.append(next)
      if !isOpen.contains(true) || step == steps - 1 { break }
      guard let positions = input.positions else { break }
      (input.tokens, input.embeddings) = (next, nil)
      input.positions = try positions.sliced((positions.size(1) - 1)..<positions.size(1), axis: 1) + 1
      if let types = input.types { input.types = try types.sliced((types.size(1) - 1)..<types.size(1), axis: 1) }
    }
    return [
      "sequences": try Tensor.concatenated(pieces, axis: 1),
      "step_logits": try Tensor.concatenated(stepLogits, axis: 1),
    ]
  }

  /// Positions from the padding, and padding with room for the new tokens.
  private func extend(_ input: inout TextInput, batch: Int, count: Int, by steps: Int) throws {
    let device = (input.tokens ?? input.embeddings)?.device ?? .cpu
    guard let padding = input.mask.padding else {
      if input.positions == nil { input.positions = try Tensor.range(0..<count, device: device).unsqueezed(0) }
      return
    }
    guard padding.shape == [batch, count] else {
      throw TensorError.invalid("attention_mask", "[\(batch), \(count)] is expected, not \(padding.summary)")
    }
    if input.positions == nil {
      input.positions = try (padding.to(.int64).cumulativeSum(1) - 1).filled(0, where: padding.not())
    }
    let isWhole = try padding.to(.int64).minimum().integer() > 0
    input.mask.padding =
      isWhole
      ? nil : try Tensor.concatenated([padding, try Tensor.ones([batch, steps], .bool, device: device)], axis: 1)
  }

  /// Ids after which a row is filled with padding, if the settings name any.
  private static func ends(_ options: ForwardOptions) throws -> (tokens: [Int], padding: Int) {
    func ids(_ name: String) throws -> [Int] {
      guard let setting = options.settings[name], setting != .null else { return [] }
      let values = setting.array?.map(\.integer) ?? [setting.integer]
      guard !values.contains(nil) else { throw TensorError.invalid("forward", "'\(name)' is an id or a list of ids") }
      return values.compactMap { $0 }
    }
    let tokens = try ids("eos_token_id")
    return (tokens, try ids("pad_token_id").first ?? tokens.first ?? 0)
  }
}
