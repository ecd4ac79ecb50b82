import TesseraNN
import TesseraTensor
import Testing

@Suite("Quantizers", .enabled(if: Torch.available))
struct QuantizerTests {
  private func root(_ seed: UInt64 = 1) -> Scope { ParameterStore(seed: seed).root }

  @Test("finite scalar quantization gives the codes of the paper, and all codes go to vectors and back")
  func finiteScalar() throws {
    let quantizer = try FiniteScalarQuantizer(.init(levels: [8, 8, 8, 5, 5, 5]), root())
    #expect(quantizer.codebookSize == 64_000)
    let codes = try Tensor([0, 63_999, 32_036])
    let expected: [Float] = [-1, -1, -1, -1, -1, -1, 0.75, 0.75, 0.75, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    #expect(try quantizer.vectors(codes).values() == expected)
    let all = try Tensor.range(0..<64_000).reshaped([1, 64_000])
    // Squeezing undone: atanh((v + o) / h) - s, which the quantizer squeezes to v again.
    let half = try Tensor([8, 8, 8, 5, 5, 5].map { Float($0 - 1) * 1.001 / 2 } as [Float])
    let offset = try Tensor([0.5, 0.5, 0.5, 0, 0, 0] as [Float])
    let width = try Tensor([4, 4, 4, 2, 2, 2] as [Float])
    let inner =
      try ((quantizer.vectors(all) * width + offset) / half).clamped(-0.999_99, 0.999_99).atanh()
      - (offset / half).atanh()
    #expect(try quantizer.quantize(inner).codes.largestDifference(to: all) == 0)
    let ends = try quantizer.quantize(Tensor([-10, 0, 10, -10, 10, 0] as [Float], [1, 1, 6]))
    #expect(try ends.vectors.values() == [-1, 0, 0.75, -1, 1, 0] as [Float])
  }

  @Test("lookup-free quantization reads bits off signs, zero as no bit, in both orders")
  func lookupFree() throws {
    var configuration = LookupFreeQuantizer.Configuration(bits: 3)
    for lowest in [false, true] {
      configuration.firstIsLowest = lowest
      let quantizer = try LookupFreeQuantizer(configuration, root())
      #expect(try quantizer.quantize(Tensor([0.3, -0.2, 0.1] as [Float], [1, 1, 3])).codes.values() == [5])
      #expect(try quantizer.quantize(Tensor([0.3, 0, -0.1] as [Float], [1, 1, 3])).codes.values() == [lowest ? 1 : 4])
      let codes = try Tensor.range(0..<8).reshaped([1, 8])
      #expect(try quantizer.quantize(quantizer.vectors(codes)).codes.largestDifference(to: codes) == 0)
    }
  }

  @Test("the entropy of one bit is that of σ(4 z / T)")
  func bitEntropy() throws {
    let loss = try EntropyLoss.bitwise(Tensor([0.05] as [Float], [1, 1]), temperature: 0.01)
    // p = σ(20): H = 20 e⁻²⁰ + e⁻²⁰ to first order
    #expect(abs(try loss.sample.item() - 21 * 2.061_153_6e-9) < 1e-9)
    // Factors agree with the whole codebook.
    var stream = RandomStream(seed: 4)
    let z = try stream.normal([6, 5]) * 0.02
    let signs = try Tensor((0..<32).flatMap { code in (0..<5).map { Float(code >> $0 & 1) * 2 - 1 } }, [32, 5])
    let whole = try EntropyLoss.over(signs, z, temperature: 0.1)
    #expect(abs(try whole.sample.item() - EntropyLoss.bitwise(z, temperature: 0.1).sample.item()) < 2e-3)
  }

  @Test("quantizing a code's vector gives the code, and cosines do not see lengths")
  func ownVectors() throws {
    for metric in [Codebook.Metric.euclidean, .cosine] {
      var configuration = VectorQuantizer.Configuration(width: 6, codebookSize: 20)
      configuration.metric = metric
      let quantizer = try VectorQuantizer(configuration, root())
      let codes = try Tensor.range(0..<20).reshaped([2, 10])
      let vectors = try quantizer.vectors(codes)
      #expect(try quantizer.quantize(vectors).codes.largestDifference(to: codes) == 0)
      if metric == .cosine { #expect(try quantizer.quantize(vectors * 7.5).codes.largestDifference(to: codes) == 0) }
    }
  }

  @Test("the straight-through gradient is the identity, and a codebook learns only from its losses")
  func straightThrough() throws {
    var configuration = VectorQuantizer.Configuration(width: 4, codebookSize: 8)
    configuration.estimator = .straightThrough
    configuration.update = .gradient
    configuration.codebookWeight = 1
    configuration.commitmentWeight = 0.25
    let store = ParameterStore(seed: 3)
    let quantizer = try VectorQuantizer(configuration, store.root)
    var stream = RandomStream(seed: 5)
    let z = try stream.normal([1, 5, 4]).withGradient()
    let seed = try stream.normal([1, 5, 4])
    let result = try quantizer.quantize(z, training: true)
    try (result.vectors * seed).sum().backward()
    #expect(try z.gradient?.largestDifference(to: seed) == 0)
    #expect(store["_codebook.embed"]?.gradient == nil)
    let second = try quantizer.quantize(z, training: true)
    try second.totalLoss().backward()
    #expect(store["_codebook.embed"]?.gradient != nil)
  }

  @Test("the rotation keeps the code's numbers and turns gradients as the vector was turned")
  func rotation() throws {
    var stream = RandomStream(seed: 8)
    let z = try stream.normal([7, 5]).withGradient()
    let code = try stream.normal([7, 5])
    let out = try GradientEstimator.rotation(z, code)
    #expect(try out.largestDifference(to: code) < 1e-5)
    // The map is z ↦ (|q| / |z|) R z with an orthogonal R that takes z's direction to the code's, so Rᵀ takes it back.
    let unit = try code.normalized()
    try (out * unit).sum().backward()
    let ratio = try code.norm([1], keepingAxes: true) / z.norm([1], keepingAxes: true)
    let gradient = try #require(z.gradient)
    #expect(try gradient.largestDifference(to: z.detached().normalized() * ratio) < 1e-4)
  }

  @Test("online clustering moves unused codes to vectors of the batch and leaves used ones")
  func onlineClustering() throws {
    var configuration = VectorQuantizer.Configuration(width: 2, codebookSize: 3)
    configuration.revival = .onlineClustering(decay: 0.99)
    configuration.update = .frozen
    let store = ParameterStore(seed: 1)
    let codebook = try Codebook(
      size: 3, width: 2, metric: .euclidean, update: .movingAverage(decay: 1, epsilon: 0),
      revival: .onlineClustering(decay: 0.99), choice: .first, store.root / "_codebook")
    let table = try Tensor([0, 0, 1, 1, 50, 50] as [Float], [1, 3, 2])
    try store["_codebook.embed"]?.assign(table)
    try store["_codebook.embed_avg"]?.assign(table)
    try store["_codebook.embed_prob"]?.assign(Tensor([1.0 / 3, 1.0 / 3, 0] as [Float], [1, 3]))
    let quantizer = try VectorQuantizer(configuration, codebook: codebook, ParameterStore(seed: 2).root)
    let z = try Tensor([0.1, 0, 1.1, 1, 0, 0.2, 0.9, 1.2] as [Float], [1, 4, 2])
    _ = try quantizer.quantize(z, training: true)
    let after = try codebook.embed.value.values(Float.self)
    #expect(abs(after[0]) < 1e-3 && abs(after[2] - 1) < 1e-3)
    // a = exp(-0.001): nearly all the way to the nearest vector, (0.9, 1.2) or (1.1, 1)
    #expect(abs(after[4] - 0.95) < 0.3 && abs(after[5] - 1.1) < 0.3)
  }

  @Test("residual quantization of depth one is plain quantization, and more levels never leave more")
  func residual() throws {
    var configuration = VectorQuantizer.Configuration(width: 4, codebookSize: 16)
    configuration.estimator = .straightThrough
    let store = ParameterStore(seed: 9)
    let residual = try ResidualQuantizer(configuration, codebookSizes: [16, 16, 16], store.root)
    for level in 0..<3 {
      let embed = try #require(store["layers.\(level)._codebook.embed"])
      var stream = RandomStream(seed: UInt64(level))
      let drawn = try stream.normal([1, 15, 4])
      try embed.assign(.concatenated([.zeros([1, 1, 4]), drawn], axis: 1))
    }
    var stream = RandomStream(seed: 20)
    let z = try stream.normal([2, 9, 4])
    let plain = try residual.layers[0].quantize(z)
    let one = try residual.quantize(z, training: false, depth: 1)
    #expect(try one.vectors.largestDifference(to: plain.vectors) == 0)
    #expect(try one.codes.selected(0, axis: -1).largestDifference(to: plain.codes) == 0)
    #expect(try one.codes.selected(1, axis: -1).maximum().integer() == -1)
    #expect(try residual.vectors(one.codes).largestDifference(to: plain.vectors) < 1e-6)
    var before = try z.norm([-1])
    for depth in 1...3 {
      let left = try (z - residual.quantize(z, training: false, depth: depth).vectors).norm([-1])
      #expect(try (left - before).maximum().item() < 1e-5)
      before = left
    }
  }

  @Test("quantizers of pictures are those of their pixels")
  func channels() throws {
    let quantizer = try FiniteScalarQuantizer(.init(levels: [5, 5, 5]), root())
    var stream = RandomStream(seed: 2)
    let image = try stream.normal([2, 3, 4, 5])
    let result = try quantizer.quantizeChannels(image)
    #expect(result.codes.shape == [2, 4, 5] && result.vectors.shape == image.shape)
    let flat = try quantizer.quantize(image.permuted([0, 2, 3, 1]).reshaped([2, 20, 3]))
    #expect(try result.codes.reshaped([2, 20]).largestDifference(to: flat.codes) == 0)
  }

  @Test("a reading checkpoint needs the vectors alone")
  func readingAlone() throws {
    let store = ParameterStore(seed: 1)
    let first = try VectorQuantizer(.init(width: 4, codebookSize: 8), store.root)
    let embed = try first.codebook.embed.value.detached()
    let checkpoint = Checkpoint().adding("_codebook.embed", [1, 8, 4]) { embed }
    let second = try VectorQuantizer(.init(width: 4, codebookSize: 8), ParameterStore(checkpoint).root)
    let z = try Tensor([0.1, -0.2, 0.05, 0.1] as [Float], [1, 1, 4])
    #expect(try first.quantize(z).codes.values(Int.self) == second.quantize(z).codes.values(Int.self))
  }
}

@Suite("Gradients of quantizers and losses", .enabled(if: Torch.available))
struct PartGradientTests {
  /// Central differences of `Σ f(x) · seed` in double precision.
  private func numeric(_ x: Tensor, _ function: (Tensor) throws -> Double) throws -> Tensor {
    let values = try x.values(Double.self)
    let step = 1e-5
    let slopes = try values.indices.map { place in
      var (up, down) = (values, values)
      up[place] += step
      down[place] -= step
      return try (function(Tensor(up, x.shape)) - function(Tensor(down, x.shape))) / (2 * step)
    }
    return try Tensor(slopes, x.shape)
  }

  private func check(_ x: Tensor, within limit: Double = 1e-5, _ function: (Tensor) throws -> Tensor) throws {
    let leaf = try x.to(.float64).withGradient()
    try function(leaf).backward()
    let expected = try numeric(x.to(.float64)) { try function($0).item() }
    let gradient = try #require(leaf.gradient)
    #expect(try gradient.largestDifference(to: expected) < limit)
  }

  @Test("losses have the slopes of their values")
  func losses() throws {
    var stream = RandomStream(seed: 31)
    let x = try stream.normal([2, 5])
    let y = try stream.normal([2, 5]).to(.float64)
    try check(x) { try distillationDivergence($0, y, temperature: 2) }
    try check(x) { try CrossEntropy(labelSmoothing: 0.1)($0, Tensor([1, 4])) }
    for kind in ReconstructionLoss.allCases { try check(x) { try kind($0, y) } }
    for kind in AdversarialLoss.allCases {
      try check(x) { try kind.discriminator(real: $0, fake: y) }
      try check(x) { try kind.generator(fake: $0) }
    }
    try check(x) {
      var regularizer = LeCamRegularizer(real: 0.3, fake: -0.2); return try regularizer(real: $0, fake: y)
    }
    try check(x * 0.1) { try EntropyLoss.bitwise($0, temperature: 0.5).value() }
    try check(x) { try EntropyLoss.over(y[0..<2], $0, temperature: 0.7).value() }
    let image = try stream.uniform([1, 1, 12, 13])
    let other = try stream.uniform([1, 1, 12, 13]).to(.float64)
    try check(image) { try StructuralSimilarity()($0, other).mean() }
    try check(image) { try multiScaleGradientLoss($0, other, scales: 2) }
  }

  @Test("the bottleneck and the rotation, whose direction is held, have the slopes of their values")
  func bottleneck() throws {
    var stream = RandomStream(seed: 32)
    let moments = try stream.normal([2, 3, 4])
    let noise = try stream.normal([2, 3, 2]).to(.float64)
    let bottleneck = GaussianBottleneck(weight: 0.3)
    try check(moments) {
      let posterior = try bottleneck($0)
      return try posterior.sample(noise: noise).squared().sum() + bottleneck.loss(posterior)
    }
  }

  @Test("the bound teaches the variance and leaves the noise alone")
  func bound() throws {
    var stream = RandomStream(seed: 33)
    let (data, noise) = (
      try stream.uniform([2, 1, 2, 2], -0.9, 0.9).to(.float64), try stream.normal([2, 1, 2, 2]).to(.float64)
    )
    let times = try Tensor([3, 400])
    let objective = DenoisingObjective(try NoiseSchedule())
    let output = try stream.normal([2, 2, 2, 2]).to(.float64) * 0.3
    let leaf = try output.withGradient()
    let terms = try objective(leaf, data, noise, at: times)
    try #require(terms.variationalBound).sum().backward()
    let gradient = try #require(leaf.gradient)
    #expect(try gradient[Axis.all, 0..<1].abs().maximum().item() == 0)
    let expected = try numeric(output[Axis.all, 1...].contiguous()) {
      let whole = try Tensor.concatenated([output[Axis.all, 0..<1], $0], axis: 1)
      return try objective(whole, data, noise, at: times).variationalBound?.sum().item() ?? .nan
    }
    #expect(try gradient[Axis.all, 1...].largestDifference(to: expected) < 1e-4)
  }
}
