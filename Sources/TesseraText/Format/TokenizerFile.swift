#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Reading whole files without the Foundation library.
enum FileBytes {
  /// The bytes of a file.
  ///
  /// - Throws: ``TokenizerError`` with the system's reason.
  static func read(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = chunk.withUnsafeMutableBytes { readBytes(descriptor, $0.baseAddress, $0.count) }
      guard count >= 0 else { throw failure(path) }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  private static func failure(_ path: String) -> TokenizerError {
    TokenizerError(.inputOutput, String(cString: strerror(errno)), in: path)
  }

  static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  static func exists(_ path: String) -> Bool { access(path, R_OK) == 0 }

  @inline(__always)
  private static func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    #if canImport(Darwin)
      Darwin.read(descriptor, buffer, count)
    #elseif canImport(Glibc)
      Glibc.read(descriptor, buffer, count)
    #else
      Musl.read(descriptor, buffer, count)
    #endif
  }
}

extension TextTokenizer {
  /// Reads a tokenizer from a file, or from a folder that holds a `tokenizer.json`.
  ///
  /// The format is found out from the content, never from the name.
  ///
  /// - Throws: ``TokenizerError`` that names the file, the key or byte, and what was expected.
  public init(contentsOf path: String) throws {
    var file = path
    if FileBytes.isDirectory(path) {
      file = path.hasSuffix("/") ? path + "tokenizer.json" : path + "/tokenizer.json"
      guard FileBytes.exists(file) else {
        throw TokenizerError(.inputOutput, "the folder holds no tokenizer.json", in: path)
      }
    }
    do {
      try self.init(bytes: try FileBytes.read(file))
    } catch let error as TokenizerError {
      throw error.inFile(file)
    }
  }

  /// Reads a tokenizer from the bytes of a file.
  public init(bytes: [UInt8]) throws {
    let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }
    if bytes.starts(with: "GGUF".utf8) {
      let json = try GGUFTokenizer(try GGUF(bytes)).tokenizerJSON().text()
      self.init(
        core: try TokenizerCore(
          TokenizerDescription(tokenizerJSON: JSONDocument(Array(json.utf8)).root), honorsIDs: true))
      return
    }
    guard first == 0x7B else {
      try self.init(sentencePiece: bytes)
      return
    }
    let root = try JSONDocument(bytes).root
    if root["config"] != nil, root["vocab"]?.isArray == true {
      try self.init(tekken: bytes)
      return
    }
    self.init(core: try TokenizerCore(TokenizerDescription(tokenizerJSON: root)))
  }

  /// Reads a model of sentencepiece.
  private init(sentencePiece bytes: [UInt8]) throws {
    // Every such model begins with a piece: field 1, wire type 2.
    guard bytes.first == 0x0A else {
      throw TokenizerError(
        .unsupported, "the content is neither a tokenizer.json (which begins with '{') nor a SentencePiece model",
        at: .byte(0))
    }
    let model = try SentencePieceModel(bytes: bytes)
    let encoder = try SentencePieceEncoder(model)
    self.init(
      core: try TokenizerCore(
        try TokenizerDescription(sentencePiece: model), specialTokensInText: .text,
        honorsIDs: true,
        sentencePiece: encoder))
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
    var table = TokenTable(capacity: model.pieces.count)
    var added: [(token: AddedToken, id: UInt32?)] = []
    for (id, piece) in model.pieces.enumerated() {
      table.insert(piece.bytes, id: UInt32(id))
      guard piece.kind == .control || piece.kind == .userDefined else { continue }
      var token = AddedToken(piece.text, isSpecial: piece.kind == .control)
      token.isNormalized = false
      added.append((token, UInt32(id)))
    }
    self.init(header: ["version": "1.0"], model: .wordLevel(WordLevelModel(vocabulary: table)), addedTokens: added)
    reasonForNoTokenizerJSON = "a SentencePiece model of words or characters has no form as a tokenizer.json"
  }
}
