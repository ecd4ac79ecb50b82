/// How byte-level vocabularies of GGUF files split text, by the name under `tokenizer.ggml.pre`.
///
/// Source: the names, the order of the patterns and the flags are those of llama.cpp's `llama-vocab.cpp`. Where it replaces a
/// model's pattern by one its own engine can run and keeps the original in a comment, the original is used here.
struct GGUFPreTokenizer {
  /// Patterns that split one after the other; each match and each gap is a piece.
  let patterns: [String]
  /// Whether a piece that is a token wins over the merges.
  var ignoresMerges = false
  /// Whether a start token is put in front unless the file says otherwise.
  var addsStart = false
  /// Whether an end token stands behind, as RoBERTa's separator.
  var addsSeparator = false
  /// Whether the model's own tokenizer composes the text first. llama.cpp leaves this to the caller.
  var composes = false

  private init(_ patterns: String...) { self.patterns = patterns }

  private func ignoringMerges() -> GGUFPreTokenizer { with { $0.ignoresMerges = true } }
  private func addingStart() -> GGUFPreTokenizer { with { $0.addsStart = true } }
  private func with(_ change: (inout GGUFPreTokenizer) -> Void) -> GGUFPreTokenizer {
    var copy = self
    change(&copy)
    return copy
  }

  /// The splitting for a name; `nil` when the name is not known.
  static func named(_ name: String) -> GGUFPreTokenizer? {
    switch name {
    case "", "default":
      GGUFPreTokenizer(#"[\p{P}\$\+<=>\^~\|]+"#, gpt2, #"\p{N}+"#, "[0-9][0-9][0-9]")
    case "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano":
      GGUFPreTokenizer(llama3).ignoringMerges().addingStart()
    case "dbrx", "smaug-bpe", "glm4", "chatglm-bpe": GGUFPreTokenizer(llama3)
    case "minicpm5":
      GGUFPreTokenizer(#"\p{N}{1,3}"#, caseless + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+"# + rest).ignoringMerges()
    case "gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum",
      "modern-bert", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4":
      GGUFPreTokenizer(gpt2)
    case "jina-v1-en", "jina-v2-code", "roberta-bpe": GGUFPreTokenizer(gpt2).with { $0.addsSeparator = true }
    case "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b":
      GGUFPreTokenizer(#"\p{N}"#, gpt2)
    case "falcon": GGUFPreTokenizer(#"[\p{P}\$\+<=>\^~\|`]+"#, gpt2, "[0-9][0-9][0-9]")
    case "qwen2", "deepseek-r1-qwen": GGUFPreTokenizer(NamedEncoding.qwenPattern).with { $0.composes = true }
    case "qwen35":
      GGUFPreTokenizer(
        caseless + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
      ).with { $0.composes = true }
    case "stablelm2", "kormo", "f2llmv2", "megrez", "hunyuan": GGUFPreTokenizer(NamedEncoding.qwenPattern)
    case "tekken": GGUFPreTokenizer(tekken).ignoringMerges().addingStart()
    case "gpt-4o", "llama4", "kanana2", "talkie": GGUFPreTokenizer(NamedEncoding.o200kPattern)
    case "granite-embed-multi-97m": GGUFPreTokenizer(NamedEncoding.o200kPattern).ignoringMerges()
    case "bailingmoe", "bailingmoe2", "llada-moe":
      GGUFPreTokenizer(
        #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#)
    case "seed-coder":
      GGUFPreTokenizer(
        caseless + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"#)
    case "deepseek-coder": GGUFPreTokenizer(#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, cjk, #"\p{N}"#)
    case "deepseek-llm":
      GGUFPreTokenizer(
        #"[\r\n]"#, #"\s?["# + casedLetters + "]+", #"\s?[!-/:-~！-／：-～‘-‟　-。]+"#, #"\s+$"#, cjk, #"\p{N}+"#)
    case "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4":
      GGUFPreTokenizer(#"\p{N}{1,3}"#, "[一-龥぀-ゟ゠-ヿ]+", deepseek3)
    case "poro-chat", "bloom", "gpt3-finnish": GGUFPreTokenizer(bloom)
    case "viking": GGUFPreTokenizer(bloom, #"\p{N}"#)
    default: nil
    }
  }

  private static let gpt2 = NamedEncoding.whisperPattern
  private static let caseless = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let rest = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let llama3 = caseless + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"# + rest
  private static let tekken =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#
    + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
    + #"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let deepseek3 =
    ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##
    + #"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let cjk = "[一-龥\u{800}-一가-\u{D7FF}]+"
  private static let bloom = #" ?[^(\s|.,!?…。，、।۔،)]+"#
  private static let casedLetters =
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗ"
    + "ὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ"
    + "𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
}
