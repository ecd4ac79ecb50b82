import Synchronization

/// Counts the multiply-adds of products, attention and convolutions while a body runs: what was executed, from the shapes.
///
///     let meter = MultiplyAddMeter()
///     let logits = try meter.measure { try model(images) }
///     print(meter.total)
///
/// One multiplication with one addition counts once. Norms, activations and softmax are not counted, as papers do. Only the task that
/// measures, and tasks that it starts, are counted; where nobody measures, an operation pays one load of a flag.
public final class MultiplyAddMeter: Sendable {
  /// What kind of operation was counted.
  public enum Kind: String, Sendable, CaseIterable {
    case linear, attention, convolution, product
  }

  private struct Counts: Sendable {
    var byKind: [Kind: Int] = [:]
    var byWeight: [ObjectIdentifier: Int] = [:]
    /// Attention has no weights of its own: it is counted with the linear layer before it.
    var attentionBehind: [ObjectIdentifier: Int] = [:]
    var lastWeight: ObjectIdentifier?
  }

  private let counts = Mutex(Counts())
  @TaskLocal private static var current: MultiplyAddMeter?
  private static let measuring = Atomic<Int>(0)

  public init() {}

  /// Runs a body and adds what it executes.
  public func measure<Result>(_ body: () throws -> Result) rethrows -> Result {
    Self.measuring.add(1, ordering: .relaxed)
    defer { Self.measuring.subtract(1, ordering: .relaxed) }
    return try Self.$current.withValue(self, operation: body)
  }

  /// All multiply-adds so far.
  public var total: Int { counts.withLock { $0.byKind.values.reduce(0, +) } }

  /// The multiply-adds of one kind.
  public subscript(kind: Kind) -> Int { counts.withLock { $0.byKind[kind] ?? 0 } }

  /// The multiply-adds in which a parameter took part.
  public subscript(parameter: Parameter) -> Int {
    counts.withLock { $0.byWeight[ObjectIdentifier(parameter.value)] ?? 0 }
  }

  /// The multiply-adds of attention whose last projection before it was this parameter.
  public func attention(behind parameter: Parameter) -> Int {
    counts.withLock { $0.attentionBehind[ObjectIdentifier(parameter.value)] ?? 0 }
  }

  @inline(__always)
  static func note(_ kind: Kind, _ weight: Tensor? = nil, _ count: @autoclosure () -> Int) {
    guard measuring.load(ordering: .relaxed) > 0 else { return }
    current?.add(kind, weight.map(ObjectIdentifier.init), count())
  }

  private func add(_ kind: Kind, _ weight: ObjectIdentifier?, _ count: Int) {
    counts.withLock {
      $0.byKind[kind, default: 0] += count
      if kind == .attention {
        if let last = $0.lastWeight { $0.attentionBehind[last, default: 0] += count }
      } else if let weight {
        $0.byWeight[weight, default: 0] += count
        $0.lastWeight = weight
      }
    }
  }

  /// The length of all axes that an equation names, multiplied: what a sum of products over them costs.
  static func einsum(_ equation: String, _ operands: [Tensor]) -> Int {
    let terms = (equation.split(separator: "-").first ?? "").split(separator: ",", omittingEmptySubsequences: false)
    guard operands.count > 1, terms.count == operands.count else { return 0 }
    var lengths: [Character: Int] = [:]
    for (term, operand) in zip(terms, operands) {
      let letters = term.filter { $0 != " " }
      guard letters.count == operand.rank else { return 0 }
      for (letter, length) in zip(letters, operand.shape) { lengths[letter] = max(lengths[letter] ?? 1, length) }
    }
    return (operands.count - 1) * lengths.values.reduce(1, *)
  }
}
