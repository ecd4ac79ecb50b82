/// How conversations become prompts: the chat templates of a tokenizer, and its special tokens by the names that templates use.
public struct ChatConfiguration: Sendable {
  /// The templates by name. One that stands alone is called `default`.
  public var templates: [(name: String, source: String)] = []
  /// What every template sees besides the messages: `bos_token`, `eos_token` and the like as strings, and
  /// `additional_special_tokens` as a list.
  public var specialTokens = JSONObject()

  /// Makes an empty configuration.
  public init() {}

  /// The text of the template for a request.
  ///
  /// As in transformers: a name that is given must be there; otherwise `tool_use` is taken when there are tools, else `default`.
  ///
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` that names the templates there are.
  public func template(named name: String? = nil, hasTools: Bool = false) throws -> String {
    func source(_ name: String) -> String? {
      templates.first { $0.name.utf8.elementsEqual(name.utf8) }?.source
    }
    if let name {
      if let found = source(name) { return found }
    } else if hasTools, let found = source("tool_use") {
      return found
    } else if let found = source("default") {
      return found
    }
    let names = templates.map { "'\($0.name)'" }.joined(separator: ", ")
    let there = templates.isEmpty ? "it has none" : "it has \(names)"
    throw TokenizerError(
      .invalidRequest, "the tokenizer has no chat template\(name.map { " named '\($0)'" } ?? ""): \(there)")
  }

  /// Takes over what another configuration says.
  mutating func merge(_ other: ChatConfiguration) {
    if !other.templates.isEmpty { templates = other.templates }
    for (key, value) in other.specialTokens { specialTokens[key] = value }
  }
}
