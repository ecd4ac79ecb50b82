import TesseraNN
import TesseraTensor
import Testing

@Suite("Linear assignment")
struct LinearAssignmentTests {
  @Test("known matrices have known matchings")
  func known() {
    #expect(linearAssignment([[4, 1, 3], [2, 0, 5], [3, 2, 2]]) == [1, 0, 2])
    #expect(linearAssignment([[4, 1, 3], [2, 0, 5]]) == [1, 0])
    #expect(linearAssignment([[7, 7, 7, 1]]) == [3])
    #expect(linearAssignment([[-1, -2], [-2, -4]]) == [0, 1])
    #expect(linearAssignment([]).isEmpty)
  }

  @Test("no other matching is cheaper", arguments: 0..<60)
  func cheapest(seed: Int) {
    var stream = RandomStream(seed: UInt64(seed))
    let rows = Int.random(in: 1...4, using: &stream)
    let columns = Int.random(in: rows...6, using: &stream)
    // Whole numbers give equally cheap matchings, too.
    let costs = (0..<rows).map { _ in (0..<columns).map { _ in Double(Int.random(in: -5...5, using: &stream)) } }
    let assigned = linearAssignment(costs)
    #expect(Set(assigned).count == rows)
    let cost = assigned.enumerated().reduce(0) { $0 + costs[$1.offset][$1.element] }
    #expect(cost == Self.cheapest(costs[...], [], columns))
  }

  private static func cheapest(_ rows: ArraySlice<[Double]>, _ taken: Set<Int>, _ columns: Int) -> Double {
    guard let first = rows.first else { return 0 }
    return (0..<columns).filter { !taken.contains($0) }
      .map { first[$0] + cheapest(rows.dropFirst(), taken.union([$0]), columns) }.min() ?? .infinity
  }

  @Test("costs that are no numbers end, too")
  func notNumbers() {
    let assigned = linearAssignment([[.nan, .nan], [.nan, 1]])
    #expect(Set(assigned).count == 2)
  }
}

@Suite("Average precision")
struct AveragePrecisionTests {
  private func box(_ left: Double, _ width: Double = 10) -> BoundingBox {
    BoundingBox(left: left, top: 0, right: left + width, bottom: 10)
  }

  @Test("boxes overlap by what they share of what they cover together")
  func overlap() {
    #expect(box(0).overlap(box(0)) == 1)
    #expect(box(0).overlap(box(10)) == 0)
    #expect(abs(box(0).overlap(box(5)) - 1 / 3) < 1e-12)
    #expect(box(0, 0).overlap(box(0, 0)) == 0)
    let centered = BoundingBox(centerX: 5, centerY: 5, width: 10, height: 10)
    #expect(centered == box(0))
  }

  @Test("a right box before a wrong one gives 1, behind it the precision of both")
  func order() {
    var good = AveragePrecision(classes: 1)
    good.add(
      found: [.init(class: 0, box(0), score: 0.9), .init(class: 0, box(50), score: 0.4)],
      truth: [.init(class: 0, box(0))])
    #expect(good.mean(atOverlap: 0.5) == 1)
    var bad = AveragePrecision(classes: 1)
    bad.add(
      found: [.init(class: 0, box(0), score: 0.4), .init(class: 0, box(50), score: 0.9)],
      truth: [.init(class: 0, box(0))])
    #expect(abs(bad.mean(atOverlap: 0.5) - 0.5) < 1e-12)
  }

  @Test("half of the things found gives precision up to recall 0.5: 51 of 101 places")
  func recall() {
    var precision = AveragePrecision(classes: 2)
    precision.add(
      found: [.init(class: 0, box(0), score: 0.9)], truth: [.init(class: 0, box(0)), .init(class: 0, box(30))])
    #expect(abs(precision.mean(atOverlap: 0.5) - 51.0 / 101) < 1e-12)
    #expect(precision.of(1, atOverlap: 0.5) == nil)
  }

