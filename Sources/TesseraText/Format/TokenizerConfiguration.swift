/// What the files beside a vocabulary say: `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json`, and the
/// chat templates in files of their own.
///
/// Source: how transformers 4.57 reads these files. With `added_tokens_decoder` the configuration is complete; without it the map
/// of special tokens overrides it, and tokens come from `added_tokens.json`.
struct TokenizerConfiguration {
  /// Whether there is a `tokenizer_config.json`.
  var isPresent = false
  var className: String?
  var lowercases: Bool?
  var stripsAccents: Bool?
  var spacesIdeographs: Bool?
  var addsPrefixSpace: Bool?
  var addsStart: Bool?
  /// The special tokens by role, in the order of ``roles``.
  private var specials: [String: AddedToken] = [:]
  private var additional: [AddedToken] = []
  /// Tokens with the ids that the files give them.
  private var added: [(token: AddedToken, id: Int)] = []
  /// The templates, and the special tokens as a template sees them.
  private(set) var chat = ChatConfiguration()

  private static let roles = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  init() {}

  /// Reads the files in the folder of a file. Missing ones say nothing.
  ///
  /// - Throws: ``TokenizerError`` naming the file and the key.
  init(beside path: String) throws {
    let folder = FileBytes.parts(of: path).folder
    func json(_ name: String) throws -> JSON? {
      let file = FileBytes.join(folder, name)
      guard FileBytes.exists(file), file != path else { return nil }
      do {
        let json = try JSON(parsing: try FileBytes.read(file))
        guard json.objectValue != nil else {
          throw TokenizerError(.malformed, "expected an object, found \(json.kindName)", at: .byte(0))
        }
        return json
      } catch let error as TokenizerError {
        throw error.inFile(file)
      }
    }
    let settings = try json("tokenizer_config.json")
    do {
      try read(settings ?? [:])
    } catch let error as TokenizerError {
      throw error.inFile(FileBytes.join(folder, "tokenizer_config.json"))
    }
    isPresent = settings != nil
    if settings?["added_tokens_decoder"] == nil {
      if let map = try json("special_tokens_map.json") { readSpecials(map) }
      if let list = try json("added_tokens.json")?.objectValue { readAdded(list) }
    }
    try readTemplates(folder)
    var named = self
    named.setDefaults(Self.defaults(ofClass: className ?? ""))
    for role in Self.roles { chat.specialTokens[role] = named.token(role).map { .string($0) } }
    if !additional.isEmpty {
      chat.specialTokens["additional_special_tokens"] = .array(additional.map { .string($0.content) })
    }
  }

  private mutating func read(_ json: JSON) throws {
    className = json["tokenizer_class"]?.stringValue
    lowercases = json["do_lower_case"]?.boolValue
    stripsAccents = json["strip_accents"]?.boolValue
    spacesIdeographs = json["tokenize_chinese_chars"]?.boolValue
    addsPrefixSpace = json["add_prefix_space"]?.boolValue
    addsStart = json["add_bos_token"]?.boolValue
    readSpecials(json)
    for (key, value) in json["added_tokens_decoder"]?.objectValue ?? [:] {
      guard let id = Int(key), id >= 0, let token = Self.token(value) else {
        throw TokenizerError(.malformed, "expected a token for an id", at: .key("added_tokens_decoder.\(key)"))
      }
      added.append((token, id))
    }
    added.sort { $0.id < $1.id }
    for (name, value) in json["extra_special_tokens"]?.objectValue ?? [:] {
      if let token = Self.token(value) {
        chat.specialTokens[name] = .string(token.content)
        additionalOnly(token)
      }
    }
    try readTemplates(json["chat_template"])
  }

  private mutating func additionalOnly(_ token: AddedToken) {
    if !added.contains(where: { Self.isSame($0.token.content, token.content) }) { named.append(token) }
  }

  /// Special tokens with names of the model's own.
  private var named: [AddedToken] = []

  private mutating func readSpecials(_ json: JSON) {
    for role in Self.roles {
      guard let value = json[role], let token = Self.token(value, isSpecial: true) else { continue }
      specials[role] = token
    }
    for value in json["additional_special_tokens"]?.arrayValue ?? [] {
      guard let token = Self.token(value, isSpecial: true) else { continue }
      if !additional.contains(where: { Self.isSame($0.content, token.content) }) { additional.append(token) }
    }
  }

  private mutating func readAdded(_ list: JSONObject) {
    let special = (Array(specials.values) + additional).map { Array($0.content.utf8) }
    for (text, value) in list {
      guard let id = value.integerValue, id >= 0 else { continue }
      added.append((AddedToken(text, isSpecial: special.contains(Array(text.utf8))), id))
    }
    added.sort { $0.id < $1.id }
  }

  /// A token as a string, or as an object with its content and its habits.
  private static func token(_ json: JSON, isSpecial: Bool = false) -> AddedToken? {
    if let text = json.stringValue { return text.isEmpty ? nil : AddedToken(text, isSpecial: isSpecial) }
    guard let text = json["content"]?.stringValue, !text.isEmpty else { return nil }
    let isSpecial = json["special"]?.boolValue ?? isSpecial
    var token = AddedToken(text, isSpecial: isSpecial)
    token.isSingleWord = json["single_word"]?.boolValue ?? false
    token.stripsLeft = json["lstrip"]?.boolValue ?? false
    token.stripsRight = json["rstrip"]?.boolValue ?? false
    token.isNormalized = json["normalized"]?.boolValue ?? !isSpecial
    return token
  }

