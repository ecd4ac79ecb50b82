import Foundation
import Testing

@testable import TesseraTensor

@Suite("Safetensors", .enabled(if: Torch.available))
struct SafeTensorsTests {
  func temporary(_ bytes: Data? = nil) throws -> String {
    let path = NSTemporaryDirectory() + "tessera-\(UUID().uuidString).safetensors"
    try bytes?.write(to: URL(fileURLWithPath: path))
    return path
  }

  func file(_ header: String, _ data: [UInt8] = []) -> Data {
    var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    bytes.append(contentsOf: header.utf8)
    bytes.append(contentsOf: data)
    return bytes
  }

  @Test("of the reference are read bit for bit, every type")
  func types() throws {
    let read = try SafeTensors(path: fixtures + "/types.safetensors")
    #expect(read.metadata == ["format": "pt"])
    let expected = (0..<7).map { Double($0 * 17 % 11) }
    for type in [DataType.float32, .float64, .float16, .bfloat16, .int64, .int32, .int16, .int8, .uint8] {
      let tensor = try read.tensor("\(type)")
      #expect(tensor.dataType == type)
      #expect(try tensor.values(Double.self) == expected)
    }
    #expect(try read.tensor("bool").values(Bool.self) == [true, false, true])
    #expect(try read.tensor("scalar").item() == 3.5)
    #expect(try read.tensor("empty").shape == [0, 4])
  }

  @Test("come back as they were written, and rewritten files are the same bytes")
  func roundTrip() throws {
    let original = try SafeTensors(path: fixtures + "/types.safetensors")
    let path = try temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let tensors = try original.tensors()
    try SafeTensors.write(tensors, metadata: original.metadata, to: path)
    let first = try Data(contentsOf: URL(fileURLWithPath: path))
    let again = try SafeTensors(path: path)
    #expect(again.metadata == original.metadata)
    for (key, tensor) in tensors {
      let back = try again.tensor(key)
      #expect(back.dataType == tensor.dataType)
      #expect(back.shape == tensor.shape)
      #expect(try back.withBytes { Data($0) } == tensor.withBytes { Data($0) })
    }
    try SafeTensors.write(again.tensors(), metadata: original.metadata, to: path)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == first)
  }

  @Test("are not disturbed by training on what was read")
  func privateMapping() throws {
    let path = try temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try SafeTensors.write(["weight": Tensor([1, 2] as [Float])], to: path)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    let store = ParameterStore(try Checkpoint(file: path), trained: true)
    let weight = try store.root.parameter("weight", [2], .zeros)
    try weight.value.sum().backward()
    try AdamW(store.parameters, learningRate: 0.5).step()
    #expect(try weight.value.values(Float.self) != [1, 2])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }

  @Test(
    "that lie about themselves are refused with the file and the key",
    arguments: [
      "", "{", "[]", "null", "{\"a\":1}", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}",
      "{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9223372036854775807,0],\"data_offsets\":[0,0]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1e30],\"data_offsets\":[0,8]}}",
      "{\"__metadata__\":{\"a\":1},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
    ])
  func hostile(_ header: String) throws {
    let path = try temporary(file(header, [0, 0, 0, 0, 0, 0, 0, 0]))
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect { try SafeTensors(path: path) } throws: { ($0 as? CheckpointError).map { "\($0)".contains(path) } ?? false }
  }

  @Test("that are cut anywhere are refused")
  func truncated() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: fixtures + "/types.safetensors"))
    for count in stride(from: 0, to: whole.count, by: 7) {
      let path = try temporary(whole.prefix(count))
      defer { try? FileManager.default.removeItem(atPath: path) }
      #expect(throws: CheckpointError.self) { try SafeTensors(path: path) }
    }
    var huge = whole
    huge.replaceSubrange(0..<8, with: [255, 255, 255, 255, 255, 255, 255, 127])
    let path = try temporary(huge)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(throws: CheckpointError.self) { try SafeTensors(path: path) }
  }

  @Test("that cannot be written leave nothing behind")
  func unwritable() throws {
    #expect(throws: CheckpointError.self) {
      try SafeTensors.write(["a": Tensor([1] as [Float])], to: "/nowhere/at/all")
    }
    #expect(throws: CheckpointError.self) { try SafeTensors(path: "/") }
    let folder = NSTemporaryDirectory() + "tessera-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(throws: CheckpointError.self) {
      try SafeTensors.write(["__metadata__": Tensor([1] as [Float])], to: folder + "/a")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}

