import TesseraTensor

/// Tables of code vectors, with the statistics that moving averages and revival need.
///
/// Parameters: `embed` `[books, size, width]`, `cluster_size` `[books, size]`, `embed_avg` as `embed`, the names of
/// vector-quantize-pytorch.
public final class Codebook: Module {
  public let books: Int
  public let size: Int
  public let width: Int
  public let metric: Metric
  public let update: Update
  public let revival: Revival

  /// The vectors.
  public let embed: Parameter
  /// Moving average of how many vectors of a batch take a code.
  public let clusterSize: Parameter
  /// Moving average of the sum of those vectors.
  public let embedSum: Parameter
  /// Moving average of the share of vectors that take a code, for online clustering.
  private let usage: Parameter?
  /// False until k-means has chosen the vectors.
  public private(set) var isInitialized: Bool
  private let iterations: Int
  private var pending: (z: Tensor, codes: Tensor, mask: Tensor?)?
  /// How vectors of a batch are picked to start or to revive codes.
  public var choice: SampleChoice

  /// How near a vector and a code are.
  public enum Metric: String, Sendable, Codable { case euclidean, cosine }

  /// How the vectors are learned.
  public enum Update: Sendable, Equatable {
    /// Moving averages of the vectors that take a code (van den Oord et al. 2017, appendix A.1). In `deferred` mode the averages are
    /// kept and the owner calls `refresh`.
    case movingAverage(decay: Double, epsilon: Double, deferred: Bool = false)
    /// By the optimizer, through the codebook loss.
    case gradient
    /// Not at all.
    case frozen
  }

  /// What happens to codes that are hardly used.
  public enum Revival: Sendable, Equatable {
    case none
    /// A code whose moving average falls below the threshold is replaced by a random vector of the batch (Zeghidour et al. 2021).
    case threshold(Double)
    /// Codes move to the nearest vector of the batch, the more the less they are used (Zheng, Vedaldi 2023, arXiv 2307.15139).
    case onlineClustering(decay: Double)
  }

  /// How rows are picked from a batch.
  public enum SampleChoice: Sendable {
    case random(RandomStream)
    /// The first ones, starting again when there are too few: for comparison with other implementations.
    case first

    /// `count` row numbers out of `0 ..< rows`; each at most once if there are enough.
    mutating func indices(_ count: Int, of rows: Int) throws -> Tensor {
      switch self {
      case .first: return try Tensor((0..<count).map { $0 % rows })
      case .random(var stream):
        defer { self = .random(stream) }
        guard rows < count else { return try stream.permutation(rows).sliced(0..<count, axis: 0) }
        return try stream.integers([count], in: 0..<rows)
      }
    }
  }

  /// - Parameter kMeansIterations: nil draws the vectors; otherwise the first batch decides them
  public init(
    books: Int = 1, size: Int, width: Int, metric: Metric, update: Update, revival: Revival,
    kMeansIterations: Int? = nil,
    choice: SampleChoice, _ scope: Scope
  ) throws {
    (self.books, self.size, self.width) = (books, size, width)
    (self.metric, self.update, self.revival, self.choice) = (metric, update, revival, choice)
    guard size > 0, width > 0, books > 0 else {
      throw TensorError.invalid("Codebook", "\(books) tables of \(size) vectors of \(width) numbers")
    }
    let shape = [books, size, width]
    embed = try scope.parameter("embed", shape, .uniform(1 / Double(size)), trained: update == .gradient)
    if scope.isRandom, metric == .cosine { try embed.assign(embed.value.detached().normalized(epsilon: 1e-6)) }
    clusterSize = try Codebook.buffer("cluster_size", [books, size], .ones, scope)
    embedSum = try Codebook.buffer("embed_avg", shape, .zeros, scope)
    if scope.isRandom || !scope.contains("embed_avg") { try embedSum.assign(embed.value) }
    if case .onlineClustering = revival {
      usage = try Codebook.buffer("embed_prob", [books, size], .zeros, scope)
    } else {
      usage = nil
    }
    iterations = kMeansIterations ?? 0
    isInitialized = kMeansIterations == nil || !scope.isRandom
    super.init(scope)
  }

