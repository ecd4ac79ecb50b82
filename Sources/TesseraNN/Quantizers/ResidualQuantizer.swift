import TesseraTensor

/// Quantizers in a row: each quantizes what those before left over.
///
/// Paper: *SoundStream*, 2021 (arXiv 2107.03312), algorithm 1. With `r₀ = z`: `qᵢ = Qᵢ(rᵢ₋₁)`, `rᵢ = rᵢ₋₁ - qᵢ`; the vector is `Σ qᵢ`.
///
/// Quantizer dropout keeps a random number of levels in training, so that a prefix of the codes is a coarser version.
public final class ResidualQuantizer: Module, Quantizer {
  /// The levels; their width is the inner one.
  public let layers: [any Quantizer]
  public let width: Int
  public var codebookSize: Int { layers.map(\.codebookSize).max() ?? 0 }

  /// How many levels training keeps; nil keeps all.
  public var dropout: Dropout?

  /// Random depth in training.
  public struct Dropout: Sendable {
    /// The smallest number of levels that is kept.
    public var minimum = 1
    /// Kept numbers are rounded up to a multiple of this.
    public var multiple = 1
    public var stream: RandomStream
    /// A fixed number in the place of the random one.
    public var fixed: Int?

    public init(minimum: Int = 1, multiple: Int = 1, seed: UInt64 = 0, fixed: Int? = nil) {
      (self.minimum, self.multiple, stream, self.fixed) = (minimum, multiple, RandomStream(seed: seed), fixed)
    }

    mutating func depth(of levels: Int) -> Int {
      if let fixed { return min(max(fixed, 1), levels) }
      let drawn = Int.random(in: min(max(minimum, 1), levels)...levels, using: &stream)
      return min((drawn + multiple - 1) / max(multiple, 1) * max(multiple, 1), levels)
    }
  }

  private let scales: [Tensor]?
  private let clamp: Tensor?
  private let sharedCodebook: Codebook?
  private let projectIn: Linear?
  private let projectOut: Linear?

  private init(
    _ layers: [any Quantizer], width: Int, scales: [Tensor]? = nil, clamp: Tensor? = nil, shared: Codebook? = nil,
    _ scope: Scope
  ) throws {
    guard let inner = layers.first?.width else { throw TensorError.invalid("ResidualQuantizer", "it needs a level") }
    (self.layers, self.width, self.scales, self.clamp, sharedCodebook) = (layers, width, scales, clamp, shared)
    projectIn = inner != width ? try Linear(width, inner, scope / "project_in") : nil
    projectOut = inner != width ? try Linear(inner, width, scope / "project_out") : nil
    super.init(scope)
  }

  /// Residual vector quantization.
  /// - Parameters:
  ///   - configuration: of a level; its width is that of the whole, its `codebookWidth` that of the levels
  ///   - codebookSizes: one for each level
  ///   - sharedCodebook: true if all levels use one codebook; then they have one size
  public convenience init(
    _ configuration: VectorQuantizer.Configuration, codebookSizes: [Int], sharedCodebook: Bool = false, _ scope: Scope
  ) throws {
    var layer = configuration
    layer.width = configuration.codebookWidth ?? configuration.width
    layer.codebookWidth = nil
    guard layer.heads == 1 else { throw TensorError.invalid("ResidualQuantizer", "its levels have one head") }
    guard !codebookSizes.isEmpty, !sharedCodebook || Set(codebookSizes).count == 1 else {
      throw TensorError.invalid("ResidualQuantizer", "codebooks of the sizes \(codebookSizes)")
    }
    if sharedCodebook, case .movingAverage(let decay, let epsilon, _) = layer.update {
      layer.update = .movingAverage(decay: decay, epsilon: epsilon, deferred: true)
    }
    var shared: Codebook?
    let layers = try codebookSizes.enumerated().map { index, size in
      var own = layer
      own.codebookSize = size
      own.seed = configuration.seed &+ UInt64(index)
      let made = try VectorQuantizer(own, codebook: shared, scope / "layers" / index)
      if sharedCodebook { shared = made.codebook }
      return made
    }
    try self.init(layers, width: configuration.width, shared: shared, scope)
  }

