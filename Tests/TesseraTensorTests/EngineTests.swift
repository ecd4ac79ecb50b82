import Foundation
import Testing

@testable import TesseraTensor

@Suite("The engine")
struct EngineTests {
  @Test("is there where it is demanded")
  func demanded() {
    if ProcessInfo.processInfo.environment["TESSERA_DEMAND_TORCH"] != nil {
      #expect(Torch.failure == nil)
    }
  }
}

@Suite("Tensors", .enabled(if: Torch.available))
struct TensorTests {
  @Test("hold what they are made from")
  func making() throws {
    let x = try Tensor([1, 2, 3, 4, 5, 6] as [Float], [2, 3])
    #expect(x.shape == [2, 3])
    #expect(x.dataType == .float32)
    #expect(try x.values(Float.self) == [1, 2, 3, 4, 5, 6])
    #expect(try x.transposed().values(Float.self) == [1, 4, 2, 5, 3, 6])
    #expect(throws: TensorError.self) { try Tensor([1, 2] as [Float], [3]) }
    #expect(throws: TensorError.self) { try Tensor([1, 2] as [Float], [-1, -2]) }
    #expect(throws: TensorError.self) { try Tensor([] as [Float], [Int.max, Int.max, 0]) }
  }

  @Test("name the operation and the shapes when shapes do not fit")
  func errors() throws {
    let a = try Tensor.zeros([2, 3])
    do {
      _ = try a.matmul(a)
      Issue.record("no error")
    } catch let error as TensorError {
      #expect("\(error)".contains("matmul(float32 [2, 3], float32 [2, 3])"))
    }
  }

  @Test("are indexed like arrays with axes")
  func indexing() throws {
    let x = try Tensor.range(0..<24).reshaped([2, 3, 4])
    #expect(try x[1, 2, 3].integer() == 23)
    #expect(try x[Axis.rest, -1].values(Int.self) == [3, 7, 11, 15, 19, 23])
    #expect(try x[0, 1...].shape == [2, 4])
    #expect(try x[Axis.all, Axis.new, 0..<2].shape == [2, 1, 2, 4])
    #expect(try x[Axis.all, Tensor([2, 0])].shape == [2, 2, 4])
    #expect(throws: TensorError.self) { try x[2] }
    #expect(throws: TensorError.self) { try x[0, 0, 0, 0] }
  }

  @Test("are rearranged by named axes")
  func rearranging() throws {
    let x = try Tensor.range(0..<24).reshaped([2, 3, 4])
    let heads = 2
    #expect(try x.rearranged("b n (h d) -> b h n d", h: heads).shape == [2, 2, 3, 2])
    #expect(try x.rearranged("b n (h d) -> b h n d", h: heads)[1, 1, 2, 0].integer() == 22)
    #expect(try x.rearranged("b ... -> (...) b").shape == [12, 2])
    #expect(try x.rearranged("a b c -> c (b a) 1").shape == [4, 6, 1])
    #expect(throws: TensorError.self) { try x.rearranged("b n (h d) -> b h n d", h: 3) }
    #expect(throws: TensorError.self) { try x.rearranged("b n (h d) -> b h n d") }
    #expect(throws: TensorError.self) { try x.rearranged("b n -> n b") }
    #expect(throws: TensorError.self) { try x.rearranged("b n c -> n b") }
  }
}