  /// Numbers beside the vectors; a checkpoint that is only read from may lack them.
  private static func buffer(
    _ name: String, _ shape: [Int], _ initialization: Initialization, _ scope: Scope
  ) throws -> Parameter {
    let owner = scope.contains(name) ? scope : ParameterStore(seed: 0, trained: false).root
    return try owner.parameter(name, shape, initialization, trained: false)
  }

  /// Squared distances, or cosines.
  /// - Parameter z: `[books, vectors, width]`, of unit length for cosines
  /// - Returns: `[books, vectors, size]`
  func similarities(_ z: Tensor) throws -> Tensor {
    let table = embed.value
    if metric == .cosine { return try z.matmul(table.transposed()) }
    let squares = try z.squared().sum([-1], keepingAxes: true) + table.squared().sum([-1]).unsqueezed(1)
    return try squares + z.matmul(table.transposed()) * -2
  }

  /// The negative distances (roots taken) that losses are computed from, or cosines.
  func scores(_ similarities: Tensor) throws -> Tensor {
    metric == .cosine ? similarities : try similarities.clamped(1e-8).sqrt().negated()
  }

  /// The codes of the nearest vectors, int64 `[books, vectors]`; the first of equally near ones.
  func nearest(_ z: Tensor) throws -> Tensor {
    try noGrad { try scores(similarities(z.detached())).argmax() }
  }

  /// The vectors of codes `[books, vectors]`.
  func vectors(_ codes: Tensor) throws -> Tensor {
    guard books > 1 else { return try embed.value.squeezed(0).embedding(codes) }
    let offsets = try Tensor((0..<books).map { $0 * size }, [books, 1], device: codes.device)
    return try embed.value.reshaped([books * size, width]).embedding(codes + offsets)
  }

  // MARK: Learning

  /// Chooses the vectors by k-means over the first batch (Lloyd 1982).
  func initializeIfNeeded(_ z: Tensor, mask: Tensor?) throws {
    guard !isInitialized else { return }
    try noGrad {
      let samples = try Codebook.kept(z.detached(), mask)
      guard samples.size(1) > 0 else { return }
      var means = try samples.rows(choice.indices(size, of: samples.size(1)), axis: 1)
      var counts = clusterSize.value
      for _ in 0..<max(iterations, 1) {
        try embed.assign(means)
        let (sizes, sums) = try statistics(samples, nearest(samples))
        let moved = try normalizedIfCosine(sums / sizes.clamped(1).unsqueezed(-1))
        means = try moved.where((sizes .> 0).unsqueezed(-1), else: means)
        counts = sizes
      }
      try clusterSize.assign(counts)
      try embedSum.assign(means * counts.unsqueezed(-1))
      try refresh(epsilon: 1e-5)
      isInitialized = true
    }
  }

  /// Updates averages, vectors and hardly used codes after a batch.
  ///
  /// Codes that the optimizer moves are replaced at the next call: their gradient of this step is still to come.
  /// - Parameters:
  ///   - z: `[books, vectors, width]`
  ///   - codes: `[books, vectors]`
  ///   - mask: `[books, vectors]`
  func learn(_ z: Tensor, _ codes: Tensor, mask: Tensor?) throws {
    if update == .frozen { return }
    try noGrad {
      let plain = try z.detached()
      if update == .gradient, revival != .none {
        pending = (plain, codes, mask)
        return
      }
      if case .movingAverage(let decay, let epsilon, let deferred) = update {
        let (sizes, sums) = try statistics(plain, codes, mask)
        try clusterSize.assign(Op.lerp(.tensor(clusterSize.value), .tensor(sizes), .double(1 - decay)))
        try embedSum.assign(Op.lerp(.tensor(embedSum.value), .tensor(sums), .double(1 - decay)))
        if !deferred { try refresh(epsilon: epsilon) }
      }
      try revive(plain, codes, mask: mask)
    }
  }

  /// Replaces hardly used codes of the batch before, for codebooks that an optimizer moves.
  func reviveAfterStep() throws {
    guard let (z, codes, mask) = pending else { return }
    pending = nil
    try noGrad {
      let (sizes, _) = try statistics(z, codes, mask)
      try clusterSize.assign(Op.lerp(.tensor(clusterSize.value), .tensor(sizes), .double(0.2)))
      try revive(z, codes, mask: mask)
    }
  }

