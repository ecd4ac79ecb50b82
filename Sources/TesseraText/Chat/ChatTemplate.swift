/// A chat template: a Jinja template that turns messages, tools and special tokens into the text of a prompt.
///
///     let template = try ChatTemplate(configuration.chatTemplate)
///     let prompt = try template.render([
///       "messages": [["role": "user", "content": "Hello"]],
///       "add_generation_prompt": true, "bos_token": "<s>",
///     ])
///
/// The language is that of `jinja2` 3.1 in its immutable sandbox, set up as model publishers expect: `trim_blocks` and
/// `lstrip_blocks` on, `break` and `continue`, the functions `raise_exception` and `strftime_now`, a `tojson` that escapes
/// nothing for HTML, and `{% generation %}`, which renders its body. Values behave and print as in Python. Templates come from
/// strangers, so steps, nesting and size are bounded by ``Limits``, and nothing outside the context can be reached.
///
/// - Complexity: parsing is O(n); rendering takes as many steps as the template asks for, within the limits.
public struct ChatTemplate: Sendable {
  /// What one rendering may cost.
  public struct Limits: Sendable {
    /// Evaluation steps: one per statement and expression, and one per 16 characters or 4 elements that are made or searched.
    public var steps = 10_000_000
    /// The size of the output, and of any text on the way to it, in bytes.
    public var outputBytes = 64 << 20
    /// Calls, blocks and operators inside each other. Whatever it is, no more than 320 KB of stack are used.
    public var depth = 200

    /// The default limits.
    public init() {}
  }

  /// The local time as `strftime_now` formats it.
  public struct Clock: Sendable {
    /// Formats the present with a format of `strftime`.
    public var format: @Sendable (String) -> String

    /// Makes a clock from a function, such as one that stands still for a test.
    public init(_ format: @escaping @Sendable (String) -> String) { self.format = format }
  }

  /// A parsed template with its variables resolved.
  struct Program: Sendable {
    var statements: [TemplateStatement]
    var bindings: [TemplateBinding]
    var layouts: [TemplateScopeLayout]
  }

  /// The template as it was given.
  public let source: String
  /// What one rendering may cost.
  public var limits = Limits()
  /// The clock of `strftime_now`.
  public var clock = Clock.system
  private let program: Program

  /// Parses a template.
  ///
  /// - Throws: ``TokenizerError`` with the line and column of the first fault.
  public init(_ source: String) throws(TokenizerError) {
    self.source = source
    do {
      var parser = try TemplateParser(source)
      let statements = try parser.parse()
      let scopes = TemplateScopes(statements, mentions: parser.mentions, scopes: parser.scopes)
      program = Program(statements: statements, bindings: scopes.bindings, layouts: scopes.layouts)
    } catch let error as TokenizerError {
      throw error
    } catch {
      throw TokenizerError(.malformed, "\(error)")
    }
  }

  /// The text that the template makes of a context.
  ///
  /// - Parameter context: an object with the template's variables: `messages`, `tools`, `add_generation_prompt`, the special
  ///   tokens and so on.
  /// - Throws: ``TokenizerError`` with the line and column, when the template fails, raises an exception itself or reaches a
  ///   limit.
  public func render(_ context: JSON) throws(TokenizerError) -> String {
    guard let variables = context.objectValue else {
      throw TokenizerError(.invalidRequest, "the context of a chat template must be an object, not \(context.kindName)")
    }
    var evaluator: TemplateEvaluator?
    do {
      let context = try TemplateDict(variables, level: 1)
      let fresh = TemplateEvaluator(program, context: context, limits: limits, clock: clock)
      evaluator = fresh
      return try fresh.run()
    } catch var error as TokenizerError {
      if error.place == nil { error.place = evaluator?.position.place }
      error.message = error.message.split(whereSeparator: \.isNewline).joined(separator: " ")
      throw error
    } catch {
      throw TokenizerError(.invalidRequest, "\(error)")
    }
  }
}
