extension TextTokenizer {
  /// Reads a tokenizer from a file or a folder.
  ///
  /// The format of a file is found out from its content, never from its name: a `tokenizer.json`, a SentencePiece model, a Mistral
  /// tekken file, a GGUF file (of which the metadata alone is read), a mapped
  /// `.tessera`, `vocab.json` or `merges.txt` with the other beside it, or
  /// `vocab.txt`. In a folder the first of these is taken, in the order `tokenizer.json`, `tokenizer.model`, another `.model`,
  /// `tekken.json`, `vocab.json` with `merges.txt`, `vocab.txt`. What `tokenizer_config.json`, `special_tokens_map.json`,
  /// `added_tokens.json` and `chat_template.jinja` beside the file say of special tokens, letter case and chat templates is heeded.
  ///
  /// - Throws: ``TokenizerError`` that names the file, the key or byte, and what was expected.
  public init(contentsOf path: String) throws {
    let files = try TokenizerFiles(path)
    do {
      let configuration = try TokenizerConfiguration(beside: files.main)
      try self.init(files, configuration)
      chatConfiguration.merge(configuration.chat)
    } catch let error as TokenizerError {
      throw error.inFile(files.main)
    }
  }

  private init(_ files: TokenizerFiles, _ configuration: TokenizerConfiguration) throws {
    guard FileBytes.isRegular(files.main) else {
      try self.init(bytes: try FileBytes.read(files.main))
      return
    }
    // A file that is no tokenizer may be huge: its head tells before the rest is read.
    let head = try FileBytes.read(files.main, limit: TokenizerFormat.headLength)
    guard let format = TokenizerFormat(head: head) else { throw TokenizerFormat.unknown }
    if format == .gguf {
      try self.init(gguf: try GGUF(path: files.main))
      return
    }
    if format == .mapped {
      try self.init(mapped: try MappedFile(path: files.main))
      return
    }
    let bytes = head.count < TokenizerFormat.headLength ? head : try FileBytes.read(files.main)
    switch format {
    case .json:
      let root = try JSONDocument(bytes).root
      guard Self.isVocabulary(root) else {
        try self.init(json: root, bytes)
        return
      }
      let merges = try files.sibling(replacing: "vocab.json", with: "merges.txt")
      try self.init(vocabulary: bytes, merges: try FileBytes.read(merges), configuration, mergesFile: merges)
    case .merges:
      let vocabulary = try files.sibling(replacing: "merges.txt", with: "vocab.json")
      try self.init(
        vocabulary: try FileBytes.read(vocabulary), merges: bytes, configuration, mergesFile: files.main)
    case .wordPieces:
      try self.init(document: try VocabularyFiles.wordPieces(vocabulary: bytes, configuration))
    default: try self.init(bytes: bytes)
    }
  }

  /// Reads a tokenizer from the bytes of a file. What needs a second file is refused.
  public init(bytes: [UInt8]) throws {
    try self.init(bytes: bytes, only: nil)
  }

  /// - Parameter only: the one format that is expected.
  init(bytes: [UInt8], only: TokenizerFormat?) throws {
    let format = TokenizerFormat(head: Array(bytes.prefix(TokenizerFormat.headLength)))
    guard only == nil || format == only else { throw TokenizerFormat.unknown }
    switch format {
    case .mapped: try self.init(mapped: try MappedFile(bytes))
    case .gguf: try self.init(gguf: try GGUF(bytes))
    case .sentencePiece: try self.init(sentencePiece: bytes)
    case .wordPieces: try self.init(document: try VocabularyFiles.wordPieces(vocabulary: bytes))
    case .json:
      let root = try JSONDocument(bytes).root
      if Self.isVocabulary(root) {
        throw TokenizerError(.unsupported, "a vocab.json needs its merges.txt; read both from their folder")
      }
      try self.init(json: root, bytes)
    case .merges:
      throw TokenizerError(.unsupported, "a merges.txt needs its vocab.json; read both from their folder")
    case .ranks:
      throw TokenizerError(
        .unsupported, "a file of ranks leaves out its pattern; name its encoding (--encoding) or give one (--pattern)")
    case nil: throw TokenizerFormat.unknown
    }
  }