  /// Counts and sums of the vectors that take each code.
  private func statistics(_ z: Tensor, _ codes: Tensor, _ mask: Tensor? = nil) throws -> (sizes: Tensor, sums: Tensor) {
    var taken = try codes.oneHot(size).to(z.dataType)
    if let mask { taken = try taken.filled(0, where: mask.not().unsqueezed(-1)) }
    return (try taken.sum([1]), try taken.transposed().matmul(z))
  }

  /// Vectors from the averages: `m / ((N + ε) / (ΣN + Kε) · ΣN)`.
  func refresh(epsilon: Double) throws {
    try noGrad {
      let total = try clusterSize.value.sum([-1], keepingAxes: true)
      let smoothed = try (clusterSize.value + epsilon) / (total + Double(size) * epsilon) * total
      try embed.assign(normalizedIfCosine(embedSum.value / smoothed.unsqueezed(-1)))
    }
  }

  /// Replaces hardly used codes.
  func revive(_ z: Tensor, _ codes: Tensor?, mask: Tensor?) throws {
    switch revival {
    case .none: return
    case .threshold(let threshold): try replaceDead(z, mask: mask, below: threshold)
    case .onlineClustering(let decay):
      guard let usage, let codes else { return }
      let (sizes, _) = try statistics(z, codes, mask)
      try usage.assign(usage.value * decay + sizes / sizes.sum([-1], keepingAxes: true).clamped(1) * (1 - decay))
      // a = exp(-10 K p / (1 - decay) - 1e-3)
      let pull = try (usage.value * (-10 * Double(size) / (1 - decay)) - 1e-3).exp().unsqueezed(-1)
      let samples = try Codebook.kept(z, mask)
      guard samples.size(1) > 0 else { return }
      let closest = try scores(similarities(samples)).argmax(1)
      let anchors = try samples.gathered(closest.unsqueezed(-1).expanded([books, size, width]), axis: 1)
      try embed.assign(normalizedIfCosine(embed.value.detached() * (1 - pull) + anchors * pull))
    }
  }

  private func replaceDead(_ z: Tensor, mask: Tensor?, below threshold: Double) throws {
    let dead = try (clusterSize.value .< threshold).values(Bool.self)
    guard dead.contains(true) else { return }
    let samples = try Codebook.kept(z, mask)
    guard samples.size(1) > 0 else { return }
    var (vectors, sizes, sums): ([Tensor], [Tensor], [Tensor]) = ([], [], [])
    for book in 0..<books {
      var places = (0..<size).filter { dead[book * size + $0] }
      // With fewer vectors than dead codes only some are replaced now, so that no two become equal.
      if places.count > samples.size(1) {
        places = try choice.indices(samples.size(1), of: places.count).values(Int.self).map { places[$0] }
      }
      let rows = (embed.value, clusterSize.value, embedSum.value)
      var new = try (
        rows.0.detached().selected(book, axis: 0), rows.1.selected(book, axis: 0), rows.2.selected(book, axis: 0)
      )
      if !places.isEmpty {
        let picked = try samples.selected(book, axis: 0).rows(choice.indices(places.count, of: samples.size(1)))
        let index = try Tensor(places)
        let wide = try index.unsqueezed(1).expanded([places.count, width])
        new.0 = try new.0.scattered(wide, normalizedIfCosine(picked), axis: 0)
        new.1 = try new.1.scattered(index, .full([places.count], threshold), axis: 0)
        new.2 = try new.2.scattered(wide, normalizedIfCosine(picked) * threshold, axis: 0)
      }
      vectors.append(new.0)
      sizes.append(new.1)
      sums.append(new.2)
    }
    try embed.assign(.stacked(vectors))
    try clusterSize.assign(.stacked(sizes))
    try embedSum.assign(.stacked(sums))
  }

  private func normalizedIfCosine(_ x: Tensor) throws -> Tensor {
    metric == .cosine ? try x.normalized(epsilon: 1e-6) : x
  }

  /// The vectors that a mask `[books, vectors]` keeps; the same number in every book.
  private static func kept(_ z: Tensor, _ mask: Tensor?) throws -> Tensor {
    guard let mask else { return z }
    return try z.rows(mask.selected(0, axis: 0).nonzero().reshaped([-1]), axis: 1)
  }
}
