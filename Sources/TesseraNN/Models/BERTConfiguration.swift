import TesseraTensor

/// The sizes of a BERT or RoBERTa.
public struct BERTConfiguration: Sendable, Codable {
  public var vocabulary = 30_522
  public var width = 768
  public var layers = 12
  public var heads = 12
  public var hidden = 3072
  public var activation = Activation.gelu
  public var positions = 512
  public var tokenTypes = 2
  public var epsilon = 1e-12
  /// The id of padding: RoBERTa counts positions from the one after it.
  public var padding = 0
  /// True: positions count the tokens that are no padding, as RoBERTa does.
  public var positionsSkipPadding = false
  /// Tokens see those before them alone.
  public var causal = false
  /// The output of the language head is the table of words.
  public var tied = true
  public var labels = 2

  public init() {}

  /// Reads a configuration of Hugging Face.
  /// - Throws: `CheckpointError.configuration` naming the key
  public init(_ reader: ConfigurationReader, roberta: Bool) throws {
    vocabulary = try reader.size("vocab_size", default: roberta ? 50_265 : 30_522)
    width = try reader.size("hidden_size", default: 768)
    layers = try reader.size("num_hidden_layers", default: 12, minimum: 0)
    heads = try reader.heads("num_attention_heads", default: 12, of: "hidden_size", width)
    hidden = try reader.size("intermediate_size", default: 3072)
    activation = try reader.choice("hidden_act", default: .gelu)
    positions = try reader.size("max_position_embeddings", default: 512)
    tokenTypes = try reader.size("type_vocab_size", default: 2)
    epsilon = try reader.epsilon("layer_norm_eps", default: 1e-12)
    padding = try reader.integer("pad_token_id") ?? (roberta ? 1 : 0)
    positionsSkipPadding = roberta
    causal = try reader.flag("is_decoder", default: false)
    tied = try reader.flag("tie_word_embeddings", default: true)
    labels = try reader.labels()
    guard !(try reader.flag("add_cross_attention", default: false)) else {
      throw reader.refuse("add_cross_attention", "cross-attention of BERT is not supported")
    }
    let kind = try reader.text("position_embedding_type", default: "absolute")
    guard kind == "absolute" else { throw reader.refuse("position_embedding_type", "'\(kind)' is not supported") }
  }
}