  /// Residual finite scalar quantization: level q works at `levels⁻q` of the range.
  public convenience init(_ configuration: FiniteScalarQuantizer.Configuration, quantizers: Int, _ scope: Scope) throws
  {
    var layer = configuration
    layer.width = nil
    layer.preservesSymmetry = true
    let levels = configuration.levels.map(Float.init)
    let layers = try (0..<max(quantizers, 0)).map { try FiniteScalarQuantizer(layer, scope / "layers" / $0) }
    let scales = try (0..<max(quantizers, 0)).map { level in
      try Tensor(levels.map { size in (0..<level).reduce(Float(1)) { value, _ in value / size } })
    }
    let clamp = try configuration.clampsHard ? Tensor(levels.map { 1 + 1 / ($0 - 1) }) : nil
    try self.init(layers, width: configuration.width ?? levels.count, scales: scales, clamp: clamp, scope)
  }

  /// Residual lookup-free quantization: level q has codes of half the size of those before.
  public convenience init(_ configuration: LookupFreeQuantizer.Configuration, quantizers: Int, _ scope: Scope) throws {
    let layers = try (0..<max(quantizers, 0)).map { level in
      var layer = configuration
      layer.width = nil
      let factor = (0..<level).reduce(1.0) { value, _ in value / 2 }
      layer.scale = factor
      layer.softClamp = configuration.softClamp.map { $0 * factor }
      return try LookupFreeQuantizer(layer, scope / "layers" / level)
    }
    try self.init(layers, width: configuration.width ?? configuration.bits, scope)
  }

  public func quantize(_ z: Tensor, mask: Tensor?, training: Bool) throws -> Quantization {
    let depth = training ? dropout?.depth(of: layers.count) ?? layers.count : layers.count
    return try quantize(z, mask: mask, training: training, depth: depth)
  }

  /// Quantizes with the first `depth` levels; the codes of the others are -1.
  public func quantize(_ z: Tensor, mask: Tensor? = nil, training: Bool, depth: Int) throws -> Quantization {
    try demandWidth(z, "ResidualQuantizer")
    var residual = try projectIn?(z) ?? z
    if let clamp { residual = try (residual / clamp).tanh() * clamp }
    var sum: Tensor?
    var codes: [Tensor] = []
    var residuals: [Tensor] = []
    var terms: [[Quantization.LossTerm]] = []
    for (level, layer) in layers.prefix(max(depth, 1)).enumerated() {
      residuals.append(residual)
      var result = try layer.quantize(
        scales.map { try residual / $0[level] } ?? residual, mask: mask, training: training)
      if let scales { result.vectors = try result.vectors * scales[level] }
      residual = try residual - result.vectors.detached()
      sum = try sum.map { try $0 + result.vectors } ?? result.vectors
      codes.append(result.codes)
      terms.append(result.losses)
    }
    if training { try learnShared(residuals, mask: mask) }
    guard let sum, let first = codes.first else { throw TensorError.invalid("ResidualQuantizer", "it needs a level") }
    codes += try (codes.count..<layers.count).map { _ in try Tensor.full(first.shape, -1, .int64, device: first.device)
    }
    var vectors = try projectOut?(sum) ?? sum
    if let mask { vectors = try vectors.filled(0, where: mask.not().unsqueezed(-1)) }
    return Quantization(
      codes: try .stacked(codes, axis: -1), vectors: vectors, losses: try Self.byLevel(terms, levels: layers.count))
  }