  private static func isSame(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

  // MARK: Special tokens

  func token(_ role: String) -> String? { specials[role]?.content }

  /// Gives roles that the files leave open the tokens of the family.
  ///
  /// - Parameter vocabulary: tokens it lacks are left out.
  mutating func setDefaults(_ defaults: [(String, String)], ifPresentIn vocabulary: JSONObject? = nil) {
    for (role, text) in defaults where specials[role] == nil {
      if let vocabulary, vocabulary[text] == nil { continue }
      specials[role] = AddedToken(text, isSpecial: true)
    }
  }

  /// White space before this token belongs to it, unless the files describe the token themselves.
  mutating func stripLeft(_ role: String) {
    guard let text = token(role), !added.contains(where: { Self.isSame($0.token.content, text) }) else { return }
    specials[role]?.stripsLeft = true
  }

  /// All tokens that are added to a vocabulary, as tokenizer.json lists them: first those with ids of their own, then the special
  /// ones, in the order of their roles. A token outside the vocabulary gets the next free id.
  func addedTokens(vocabulary: JSONObject) -> [JSON] {
    var seen = JSONObject()
    var next = UInt32(vocabulary.count)
    var result: [(UInt32, JSON)] = []
    let special = Self.roles.compactMap { specials[$0] } + additional + named
    for token in added.map(\.token) + special where seen[token.content] == nil {
      let known = vocabulary[token.content]?.integerValue.flatMap { UInt32(exactly: $0) }
      // What is only named as a special token has to be there, but for those given with their own id.
      seen[token.content] = true
      let id = known ?? next
      if known == nil { next += 1 }
      result.append((id, token.json(id: id)))
    }
    return result.sorted { $0.0 < $1.0 }.map(\.1)
  }

  /// The special tokens that a class of transformers has without being told. They are for templates: no token is added for them.
  private static func defaults(ofClass name: String) -> [(String, String)] {
    switch name.hasSuffix("Fast") ? String(name.dropLast(4)) : name {
    case "GPT2Tokenizer", "CodeGenTokenizer": VocabularyFiles.FamilyParts.specials(of: .gpt2)
    case "RobertaTokenizer", "BartTokenizer", "LongformerTokenizer", "LEDTokenizer", "XLMRobertaTokenizer":
      VocabularyFiles.FamilyParts.specials(of: .roberta)
    case "DebertaTokenizer": VocabularyFiles.FamilyParts.specials(of: .deberta)
    case "Qwen2Tokenizer": VocabularyFiles.FamilyParts.specials(of: .qwen)
    case "CLIPTokenizer": VocabularyFiles.FamilyParts.specials(of: .clip)
    case "LlamaTokenizer", "CodeLlamaTokenizer":
      [("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>")]
    case "GemmaTokenizer":
      [("bos_token", "<bos>"), ("eos_token", "<eos>"), ("unk_token", "<unk>"), ("pad_token", "<pad>")]
    case "T5Tokenizer": [("eos_token", "</s>"), ("unk_token", "<unk>"), ("pad_token", "<pad>")]
    case "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer":
      [
        ("unk_token", "[UNK]"), ("sep_token", "[SEP]"), ("pad_token", "[PAD]"), ("cls_token", "[CLS]"),
        ("mask_token", "[MASK]"),
      ]
    default: []
    }
  }

  // MARK: Templates

  private mutating func readTemplates(_ json: JSON?) throws {
    guard let json, !json.isNull else { return }
    if let text = json.stringValue {
      chat.templates = [("default", text)]
      return
    }
    guard let list = json.arrayValue else {
      throw TokenizerError(.malformed, "expected a string or a list, found \(json.kindName)", at: .key("chat_template"))
    }
    for (index, entry) in list.enumerated() {
      guard let name = entry["name"]?.stringValue, let text = entry["template"]?.stringValue else {
        throw TokenizerError(.malformed, "expected a name and a template", at: .key("chat_template[\(index)]"))
      }
      chat.templates.removeAll { Self.isSame($0.name, name) }
      chat.templates.append((name, text))
    }
  }

  /// Templates in files of their own come before those of the configuration.
  private mutating func readTemplates(_ folder: String) throws {
    var found: [(name: String, source: String)] = []
    func add(_ name: String, _ path: String) throws {
      guard let text = String(validating: try FileBytes.read(path), as: UTF8.self) else {
        throw TokenizerError(.malformed, "the template is not UTF-8", in: path)
      }
      found.append((name, text))
    }
    let main = FileBytes.join(folder, "chat_template.jinja")
    if FileBytes.exists(main) { try add("default", main) }
    let others = FileBytes.join(folder, "additional_chat_templates")
    for name in FileBytes.names(in: others) where name.hasSuffix(".jinja") {
      try add(String(name.dropLast(6)), FileBytes.join(others, name))
    }
    if !found.isEmpty { chat.templates = found }
  }
}
