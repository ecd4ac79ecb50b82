import Foundation
import TesseraText

/// What a model's folder says about text: its tokenizer, and which ids end a text.
public struct TextSource: Sendable {
  /// The path of the folder.
  public let folder: String
  /// Ids that end a text by `generation_config.json`; nil if it is silent.
  public let endOfText: [Int]?

  private struct GenerationConfiguration: Decodable {
    let endOfText: OneOrMany?
    enum CodingKeys: String, CodingKey { case endOfText = "eos_token_id" }
  }

  /// - Throws: `CheckpointError.malformed` if there is a `generation_config.json` that cannot be read.
  public init(_ folder: ModelFolder) throws {
    self.folder = folder.path
    endOfText = try folder.optional("generation_config.json", GenerationConfiguration.self)?.endOfText?.values
  }

  /// The tokenizer of the folder, of any format.
  /// - Throws: `TokenizerError` if there is none.
  public func tokenizer() throws -> TextTokenizer { try TextTokenizer(contentsOf: folder) }
}