  /// Whether an object maps tokens to ids and nothing else.
  private static func isVocabulary(_ root: JSONNode) -> Bool {
    guard root.isObject, root.count > 0 else { return false }
    var isVocabulary = true
    root.forEachMember { _, value in if value.kind != .integer { isVocabulary = false } }
    return isVocabulary
  }

  private init(json root: JSONNode, _ bytes: [UInt8]) throws {
    if root["config"] != nil, root["vocab"]?.isArray == true {
      try self.init(tekken: bytes)
    } else {
      self.init(core: try TokenizerCore(TokenizerDescription(tokenizerJSON: root)))
    }
  }

  /// - Parameter honorsIDs: see ``TokenizerCore``.
  private init(document: JSON, honorsIDs: Bool = false) throws {
    let text = Array(document.text().utf8)
    self.init(
      core: try TokenizerCore(TokenizerDescription(tokenizerJSON: JSONDocument(text).root), honorsIDs: honorsIDs))
  }

  private init(
    vocabulary: [UInt8], merges: [UInt8], _ configuration: TokenizerConfiguration, mergesFile: String
  ) throws {
    do {
      try self.init(
        document: try VocabularyFiles.bytePairs(vocabulary: vocabulary, merges: merges, configuration))
    } catch let error as TokenizerError {
      // Lines are those of the merges, everything else is said of the vocabulary.
      if case .line = error.place { throw error.inFile(mergesFile) }
      throw error
    }
  }

  private init(gguf file: GGUF) throws {
    let tokenizer = try GGUFTokenizer(file)
    try self.init(document: try tokenizer.tokenizerJSON(), honorsIDs: true)
    if let template = tokenizer.chatTemplate { chatConfiguration.templates = [("default", template)] }
    let ids = [
      ("bos_token", tokenizer.startID), ("eos_token", tokenizer.endID), ("unk_token", tokenizer.unknownID),
      ("sep_token", tokenizer.separatorID), ("pad_token", tokenizer.paddingID),
    ]
    for (name, id) in ids {
      if let id { chatConfiguration.specialTokens[name] = .string(tokenizer.tokens[id]) }
    }
  }

  /// Reads a model of sentencepiece.
  private init(sentencePiece bytes: [UInt8]) throws {
    let model = try SentencePieceModel(bytes: bytes)
    let encoder = try SentencePieceEncoder(model)
    var description = try TokenizerDescription(sentencePiece: model)
    description.sentencePieceSource = bytes
    self.init(
      core: try TokenizerCore(
        description, specialTokensInText: .text,
        honorsIDs: true,
        sentencePiece: encoder))
    let names = [
      ("bos_token", model.trainer.beginPiece), ("eos_token", model.trainer.endPiece),
      ("unk_token", model.trainer.unknownPiece), ("pad_token", model.trainer.paddingPiece),
    ]
    for (name, piece) in names where model.pieces.contains(where: { $0.bytes == piece }) {
      chatConfiguration.specialTokens[name] = .string(String(decoding: piece, as: UTF8.self))
    }
  }
}

extension TokenizerDescription {
  /// What tokenizer.json can say of a SentencePiece model; of word and character models only the vocabulary.
  init(sentencePiece model: SentencePieceModel) throws {
    guard model.trainer.kind == .word || model.trainer.kind == .character else {
      let json = try huggingFaceJSON(from: model).text()
      try self.init(tokenizerJSON: JSONDocument(Array(json.utf8)).root)
      return
    }
    var table = TokenTableBuilder(capacity: model.pieces.count)
    var added: [(token: AddedToken, id: UInt32?)] = []
    for (id, piece) in model.pieces.enumerated() {
      table.insert(piece.bytes, id: UInt32(id))
      guard piece.kind == .control || piece.kind == .userDefined else { continue }
      var token = AddedToken(piece.text, isSpecial: piece.kind == .control)
      token.isNormalized = false
      added.append((token, UInt32(id)))
    }
    self.init(
      header: ["version": "1.0"], model: .wordLevel(WordLevelModel(vocabulary: table.finish())), addedTokens: added)
    reasonForNoTokenizerJSON = "a SentencePiece model of words or characters has no form as a tokenizer.json"
  }
}
