import TesseraTensor
import Testing

@testable import TesseraLab

@Suite("Boundaries of tokens under errors")
struct BoundaryStabilityTests {
  @Test("equal cuts are stable, one moved boundary of two is a third, and the order does not matter")
  func stability() {
    let same: [Int?] = Array(0...9)
    #expect(BoundaryStability.stability([2, 5], [2, 5], places: same) == 1)
    #expect(abs(BoundaryStability.stability([2, 5], [2, 6], places: same) - 1 / 3) < 1e-9)
    #expect(
      BoundaryStability.stability([2, 6, 7], [2, 5], places: same)
        == BoundaryStability.stability([2, 5], [2, 6, 7], places: same))
    #expect(BoundaryStability.stability([], [], places: same) == 1)
    #expect(BoundaryStability.footprint([1, 2, 3, 4], [1, 9, 9, 4]) == 2)
    #expect(BoundaryStability.footprint([1, 1], [1, 1, 1]) == 1)
  }
}
