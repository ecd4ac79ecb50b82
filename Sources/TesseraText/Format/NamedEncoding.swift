/// What a rank file leaves out: the pattern that splits text, the special tokens, the normal form of the text.
public struct NamedEncoding: Sendable {
  /// The forms a text may be brought into first.
  public enum Normalization: String, Sendable {
    /// Canonical composition.
    case nfc = "NFC"
  }

  /// The name, as the reference writes it.
  public let name: String
  /// The regular expression whose matches are the pieces.
  public let pattern: String
  /// The special tokens with their ids.
  public let specialTokens: [(text: String, id: UInt32)]
  /// The normal form the text is brought into before it is split, if any.
  public let normalization: Normalization?

  init(_ name: String, _ pattern: String, _ specialTokens: [(String, UInt32)], _ normalization: Normalization? = nil) {
    self.name = name
    self.pattern = pattern
    self.specialTokens = specialTokens.map { (text: $0.0, id: $0.1) }
    self.normalization = normalization
  }

  /// The encoding with a name; `nil` when it is not known.
  public static func named(_ name: String) -> NamedEncoding? { all.first { $0.name == name } }

  /// The encodings known by name.
  ///
  /// Sources: `openai_public.py` of tiktoken 0.14, `tokenizer.py` of Whisper 20250625, the Qwen tokenizer of dashscope 2.0.
  public static let all: [NamedEncoding] = [
    NamedEncoding("gpt2", gpt2Pattern, [(endOfText, 50256)]),
    NamedEncoding("r50k_base", gpt2Pattern, [(endOfText, 50256)]),
    NamedEncoding("p50k_base", gpt2Pattern, [(endOfText, 50256)]),
    NamedEncoding("p50k_edit", gpt2Pattern, [(endOfText, 50256)] + fillInTheMiddle(from: 50281)),
    NamedEncoding(
      "cl100k_base", cl100kPattern,
      [(endOfText, 100257)] + fillInTheMiddle(from: 100258) + [("<|endofprompt|>", 100276)]),
    NamedEncoding("o200k_base", o200kPattern, [(endOfText, 199999), ("<|endofprompt|>", 200018)]),
    NamedEncoding("o200k_harmony", o200kPattern, harmonyTokens),
    NamedEncoding("qwen", qwenPattern, qwenTokens, .nfc),
    whisper(multilingual: true),
    whisper(multilingual: false),
    whisper(multilingual: true, languages: 100),
  ]

  /// The encoding of a Whisper model. The third generation of large models knows 100 languages, the others 99.
  public static func whisper(multilingual: Bool, languages: Int = 99) -> NamedEncoding {
    var texts = [endOfText, "<|startoftranscript|>"]
    texts += whisperLanguages.prefix(languages).map { "<|\($0)|>" }
    texts += ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"].map { "<|\($0)|>" }
    for step in 0...1500 {
      let hundredths = 2 * step % 100
      texts.append("<|\(2 * step / 100).\(hundredths < 10 ? "0" : "")\(hundredths)|>")
    }
    let first: UInt32 = multilingual ? 50257 : 50256
    let name = multilingual ? (languages == 100 ? "whisper_multilingual_100" : "whisper_multilingual") : "whisper_gpt2"
    return NamedEncoding(name, whisperPattern, texts.enumerated().map { ($1, first + UInt32($0)) })
  }

  private static let endOfText = "<|endoftext|>"

  private static func fillInTheMiddle(from id: UInt32) -> [(String, UInt32)] {
    [("<|fim_prefix|>", id), ("<|fim_middle|>", id + 1), ("<|fim_suffix|>", id + 2)]
  }

  // The patterns are data: a scanner is chosen by comparing them, so they are written exactly as in the sources.
  static let gpt2Pattern =
    #"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"#
  static let cl100kPattern =
    #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"#
    + #"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"#
  static let o200kPattern =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
    + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
    + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  static let qwenPattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
    + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
  static let whisperPattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  private static let harmonyTokens: [(String, UInt32)] = {
    let named: [UInt32: String] = [
      199998: "<|startoftext|>", 199999: endOfText, 200002: "<|return|>", 200003: "<|constrain|>",
      200005: "<|channel|>", 200006: "<|start|>", 200007: "<|end|>", 200008: "<|message|>", 200012: "<|call|>",
    ]
    // Two texts share an id: the older name of the slot is kept beside the reserved one.
    return (199998...201087).map { (named[$0] ?? "<|reserved_\($0)|>", $0) } + [("<|endofprompt|>", 200018)]
  }()

  private static let qwenTokens: [(String, UInt32)] =
    ([endOfText, "<|im_start|>", "<|im_end|>"] + (0..<205).map { "<|extra_\($0)|>" })
    .enumerated().map { ($1, 151643 + UInt32($0)) }

  private static let whisperLanguages = """
    en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy sk \
    te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo \
    ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su yue
    """.split(separator: " ").map(String.init)
}
