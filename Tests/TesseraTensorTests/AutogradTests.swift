import TesseraTensor
import Testing

@Suite("Gradients", .enabled(if: Torch.available))
struct AutogradTests {
  /// The largest difference between the gradient of `body` and central differences, in double precision.
  func error(at x: Tensor, _ body: (Tensor) throws -> Tensor) throws -> Double {
    let leaf = try x.withGradient()
    try body(leaf).backward()
    let found = try #require(leaf.gradient).values(Double.self)
    let step = 1e-6
    let start = try x.values(Double.self)
    var largest = 0.0
    for place in start.indices {
      func value(_ shift: Double) throws -> Double {
        var moved = start
        moved[place] += shift
        return try noGrad { try body(Tensor(moved, x.shape)).item() }
      }
      let difference = try (value(step) - value(-step)) / (2 * step)
      largest = max(largest, abs(difference - found[place]))
    }
    return largest
  }

  @Test("of standard operations agree with finite differences")
  func differences() throws {
    var stream = RandomStream(seed: 1)
    let x = try stream.normal([3, 4], .float64)
    let weight = try stream.normal([5, 4], .float64)
    #expect(try error(at: x) { try ($0.linear(weight).gelu() * 2 - 1).sum() } < 1e-7)
    #expect(try error(at: x) { try $0.softmax().log().mean() } < 1e-7)
    #expect(try error(at: x) { try ($0 / ($0 * $0 + 1.0)).pow(2).sum() } < 1e-7)
    #expect(try error(at: x) { try $0.layerNorm([4], epsilon: 1e-5).squared().mean() } < 1e-7)
  }

  @Test("of a custom operation are what its backward pass says")
  func custom() throws {
    let x = try Tensor([1, 2, 3] as [Double])
    func cube(_ x: Tensor) throws -> Tensor {
      try customGradient([x]) { given in
        let x = given[0]
        return ([try x * x * x], { gradients in [try gradients[0].map { try $0 * x * x * 3 }] })
      }[0]
    }
    #expect(try error(at: x) { try (cube($0) * 2).sum() } < 1e-7)
    let unrecorded = try cube(x)
    #expect(!unrecorded.requiresGradient)
  }

  @Test("of a custom operation that fails carry its error")
  func failing() throws {
    let x = try Tensor([1, 2] as [Float]).withGradient()
    let y = try customGradient([x]) {
      ([try $0[0] * 1], { _ in throw TensorError.invalid("mine", "no gradient today") })
    }[0]
    #expect { try y.sum().backward() } throws: { "\($0)".contains("no gradient today") }
  }

  @Test("pass straight through a quantizer")
  func straightThrough() throws {
    let x = try Tensor([0.2, 0.7, -1.4] as [Float]).withGradient()
    let y = try x.rounded().straightThrough(to: x)
    #expect(try y.values(Float.self) == [0, 1, -1])
    try (y * Tensor([1, 2, 3] as [Float])).sum().backward()
    #expect(try x.gradient?.values(Float.self) == [1, 2, 3])
  }

  @Test("are the same with and without a checkpoint")
  func checkpointing() throws {
    let store = ParameterStore(seed: 3)
    let weight = try store.root.parameter("weight", [4, 4], .normal(0.5))
    var stream = RandomStream(seed: 4)
    let x = try stream.normal([2, 4])
    func body(_ x: Tensor) throws -> Tensor { try x.linear(weight.value).tanh().linear(weight.value) }

    let plain = try x.withGradient()
    try body(plain).squared().sum().backward()
    let expected = try #require(weight.gradient).copy()
    try weight.clearGradient()

    let leaf = try x.withGradient()
    let y = try checkpoint([leaf]) { [try body($0[0])] }[0]
    try y.squared().sum().backward()
    #expect(try #require(weight.gradient).largestDifference(to: expected) < 1e-6)
    #expect(try #require(leaf.gradient).largestDifference(to: try #require(plain.gradient)) < 1e-6)

    try weight.clearGradient()
    try checkpoint([x]) { [try body($0[0])] }[0].squared().sum().backward()
    #expect(try #require(weight.gradient).largestDifference(to: expected) < 1e-6)
  }

  @Test("are asked for without touching leaves, twice if need be")
  func functional() throws {
    let x = try Tensor([2, 3] as [Double]).withGradient()
    let unused = try Tensor([1] as [Double]).withGradient()
    let y = try (x * x * x).sum()
    let first = try gradients(of: y, withRespectTo: [x, unused], recordingGraph: true)
    #expect(try first[0]?.values(Double.self) == [12, 27])
    #expect(first[1] == nil)
    let second = try gradients(of: #require(first[0]).sum(), withRespectTo: [x])
    #expect(try second[0]?.values(Double.self) == [12, 18])
    #expect(x.gradient == nil)
    let scaled = try gradients(
      of: x * x, withRespectTo: [x], gradient: Tensor([10, 1] as [Double]))
    #expect(try scaled[0]?.values(Double.self) == [40, 6])
  }

  @Test("are not recorded in noGrad, and are again behind it, also after an error")
  func modes() throws {
    let x = try Tensor([1] as [Float]).withGradient()
    #expect(try noGrad { try !(x * 2).requiresGradient })
    _ = try? noGrad { throw TensorError.invalid("test", "stop") }
    #expect(try (x * 2).requiresGradient)
  }

  @Test("leave no tensor behind")
  func memory() throws {
    let store = ParameterStore(seed: 3)
    let weight = try store.root.parameter("weight", [8, 8], .normal(0.5))
    let optimizer = AdamW(store.parameters, learningRate: 0.01)
    let x = try Tensor.ones([2, 8])
    func step() throws {
      try checkpoint([x]) { [try $0[0].linear(weight.value).gelu()] }[0].squared().mean().backward()
      try optimizer.step()
      try optimizer.clearGradients()
    }
    try step()
    let before = Torch.liveTensors
    for _ in 0..<20 { try step() }
    // Other tests make and drop tensors at the same time, so only a slope is a leak.
    #expect(Torch.liveTensors < before + 2000)
  }
}
