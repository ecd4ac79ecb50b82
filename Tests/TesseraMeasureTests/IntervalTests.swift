import Testing

@testable import TesseraMeasure

@Suite("Intervals")
struct IntervalTests {
  @Test("the interval of a mean covers it, and narrows with the root of the documents")
  func narrows() {
    func width(_ count: Int) -> Double {
      let values = (0..<count).map { Double($0 % 7) }
      let estimate = Estimate.bootstrap(over: count) { weights in
        zip(weights, values).reduce(0) { $0 + Double($1.0) * $1.1 } / Double(weights.reduce(0, +))
      }
      #expect(estimate.low <= estimate.value && estimate.value <= estimate.high)
      return estimate.high - estimate.low
    }
    let ratio = width(70) / width(7000)
    #expect(ratio > 6 && ratio < 16)
  }

  @Test("one document has no interval")
  func single() {
    let estimate = Estimate.bootstrap(over: 1) { _ in 3 }
    #expect(estimate == Estimate(3))
  }
}