  @Test("a thing is found once; precision between points falls from the right")
  func twice() {
    var precision = AveragePrecision(classes: 1)
    // Sorted: right, double, right: precisions 1, 1/2, 2/3; made falling from the right: 1, 2/3, 2/3.
    precision.add(
      found: [.init(class: 0, box(0), score: 0.9), .init(class: 0, box(1), score: 0.8)],
      truth: [.init(class: 0, box(0))])
    precision.add(found: [.init(class: 0, box(0), score: 0.7)], truth: [.init(class: 0, box(0))])
    #expect(abs(precision.mean(atOverlap: 0.5) - (51 + 50 * 2.0 / 3) / 101) < 1e-12)
  }

  @Test("stricter overlaps count less, and another picture or class does not count")
  func strict() {
    var precision = AveragePrecision(classes: 2)
    precision.add(found: [.init(class: 0, box(2), score: 0.9)], truth: [.init(class: 0, box(0))])
    precision.add(found: [.init(class: 0, box(0), score: 0.9)], truth: [.init(class: 1, box(0))])
    #expect(precision.of(0, atOverlap: 0.5) == 1)
    #expect(precision.of(0, atOverlap: 0.75) == 0)
    #expect(precision.of(1, atOverlap: 0.5) == 0)
    // 8 of 12 are shared: overlaps 0.5, 0.55, 0.6, 0.65 of ten.
    #expect(abs(precision.mean - 0.2) < 1e-12)
    #expect(AveragePrecision(classes: 1).mean(atOverlap: 0.5) == 0)
  }
}

@Suite("A detector on patches", .enabled(if: Torch.available))
struct PatchDetectorTests {
  private func configuration() throws -> PatchDetectorConfiguration {
    var vision = CLIPVisionConfiguration()
    (vision.width, vision.hiddenWidth, vision.layers, vision.heads) = (16, 32, 1, 2)
    (vision.imageSize, vision.patchSize, vision.projectionWidth) = (32, 8, 16)
    return PatchDetectorConfiguration(
      vision: vision, width: 16, queryGrid: 2, layers: 2, heads: 2, hiddenWidth: 32, labels: ["cat", "dog"])
  }

  @Test("its boxes start at the places of the grid, a quarter of the picture wide")
  func references() throws {
    let detector = try PatchDetector(configuration(), ParameterStore(seed: 1))
    for path in ["bbox_predictor.layers.1.weight", "bbox_predictor.layers.1.bias"] {
      let parameter = try #require(detector.store[path])
      try parameter.assign(.zeros(parameter.value.shape))
    }
    let predictions = try detector(.zeros([1, 3, 32, 32]))
    #expect(predictions.count == 2)
    #expect(predictions[1].logits.shape == [1, 4, 3])
    let boxes = try predictions[1].boxes.values(Float.self)
    let expected: [Float] = [
      0.25, 0.25, 0.25, 0.25, 0.75, 0.25, 0.25, 0.25, 0.25, 0.75, 0.25, 0.25, 0.75, 0.75, 0.25, 0.25,
    ]
    #expect(zip(boxes, expected).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test("the forward pass speaks of logits and boxes, and refuses what it does not know")
  func forward() throws {
    let detector = try PatchDetector(configuration(), ParameterStore(seed: 1))
    let images = try Tensor.zeros([2, 3, 32, 32])
    let outputs = try detector.forward(NamedTensors(["pixel_values": images]), ForwardOptions())
    #expect(
      outputs.keys.sorted() == [
        "auxiliary_outputs.0.logits", "auxiliary_outputs.0.pred_boxes", "logits", "pred_boxes",
      ])
    #expect(throws: TensorError.self) {
      try detector.forward(NamedTensors(["pixel_values": images, "pixel_mask": images]), ForwardOptions())
    }
  }

  @Test("a configuration that cannot be is refused")
  func refused() throws {
    var wrong = try configuration()
    wrong.heads = 3
    #expect(throws: ConfigurationError.self) { try PatchDetector(wrong, ParameterStore(seed: 1)) }
    wrong = try configuration()
    wrong.queryGrid = 0
    #expect(throws: ConfigurationError.self) { try PatchDetector(wrong, ParameterStore(seed: 1)) }
  }
}
