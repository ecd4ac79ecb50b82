import TesseraNN
import TesseraTensor
import Testing

@Suite("Samplers and schedules", .enabled(if: Torch.available))
struct SamplerTests {
  private func tensors(_ seed: UInt64) throws -> (data: Tensor, noise: Tensor) {
    var stream = RandomStream(seed: seed)
    return (try stream.normal([2, 3, 4, 4]), try stream.normal([2, 3, 4, 4]))
  }

  @Test("the linear schedule falls to its known end")
  func linear() throws {
    let alphas = try NoiseSchedule().cumulativeAlphas
    #expect(abs(alphas[999] - 4.04e-5) < 1e-6)
    #expect(zip(alphas, alphas.dropFirst()).allSatisfy { $0 > $1 })
  }

  @Test("the deterministic sampler with the true noise finds the data for any number of steps")
  func oracle() throws {
    let (data, noise) = try tensors(1)
    var configuration = SchedulerConfiguration()
    configuration.clips = false
    for steps in [1, 3, 10, 50] {
      for spacing in TimestepSpacing.allCases {
        configuration.spacing = spacing
        var sampler = try DDIMSampler(configuration, steps: steps)
        let schedule = sampler.schedule
        let first = Int(sampler.timesteps[0])
        var stream = RandomStream(seed: 0)
        let start = try schedule.noised(data, noise, at: Tensor([first]))
        let found = try sampler.sample(from: start, &stream) { x, t in
          let alpha = Double(schedule.cumulativeAlphas[Int(t)])
          return try (x - data * alpha.squareRoot()) / (1 - alpha).squareRoot()
        }
        // Single precision divides by √ᾱ, which is as small as 0.006 at the noisy end.
        #expect(try found.largestDifference(to: data) < 2e-3, "\(steps) steps, \(spacing)")
      }
    }
  }

  @Test("one Euler step along the true velocity goes from noise to data, in either direction of time")
  func flow() throws {
    let (data, noise) = try tensors(2)
    var sampler = try FlowEulerSampler(steps: 1)
    var stream = RandomStream(seed: 0)
    let found = try sampler.sample(from: noise, &stream) { _, _ in try noise - data }
    #expect(try found.largestDifference(to: data) < 1e-6)
    // A model of time t = 1 - s that says data - noise gives the same walk with its sign turned.
    let velocity: (Tensor, Double) throws -> Tensor = { x, t in try x * t + noise }
    var walk = try FlowEulerSampler(steps: 7)
    let ours = try walk.sample(from: noise, &stream) { x, t in try velocity(x, t / 1000) }
    var x = noise
    for (s, next) in zip(walk.sigmas, walk.sigmas.dropFirst()) {
      let (t, then) = (1 - s, 1 - next)
      x = try x + velocity(x, 1 - t).negated() * (then - t)
    }
    #expect(try ours.largestDifference(to: x) < 1e-4)
  }

  @Test("the second-order solver equals the deterministic sampler when the data prediction never changes")
  func constantPrediction() throws {
    let (data, noise) = try tensors(3)
    var configuration = SchedulerConfiguration()
    configuration.prediction = .sample
    configuration.clips = false
    var solver = try DPMSolver(configuration, steps: 10)
    var stream = RandomStream(seed: 0)
    let found = try solver.sample(from: noise, &stream) { _, _ in data }
    #expect(try found.largestDifference(to: data) < 1e-4)
    configuration.finalSigma = .smallest
    var partial = try DPMSolver(configuration, steps: 10)
    let left = try partial.sample(from: noise, &stream) { _, _ in data }
    // x = α data + σ e with the e of the start: that is what DDIM keeps.
    let (first, last) = (partial.sigmas[0], partial.sigmas[partial.sigmas.count - 1])
    func alpha(_ sigma: Double) -> Double { 1 / (sigma * sigma + 1).squareRoot() }
    let epsilon = try (noise - data * alpha(first)) / (first * alpha(first))
    let expected = try data * alpha(last) + epsilon * (last * alpha(last))
    #expect(try left.largestDifference(to: expected) < 1e-4)
  }

