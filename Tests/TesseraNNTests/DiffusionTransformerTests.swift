import Foundation
import TesseraNN
import TesseraTensor
import Testing

@Suite("Diffusion transformers", .enabled(if: Torch.available))
struct DiffusionTransformerTests {
  static let small: DiTConfiguration = {
    var configuration = DiTConfiguration()
    (configuration.heads, configuration.headWidth, configuration.layers) = (2, 8, 3)
    (configuration.sampleSize, configuration.classes) = (8, 5)
    return configuration
  }()

  static func latents(_ seed: UInt64, _ shape: [Int] = [2, 4, 8, 8]) throws -> Tensor {
    var stream = RandomStream(seed: seed)
    return try stream.normal(shape)
  }

  /// A model whose parameters are all drawn anew, so that nothing is zero.
  static func shaken(_ configuration: DiTConfiguration = small) throws -> DiT {
    let model = try DiT(configuration, seed: 7)
    var stream = RandomStream(seed: 8)
    for parameter in model.store.parameters {
      try parameter.assign(stream.normal(parameter.value.shape, deviation: 0.2))
    }
    return model
  }

  @Test("a new DiT gives exactly zero, and each of its blocks is the identity")
  func zeroAtFirst() throws {
    let model = try DiT(Self.small, seed: 1)
    let probe = Recorder()
    let output = try noGrad {
      try model(Self.latents(1), timestep: Tensor([3, 999]), labels: Tensor([0, 5]), hooks: [probe])
    }
    #expect(output.shape == [2, 8, 8, 8])
    #expect(try output.values(Float.self).allSatisfy { $0 == 0 })
    #expect(probe.entered.count == 3)
    for (before, after) in zip(probe.entered, probe.left) { #expect(try before.largestDifference(to: after) == 0) }
  }

  @Test("PixArt and Stable Diffusion 3 start at zero, too")
  func othersAreZeroAtFirst() throws {
    var alpha = PixArtConfiguration()
    (alpha.heads, alpha.headWidth, alpha.layers, alpha.sampleSize, alpha.textWidth) = (2, 8, 2, 8, 16)
    let noise = try noGrad {
      try PixArt(alpha, seed: 1)(Self.latents(2), timestep: Tensor([5]), text: Self.latents(3, [2, 3, 16]))
    }
    #expect(try noise.abs().maximum().item() == 0)
    var three = StableDiffusion3Configuration()
    (three.heads, three.headWidth, three.layers, three.sampleSize, three.channels) = (2, 8, 2, 8, 4)
    (three.textWidth, three.pooledWidth) = (6, 5)
    let velocity = try noGrad {
      try StableDiffusion3(three, seed: 1)(
        Self.latents(2), timestep: Tensor([5]), text: Self.latents(3, [2, 3, 6]), pooled: Self.latents(4, [2, 5]))
    }
    #expect(try velocity.abs().maximum().item() == 0)
  }

  @Test("the multiply-adds and parameters of DiT-XL are those of the paper's law")
  func cost() throws {
    let large = DiTConfiguration(.extraLarge, patch: 2)
    #expect(DiffusionCost.block(tokens: 256, width: 1152) == 4_235_821_056)
    #expect(28 * DiffusionCost.block(tokens: 256, width: 1152) == 118_602_989_568)
    #expect(Double(28 * DiffusionCost.block(tokens: 1024, width: 1152)) / 1e9 > 524.4)
    #expect(DiffusionCost.parameters(width: 1152) == 23_905_152)
    #expect(abs(Double(large.multiplyAdds(rows: 16, columns: 16)) / 118.6e9 - 1) < 0.001)
  }

  @Test("a block has as many parameters as the law says")
  func parameterCount() throws {
    let model = try DiT(Self.small, seed: 1)
    let count = model.blocks[0].parameters.reduce(0) { $0 + $1.value.count }
    #expect(count == DiffusionCost.parameters(width: 16))
  }

  @Test("unpatchified undoes patchified bit by bit, and a convolution with the identity is patchified")
  func patches() throws {
    for (patch, height, width) in [(1, 3, 5), (2, 4, 10), (3, 9, 3)] {
      let picture = try Self.latents(11, [2, 3, height, width])
      let patches = try picture.patchified(patch)
      #expect(patches.shape == [2, height / patch * (width / patch), patch * patch * 3])
      let back = try patches.unpatchified(patch, rows: height / patch, columns: width / patch)
      #expect(try back.largestDifference(to: picture) == 0)
      // Row k of the kernel picks place k of a patch: rows, columns, channels.
      let size = patch * patch * 3
      let kernel = try Tensor.range(0..<size).oneHot(size).to(.float32)
        .reshaped([size, patch, patch, 3]).permuted([0, 3, 1, 2]).contiguous()
      let convolved = try picture.convolution(kernel, stride: [patch, patch], padding: [0, 0]).flattened(2).transposed(
        1, 2)
      #expect(try convolved.largestDifference(to: patches) == 0)
    }
    #expect(throws: TensorError.self) { try Self.latents(1, [1, 3, 5, 4]).patchified(2) }
    #expect(throws: TensorError.self) { try Self.latents(1, [1, 6, 12]).unpatchified(2, rows: 2, columns: 4) }
  }

  @Test("position 0 has sines of 0 and cosines of 1, and exchanging rows and columns exchanges the halves")
  func positions() throws {
    let table = try Sinusoids.grid(rows: 6, columns: 6, width: 16)
    let first = try table.selected(0, axis: 0).values(Float.self)
    #expect(first == [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1])
    let turned = try table.reshaped([6, 6, 2, 8]).permuted([1, 0, 2, 3]).flipped([2]).reshaped([36, 16])
    #expect(try turned.largestDifference(to: table) == 0)
    // The column is encoded first: token 1 is one step to the right.
    #expect(try table.selected(1, axis: 0).sliced(8..<16, axis: 0).values(Float.self) == [0, 0, 0, 0, 1, 1, 1, 1])
    let scaled = try Sinusoids.grid(rows: 12, columns: 12, width: 16, base: 6)
    let near = try Sinusoids.grid(rows: 6, columns: 6, width: 16, base: 6)
    let coarse = try scaled.reshaped([12, 12, 16])[Axis.all, 0..<12].reshaped([6, 2, 6, 2, 16])[
      Axis.all, 0, Axis.all, 0]
    #expect(try coarse.reshaped([36, 16]).largestDifference(to: near) < 1e-6)
  }

  @Test("both conventions of the frequencies of time: up to half the width, or one step less")
  func frequencies() throws {
    let steps = try Tensor([1] as [Float])
    let published = try Sinusoids.of(steps, width: 8, shift: 0).values(Double.self)
    let library = try Sinusoids.of(steps, width: 8, order: .sineFirst, shift: 1).values(Double.self)
    for k in 0..<4 {
      #expect(abs(published[k] - cos(pow(10_000, -Double(k) / 4))) < 1e-6)
      #expect(abs(published[k + 4] - sin(pow(10_000, -Double(k) / 4))) < 1e-6)
      #expect(abs(library[k] - sin(pow(10_000, -Double(k) / 3))) < 1e-6)
    }
    #expect(try Sinusoids.of(steps, width: 5).values(Float.self).last == 0)
  }

  @Test(
    "rotary products depend on differences of coordinates alone, and lengths stay",
    arguments: RotaryGrid.Pairing.allCases)
  func rotary(_ pairing: RotaryGrid.Pairing) throws {
    for widths in [[8, 8], [4, 6, 6]] {
      let rotary = RotaryGrid(widths: widths, pairing: pairing)
      var stream = RandomStream(seed: 21)
      let query = try stream.normal([1, 16])
      let key = try stream.normal([1, 16])
      func product(_ a: [Float], _ b: [Float]) throws -> Double {
        let left = try rotary.rotated(query, by: rotary.angles(Tensor(a, [1, a.count])))
        let right = try rotary.rotated(key, by: rotary.angles(Tensor(b, [1, b.count])))
        #expect(abs(try left.squared().sum().item() - query.squared().sum().item()) < 1e-4)
        return try (left * right).sum().item()
      }
      let zero = Array(repeating: Float(0), count: widths.count)
      let move = (0..<widths.count).map { Float($0 + 2) }
      let far = move.map { $0 + 37 }
      #expect(abs(try product(zero, move) - product(zero.map { $0 + 37 }, far)) < 1e-3)
      #expect(abs(try product(zero, move) - product(zero, far)) > 1e-3)
    }
  }

  @Test("coordinates of a grid run over the last axis first")
  func coordinates() throws {
    #expect(try RotaryGrid.coordinates([2, 3]).values(Float.self) == [0, 0, 0, 1, 0, 2, 1, 0, 1, 1, 1, 2])
  }

  @Test("hooks see, change and replace blocks and their attention")
  func hooks() throws {
    let model = try Self.shaken()
    let (x, t, y) = (try Self.latents(5), try Tensor([10, 20]), try Tensor([1, 2]))
    let plain = try noGrad { try model(x, timestep: t, labels: y) }
    let again = try noGrad { try model(x, timestep: t, labels: y, hooks: [ExactAttention(), Recorder()]) }
    #expect(try plain.largestDifference(to: again) < 1e-5)
    let skipped = try noGrad { try model(x, timestep: t, labels: y, hooks: [Skip(index: 1)]) }
    #expect(try plain.largestDifference(to: skipped) > 1e-3)
    let cache = Cache()
    let first = try noGrad { try model(x, timestep: t, labels: y, hooks: [cache]) }
    let second = try noGrad { try model(x, timestep: t, labels: y, hooks: [cache]) }
    #expect(try first.largestDifference(to: plain) == 0)
    #expect(try second.largestDifference(to: plain) == 0)
    #expect(cache.runs == 3)
  }

  @Test("SiT's velocity is the network's answer at 1 - t with the other sign, without the variance")
  func velocity() throws {
    let model = try Self.shaken()
    let (x, y) = (try Self.latents(6), try Tensor([0, 3]))
    let velocity = try noGrad { try SiT(model).velocity(x, time: 0.25, labels: y) }
    let raw = try noGrad { try model(x, timestep: Tensor([0.75 as Float]), labels: y) }
    #expect(velocity.shape == x.shape)
    #expect(try velocity.largestDifference(to: raw.sliced(0..<4, axis: 1) * -1) == 0)
  }

  @Test("gradients reach every parameter of a block")
  func gradients() throws {
    let model = try Self.shaken()
    try model.train()
    try model(Self.latents(9), timestep: Tensor([1, 2]), labels: Tensor([1, 2])).squared().mean().backward()
    for parameter in model.blocks[1].parameters {
      let gradient = try #require(parameter.gradient, "\(parameter.path)")
      #expect(try gradient.abs().maximum().item() > 0, "\(parameter.path)")
    }
  }

  @Test("what is written is read again, in both layouts", arguments: [DiTConfiguration.Layout.published, .diffusers])
  func writeAndRead(_ layout: DiTConfiguration.Layout) throws {
    var configuration = Self.small
    configuration.layout = layout
    let model = try Self.shaken(configuration)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("dit-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try JSONEncoder().encode(configuration).write(to: URL(fileURLWithPath: folder + "/config.json"))
    try model.store.write(to: folder + "/model.safetensors")
    let read = try #require(try ModelRegistry.load(folder) as? DiT)
    #expect(read.configuration == configuration)
    let inputs = (try Self.latents(3, [1, 4, 6, 10]), try Tensor([7]), try Tensor([5]))
    let difference = try noGrad {
      try model(inputs.0, timestep: inputs.1, labels: inputs.2).largestDifference(
        to: read(inputs.0, timestep: inputs.1, labels: inputs.2))
    }
    // Not zero: memory that a file begins anywhere in is multiplied by other kernels.
    #expect(difference < 1e-5)
  }
}

private final class Recorder: BlockHook {
  var entered: [Tensor] = []
  var left: [Tensor] = []
  func before(_ index: Int, _ state: inout BlockState) { entered.append(state.tokens) }
  func after(_ index: Int, _ state: inout BlockState) { left.append(state.tokens) }
}

/// Attention written out.
private struct ExactAttention: BlockHook {
  func attention(_ index: Int, _ call: AttentionCall) throws -> Tensor? {
    let scale = 1 / Double(call.queries.size(-1)).squareRoot()
    return try (call.queries.matmul(call.keys.transposed()) * scale).softmax().matmul(call.values)
  }
}

private struct Skip: BlockHook {
  let index: Int
  func replace(_ index: Int, _ state: BlockState, original: (BlockState) throws -> BlockState) throws -> BlockState {
    index == self.index ? state : try original(state)
  }
}

/// Runs every block once and repeats its answer from then on.
private final class Cache: BlockHook {
  var runs = 0
  var answers: [Int: BlockState] = [:]
  func replace(_ index: Int, _ state: BlockState, original: (BlockState) throws -> BlockState) throws -> BlockState {
    if let answer = answers[index] { return answer }
    runs += 1
    let answer = try original(state)
    answers[index] = answer
    return answer
  }
}
