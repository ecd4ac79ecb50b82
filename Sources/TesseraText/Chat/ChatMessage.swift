/// One message of a conversation.
///
///     let messages: [ChatMessage] = [.system("Be brief."), .user("Hi")]
///
/// Templates see it as an object with `role`, `content` and whatever else was put in.
public struct ChatMessage: Sendable, Hashable {
  /// Who speaks. Templates may know roles of their own.
  public struct Role: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral {
    /// The name that templates see.
    public var rawValue: String

    /// A role by its name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// A role by its name.
    public init(stringLiteral value: String) { rawValue = value }

    /// Sets the rules.
    public static let system: Role = "system"
    /// Asks.
    public static let user: Role = "user"
    /// Answers.
    public static let assistant: Role = "assistant"
    /// Gives the result of a tool.
    public static let tool: Role = "tool"
  }

  /// Who speaks.
  public var role: Role
  /// What is said: a string, a list of parts such as `[{"type": "text", "text": "…"}]`, or `nil` when the message has none.
  public var content: JSON?
  /// The calls of tools that the message makes, as the template wants them; kept as they are.
  public var toolCalls: [JSON]
  /// Whatever else the template reads: `name`, `tool_call_id`, `reasoning_content` and so on.
  public var fields: JSONObject

  /// Makes a message from text.
  public init(_ role: Role, _ text: String?, toolCalls: [JSON] = [], fields: JSONObject = [:]) {
    self.role = role
    content = text.map { .string($0) }
    self.toolCalls = toolCalls
    self.fields = fields
  }

  /// Reads a message from JSON, such as `{"role": "user", "content": "Hi"}`.
  ///
  /// - Throws: ``TokenizerError`` when it is no object with a role.
  public init(json: JSON) throws {
    guard var members = json.objectValue, let role = members["role"]?.stringValue else {
      throw TokenizerError(.malformed, "expected an object with a role, found \(json.kindName)", at: .key("messages"))
    }
    self.role = Role(rawValue: role)
    content = members["content"]
    toolCalls = members["tool_calls"]?.arrayValue ?? []
    members["role"] = nil
    members["content"] = nil
    if !toolCalls.isEmpty { members["tool_calls"] = nil }
    fields = members
  }

  /// The message as templates see it.
  public var json: JSON {
    var members: JSONObject = ["role": .string(role.rawValue)]
    if let content { members["content"] = content }
    if !toolCalls.isEmpty { members["tool_calls"] = .array(toolCalls) }
    for (key, value) in fields { members[key] = value }
    return .object(members)
  }

  /// What the system says.
  public static func system(_ text: String) -> ChatMessage { ChatMessage(.system, text) }
  /// What the user says.
  public static func user(_ text: String) -> ChatMessage { ChatMessage(.user, text) }
  /// What the assistant says, and the tools it calls.
  public static func assistant(_ text: String?, toolCalls: [JSON] = []) -> ChatMessage {
    ChatMessage(.assistant, text, toolCalls: toolCalls)
  }
  /// What a tool gives back.
  public static func tool(_ text: String, name: String? = nil, callID: String? = nil) -> ChatMessage {
    var message = ChatMessage(.tool, text)
    if let name { message.fields["name"] = .string(name) }
    if let callID { message.fields["tool_call_id"] = .string(callID) }
    return message
  }
}

extension TextTokenizer {
  /// Encodes a conversation with the tokenizer's own chat template.
  ///
  ///     let prompt = try tokenizer.chat([.user("Hi")], addGenerationPrompt: true)
  ///     prompt.ids
  ///
  /// The special tokens that the template writes are taken as such, and no others are put around: the start token comes once.
  ///
  /// - Parameters:
  ///   - messages: the conversation so far.
  ///   - addGenerationPrompt: whether the beginning of the assistant's answer is put at the end.
  ///   - tools: what the model may call, each as a JSON schema; `nil` for none.
  ///   - templateName: one of several templates; `nil` for `tool_use` when there are tools and it exists, else `default`.
  ///   - context: more variables for the template; they come before those of the tokenizer.
  /// - Throws: ``TokenizerError`` when there is no template, or the template fails or refuses the conversation.
  public func chat(
    _ messages: [ChatMessage], addGenerationPrompt: Bool = false, tools: [JSON]? = nil, templateName: String? = nil,
    context: JSONObject = [:]
  ) throws -> Encoding {
    let text = try chatText(
      messages, addGenerationPrompt: addGenerationPrompt, tools: tools, templateName: templateName, context: context)
    return try encode(
      text, options: EncodeOptions(addsSpecialTokens: false, specialTokensInText: .recognize))
  }

  /// The text of a conversation as the tokenizer's own chat template writes it.
  ///
  /// Parameters and errors are those of ``chat(_:addGenerationPrompt:tools:templateName:context:)``.
  public func chatText(
    _ messages: [ChatMessage], addGenerationPrompt: Bool = false, tools: [JSON]? = nil, templateName: String? = nil,
    context: JSONObject = [:]
  ) throws -> String {
    let template = try ChatTemplate(
      chatConfiguration.template(named: templateName, hasTools: tools != nil))
    var members: JSONObject = [
      "messages": .array(messages.map(\.json)), "tools": tools.map { .array($0) } ?? nil,
      "add_generation_prompt": .bool(addGenerationPrompt),
    ]
    for (key, value) in context { members[key] = value }
    return try template.render(chatConfiguration.context(members))
  }
}

extension ChatConfiguration {
  /// The variables of a template: what transformers always gives, the special tokens, and the request's own, which come first.
  public func context(_ members: JSONObject) -> JSON {
    var all: JSONObject = ["messages": [], "tools": nil, "documents": nil, "add_generation_prompt": false]
    for (key, value) in specialTokens { all[key] = value }
    for (key, value) in members { all[key] = value }
    return .object(all)
  }
}