  @Test("guidance of one is the conditional model, of zero the other, and equal halves make it irrelevant")
  func guidance() throws {
    let (c, u) = try tensors(4)
    func guided(_ scale: Double, _ a: Tensor, _ b: Tensor) throws -> Tensor {
      try ClassifierFreeGuidance(scale: scale)(conditional: a, unconditional: b)
    }
    #expect(try guided(1, c, u).largestDifference(to: c) == 0)
    #expect(try guided(0, c, u).largestDifference(to: u) == 0)
    #expect(try guided(9, c, c).largestDifference(to: c) == 0)
  }

  @Test(
    "times stay where they are with a shift of one, keep their ends, and move half to three quarters with a shift of three"
  )
  func shift() throws {
    let times = try Tensor([0, 0.25, 0.5, 1])
    #expect(try FlowTime.shifted(times, by: 1).largestDifference(to: times) == 0)
    #expect(try FlowTime.shifted(times, by: 3).values(Double.self) == [0, 0.5, 0.75, 1])
    #expect(FlowTime.dynamicMu(tokens: 256) == 0.5 && abs(FlowTime.dynamicMu(tokens: 4096) - 1.15) < 1e-12)
  }

  @Test("a sampler refuses steps after the last, and starts again")
  func order() throws {
    let (data, _) = try tensors(5)
    var sampler = try DDIMSampler(steps: 2)
    for _ in 0..<2 { _ = try sampler.step(data, data, noise: nil) }
    #expect(throws: TensorError.self) { try sampler.step(data, data, noise: nil) }
    sampler.restart()
    #expect(throws: Never.self) { try sampler.step(data, data, noise: nil) }
  }

  @Test("merging angles joins the pairs that the card names")
  func matching() throws {
    let angles: [Float] = [0, 5, 90, 60, 180, 170].map { $0 * .pi / 180 }
    let metric = try Tensor.stacked([Tensor(angles).cos(), Tensor(angles).sin()], axis: -1).unsqueezed(0)
    let matching = try BipartiteMatching(metric: metric, merging: 2)
    #expect(try matching.sources.values(Int.self) == [0, 2] && matching.destinations.values(Int.self) == [0, 2])
    #expect(try matching.kept.values(Int.self) == [1])
  }

  @Test("the distances of known distributions")
  func distances() throws {
    var stream = RandomStream(seed: 6)
    let features = try stream.normal([50, 4])
    #expect(abs(try frechetDistance(features, features)) < 1e-9)
    let other = try stream.normal([40, 4]) * 1.5
    #expect(abs(try frechetDistance(features, other) - frechetDistance(other, features)) < 1e-9)
    let (zero, one) = (try Tensor.zeros([1], .float64), try Tensor.ones([1], .float64))
    let narrow = (mean: zero, covariance: try one.reshaped([1, 1]))
    let wide = (mean: one, covariance: try one.reshaped([1, 1]) * 4)
    #expect(abs(try frechetDistance(narrow, wide) - 2) < 1e-12)
    let image = try stream.uniform([1, 1, 4, 4])
    #expect(abs(try peakSignalToNoiseRatio(image, image + 0.1).item() - 20) < 1e-4)
    #expect(try peakSignalToNoiseRatio(image, image).item() == .infinity)
    var moments = FeatureMoments()
    try moments.add(features[0..<20])
    try moments.add(features[20...])
    var whole = FeatureMoments()
    try whole.add(features)
    #expect(try moments.values().covariance.largestDifference(to: whole.values().covariance) < 1e-12)
  }

  @Test("discriminators' losses at their known points")
  func adversarial() throws {
    let (two, zero) = (try Tensor([2] as [Float]), try Tensor([0] as [Float]))
    #expect(try AdversarialLoss.hinge.discriminator(real: two, fake: two.negated()).item() == 0)
    #expect(try AdversarialLoss.hinge.discriminator(real: zero, fake: zero).item() == 1)
    var regularizer = LeCamRegularizer()
    #expect(try regularizer(real: zero, fake: zero).item() == 0)
  }
}