  public func vectors(_ codes: Tensor) throws -> Tensor {
    let levels = codes.rank > 0 ? codes.size(-1) : 0
    guard levels >= 1, levels <= layers.count else {
      throw TensorError.invalid("vectors", "\(codes.summary) does not end in 1...\(layers.count) levels")
    }
    var sum: Tensor?
    for (level, layer) in layers.prefix(levels).enumerated() {
      let ids = try codes.selected(level, axis: -1).to(.int64)
      try demandCodes(ids, below: layer.codebookSize, dropped: true)
      let dropped = try ids .< 0
      var part = try layer.vectors(ids.filled(0, where: dropped)).filled(0, where: dropped.unsqueezed(-1))
      if let scales { part = try part * scales[level] }
      sum = try sum.map { try $0 + part } ?? part
    }
    guard let sum else { throw TensorError.invalid("vectors", "no level") }
    return try projectOut?(sum) ?? sum
  }

  /// A codebook that all levels use is refreshed, and its dead codes revived, once for all of them.
  private func learnShared(_ residuals: [Tensor], mask: Tensor?) throws {
    guard let codebook = sharedCodebook else { return }
    if case .movingAverage(_, let epsilon, _) = codebook.update { try codebook.refresh(epsilon: epsilon) }
    guard case .threshold = codebook.revival else { return }
    var all = try Tensor.stacked(residuals, axis: 2).reshaped([1, -1, codebook.width])
    if codebook.metric == .cosine { all = try all.normalized(epsilon: 1e-6) }
    try noGrad { try codebook.revive(all.detached(), nil, mask: nil) }
  }

  /// The terms of the levels with the same name as one term with an axis of levels; levels left out count zero.
  private static func byLevel(_ terms: [[Quantization.LossTerm]], levels: Int) throws -> [Quantization.LossTerm] {
    guard let first = terms.first else { return [] }
    return try first.indices.map { place in
      var values = terms.map { $0[place].value }
      let zero = try Tensor.zeros(first[place].value.shape, device: first[place].value.device)
      values += Array(repeating: zero, count: levels - values.count)
      return .init(name: first[place].name, value: try .stacked(values, axis: -1), weight: first[place].weight)
    }
  }
}

/// Parts of a vector quantized by themselves, each by a quantizer of its own; with residual quantizers this is grouped residual vector
/// quantization (Yang et al. 2023, "HiFi-Codec", arXiv 2305.02765).
public final class GroupedQuantizer: Module, Quantizer {
  /// One for each part.
  public let groups: [any Quantizer]
  public var width: Int { groups.reduce(0) { $0 + $1.width } }
  public var codebookSize: Int { groups.map(\.codebookSize).max() ?? 0 }

  /// - Parameter make: makes the quantizer of a group below a scope `rvqs.N`
  public init(_ count: Int, _ scope: Scope, _ make: (Scope) throws -> any Quantizer) throws {
    guard count > 0, count <= 1 << 16 else { throw TensorError.invalid("GroupedQuantizer", "\(count) groups") }
    groups = try (0..<count).map { try make(scope / "rvqs" / $0) }
    super.init(scope)
  }

  /// - Returns: codes `[groups, batch, tokens, ...]`; loss terms with an axis of groups in front
  public func quantize(_ z: Tensor, mask: Tensor?, training: Bool) throws -> Quantization {
    try demandWidth(z, "GroupedQuantizer")
    let results = try zip(groups, z.split(groups.map(\.width), axis: -1)).map {
      try $0.quantize($1, mask: mask, training: training)
    }
    let terms = results[0].losses.indices.map { place in results.map { $0.losses[place] } }
    return Quantization(
      codes: try .stacked(results.map(\.codes)), vectors: try .concatenated(results.map(\.vectors), axis: -1),
      losses: try terms.map { .init(name: $0[0].name, value: try .stacked($0.map(\.value)), weight: $0[0].weight) })
  }

  public func vectors(_ codes: Tensor) throws -> Tensor {
    guard codes.rank > 1, codes.size(0) == groups.count else {
      throw TensorError.invalid("vectors", "\(codes.summary) does not start with \(groups.count) groups")
    }
    return try .concatenated(groups.enumerated().map { try $1.vectors(codes.selected($0, axis: 0)) }, axis: -1)
  }
}
