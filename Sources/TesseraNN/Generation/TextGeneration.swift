import TesseraText
import TesseraTensor

/// Writes one token after the other.
///
///     let writer = try TokenWriter(model, prompt: ids, sampling: .greedy)
///     while let token = try writer.next() { ... }
///
/// One writer belongs to one task at a time.
public final class TokenWriter {
  /// What was read and written so far.
  public private(set) var tokens: [Int]
  private let model: any DecoderModel
  private let sampling: TokenSampling
  private let cache: KeyValueCache
  private let ends: Set<Int>
  private let limit: Int
  private var stream: RandomStream
  private var unread: [Int]
  /// How many tokens were written so far.
  public private(set) var written = 0
  private var isFinished = false

  /// - Parameters:
  ///   - prompt: ids that the text starts with; at least one
  ///   - maxTokens: how many are written at most
  ///   - ends: ids that end the text; nil: those of the model
  ///   - seed: where the draws come from
  /// - Throws: `TensorError.invalid` if the prompt is empty, an id is not in the vocabulary, or the sampling is out of range.
  public init(
    _ model: any DecoderModel, prompt: [Int], maxTokens: Int = .max, sampling: TokenSampling = TokenSampling(),
    ends: [Int]? = nil, seed: UInt64 = 0
  ) throws {
    try sampling.validate()
    guard model.hasHead else {
      throw TensorError.invalid("generate", "this model is the decoder alone: it has no head")
    }
    guard !prompt.isEmpty else { throw TensorError.invalid("generate", "the prompt has no tokens") }
    if let wrong = prompt.first(where: { $0 < 0 || $0 >= model.vocabularySize }) {
      throw TensorError.invalid(
        "generate", "the id \(wrong) is not in the model's vocabulary of \(model.vocabularySize)")
    }
    (self.model, self.sampling, limit) = (model, sampling, maxTokens)
    (tokens, unread) = (prompt, prompt)
    self.ends = Set(ends ?? model.endOfText)
    cache = model.makeCache()
    stream = RandomStream(seed: seed)
  }

  /// The next token; nil after the last one. A token that ends the text is not given out.
  public func next() throws -> Int? {
    guard !isFinished, written < limit else { return nil }
    let token = try noGrad {
      let read = try Tensor(unread, [1, unread.count], device: model.store.device)
      let hidden = try model.hidden(TextInput(read), cache: cache)
      let logits = try model.logits(hidden.selected(hidden.size(1) - 1, axis: 1)).reshaped([-1])
      return try sampling.next(logits, after: tokens, &stream)
    }
    guard !ends.contains(token) else {
      isFinished = true
      return nil
    }
    tokens.append(token)
    unread = [token]
    written += 1
    return token
  }
}

/// A text that is being written: its pieces come as soon as they are certain, never half a character.
///
/// Nothing runs ahead: each piece is computed when it is asked for, in the task that asks.
public struct TextGeneration: AsyncSequence {
  /// Pieces of text.
  public typealias Element = String
  /// What went wrong: `TensorError`, `TokenizerError`, or that the task was cancelled.
  public typealias Failure = any Error

  let model: any DecoderModel
  let prompt: String
  let maxTokens: Int
  let sampling: TokenSampling
  let seed: UInt64

  /// Starts a run from the prompt.
  public func makeAsyncIterator() -> Iterator { Iterator(self) }

  /// Gives the pieces of one run.
  public struct Iterator: AsyncIteratorProtocol {
    private let generation: TextGeneration
    private var run: (writer: TokenWriter, decoder: DecodeStream)?

    init(_ generation: TextGeneration) { self.generation = generation }

    /// How many tokens were written so far.
    public var tokens: Int { run?.writer.written ?? 0 }

    /// The next piece; nil after the last one.
    public mutating func next() async throws -> String? {
      try Task.checkCancellation()
      return try nextPiece()
    }

    /// The next piece, for programs that don't wait.
    public mutating func nextPiece() throws -> String? {
      if run == nil { run = try generation.start() }
      while let token = try run?.writer.next() {
        guard let id = UInt32(exactly: token) else { continue }
        if let piece = try run?.decoder.next(id) { return piece }
      }
      return nil
    }
  }

  private func start() throws -> (writer: TokenWriter, decoder: DecodeStream) {
    guard let source = model.source else {
      throw TensorError.invalid(
        "generate", "the model was not read from a folder, so it has no tokenizer: give it tokens")
    }
    let tokenizer = try source.tokenizer()
    let ids = try tokenizer.encode(prompt).ids.map { Int($0) }
    let writer = try TokenWriter(model, prompt: ids, maxTokens: maxTokens, sampling: sampling, seed: seed)
    var decoder = tokenizer.decodeStream()
    // The prompt goes through the decoder, too: whether a word starts with a space depends on what stands before.
    for id in ids { if let id = UInt32(exactly: id) { _ = try decoder.next(id) } }
    return (writer, decoder)
  }
}

extension DecoderModel {
  /// Goes on with a text.
  ///
  ///     for try await piece in model.generate("Once upon a time", maxTokens: 64) { print(piece, terminator: "") }
  ///
  /// - Parameters:
  ///   - prompt: the text so far; the folder's tokenizer adds its special tokens
  ///   - maxTokens: how many tokens are written at most; an id that ends the text stops before
  ///   - seed: where the draws come from: the same seed, the same text
  /// - Returns: the pieces of what follows the prompt. Errors come out of the loop: no tokenizer in the folder, an empty prompt.
  public func generate(
    _ prompt: String, maxTokens: Int = 256, sampling: TokenSampling = TokenSampling(), seed: UInt64 = 0
  ) -> TextGeneration {
    TextGeneration(model: self, prompt: prompt, maxTokens: maxTokens, sampling: sampling, seed: seed)
  }
}