@Suite("Parameters", .enabled(if: Torch.available))
struct ParameterTests {
  @Test("are named by their path and checked against the checkpoint")
  func checks() throws {
    let checkpoint = Checkpoint().adding("block.weight", [2, 3]) { try .ones([2, 3]) }
    let store = ParameterStore(checkpoint)
    #expect(try (store.root / "block").parameter("weight", [2, 3], .zeros).path == "block.weight")
    #expect(throws: CheckpointError.wrongShape("memory", key: "block.weight", expected: [3, 2], found: [2, 3])) {
      try (ParameterStore(checkpoint).root / "block").parameter("weight", [3, 2], .zeros)
    }
    #expect(throws: CheckpointError.missing("memory", key: "block.bias", expected: [3])) {
      try (store.root / "block").parameter("bias", [3], .zeros)
    }
    #expect(throws: TensorError.self) {
      try ParameterStore(seed: 1).root.parameter("a", [Int.max, 4], .zeros)
    }
  }

  @Test("are drawn from the seed and the path, in any order")
  func draws() throws {
    let (a, b) = (ParameterStore(seed: 1), ParameterStore(seed: 1))
    let first = try a.root.parameter("x", [4], .normal(1))
    _ = try b.root.parameter("y", [4], .normal(1))
    let second = try b.root.parameter("x", [4], .normal(1))
    #expect(try first.value.largestDifference(to: second.value) == 0)
    #expect(try a.root.parameter("y", [4], .normal(1)).value.largestDifference(to: first.value) > 0)
    #expect(try a.root.parameter("x", [4], .normal(1)) === first)
  }

  @Test("drawn within two deviations have the deviation that was asked for")
  func truncated() throws {
    let parameter = try ParameterStore(seed: 1).root.parameter("x", [40_000], .truncatedNormal(0.5))
    #expect(try parameter.value.abs().maximum().item() <= 1)
    #expect(try abs(parameter.value.variance([0]).item().squareRoot() - 0.5 * 0.8796) < 0.01)
  }
}

@Suite("Random streams", .enabled(if: Torch.available))
struct RandomStreamTests {
  @Test("give the same numbers for the same seed and others after a split")
  func reproducible() throws {
    var (a, b) = (RandomStream(seed: 9), RandomStream(seed: 9))
    #expect(try a.normal([5]).values(Float.self) == b.normal([5]).values(Float.self))
    var child = a.split()
    #expect(try child.normal([5]).values(Float.self) != a.normal([5]).values(Float.self))
    #expect(a.named("x") == a.named("x"))
    #expect(a.named("x") != a.named("y"))
  }

  @Test("have the moments they should have")
  func moments() throws {
    var stream = RandomStream(seed: 2)
    let normal = try stream.normal([50_000], mean: 1, deviation: 2)
    #expect(try abs(normal.mean().item() - 1) < 0.05)
    #expect(try abs(normal.variance([0]).item() - 4) < 0.1)
    let uniform = try stream.uniform([50_000], -1, 3)
    #expect(try abs(uniform.mean().item() - 1) < 0.05)
    #expect(try Set(stream.permutation(50).values(Int.self)).count == 50)
    #expect(try abs(stream.bernoulli([50_000], 0.3).to(.float32).mean().item() - 0.3) < 0.01)
  }
}
