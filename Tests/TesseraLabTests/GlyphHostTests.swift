import Foundation
import TesseraNN
import TesseraTensor
import Testing

@testable import TesseraLab

@Suite("Hosts of letters", .enabled(if: Torch.available))
struct GlyphHostTests {
  let folder: TemporaryFolder
  var lab: Lab { Lab(cache: folder.path, models: folder.path + "/models") }

  init() throws { folder = try TemporaryFolder() }

  func run(_ name: String) throws -> (Run, String) {
    let run = Run(lab: lab, name: name, seed: 1, setting: .quick)
    let place = run.folder + "/model"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    return (run, place)
  }

  func falls(_ outcome: Outcome, _ name: String, to share: Double) throws -> Bool {
    let points = try #require(outcome.curves.first { $0.name == name }?.points)
    let (first, last) = (try #require(points.first), try #require(points.last))
    return last[1] < share * first[1]
  }

  @Test("the classifier learns, its folder is a published ViT, and what was read back gives the figures")
  func classifier() throws {
    let (run, place) = try run("glyph-62")
    let outcome = try LetterTraining(run).train(.all, to: place)
    #expect(try falls(outcome, "cross-entropy", to: 0.8))
    let accuracy = try #require(outcome["accuracy"])
    #expect(accuracy > 0.6)
    #expect(try ModelRegistry.load(place) is ViTModel)
    let stored = try LetterClassifier(folder: place)
    #expect(stored.classes == Shapes.classes)
    let test = try LabelledPictures(shapes: 150, side: 16, run.stream.named("quick test"))
    let right = zip(try stored.guesses(test.pictures(0..<150)), test.labels).count { $0 == $1 }
    #expect(Double(right) / 150 == accuracy)
    let features = try stored.features(test.pictures(0..<3))
    #expect(features.shape == [3, 32])
  }

  @Test("the long tail is measured by how many examples classes have")
  func longTail() throws {
    let (run, place) = try run("glyph-62-lt")
    let outcome = try LetterTraining(run).train(.longTail, to: place)
    #expect(
      outcome["accuracy, many"] != nil && outcome["accuracy, few"] != nil && outcome["most frequent class"] != nil)
    let shots = LetterTraining.shots([185, 101, 100, 20, 19, 1])
    #expect(shots.map(\.0) == ["many", "medium", "few"])
    #expect(shots.map(\.1) == [[0, 1], [2, 3], [4, 5]])
  }

  @Test("the generator learns, its folder is diffusers' DiT, and its samples are better than noise")
  func generator() throws {
    let (run, place) = try run("glyph-dit")
    let outcome = try GlyphDiTTraining(run).train(to: place)
    #expect(try falls(outcome, "velocity", to: 0.6))
    let (distance, noise) = (try #require(outcome["FD-glyph"]), try #require(outcome["FD-glyph of noise"]))
    #expect(distance < noise)
    let model = try #require(try ModelRegistry.load(place) as? DiT)
    #expect(model.configuration.layout == .diffusers)
    #expect(FileManager.default.fileExists(atPath: place + "/samples.png"))
    let generator = try GlyphGenerator(folder: place)
    #expect(generator.convention.prediction == .sample && generator.convention.steps == 4)
    var (first, second) = (RandomStream(seed: 7), RandomStream(seed: 7))
    let (one, other) = (try generator.sample([0, 1, 2], &first), try generator.sample([0, 1, 2], &second))
    #expect(one.shape == [3, 1, 16, 16])
    #expect(try one.largestDifference(to: other) == 0)
    #expect(try one.minimum().item() >= 0 && one.maximum().item() <= 1)
  }

  @Test("full hosts keep below two million bytes")
  func sizes() throws {
    let (run, _) = try run("glyph-dit")
    let full = Run(lab: lab, name: run.name, seed: 1, setting: .full)
    let shape = GlyphDiTTraining(full).shape(side: 32, classes: 10)
    let parameters = try DiT(shape, seed: 1).store.parameters.reduce(0) { $0 + $1.value.count }
    #expect(parameters < 990_000)
  }

  @Test("a velocity is what Euler's method needs: one step from noise gives what the network says")
  func velocity() throws {
    let (_, place) = try run("glyph-dit")
    var shape = DiTConfiguration()
    (shape.layout, shape.channels, shape.outputChannels, shape.sampleSize, shape.patch) = (.diffusers, 1, 1, 8, 4)
    (shape.heads, shape.headWidth, shape.layers, shape.classes) = (2, 8, 1, 3)
    let convention = GlyphGenerator.Convention(
      prediction: .sample, timestepScale: 1000, mean: 0.5, deviation: 0.5, classes: ["a", "b", "c"], smallestTime: 0.05,
      guidance: 1, steps: 1)
    try GlyphGenerator.write(shape, convention, to: place)
    let generator = try GlyphGenerator(ModelFolder(untrained: place, seed: 3), LoadOptions(trained: true))
    #expect(generator.convention == convention)
    for parameter in generator.model.store.parameters {
      var stream = RandomStream(seed: 5).named(parameter.path)
      try parameter.assign(stream.normal(parameter.value.shape, deviation: 0.3))
    }
    var stream = RandomStream(seed: 11)
    var same = stream
    let noise = try same.normal([2, 1, 8, 8])
    let labels = try Tensor([0, 2] as [Int64])
    let said = try noGrad { try generator(noise, time: .full([2], 1), labels: labels) }
    let samples = try generator.sample([0, 2], &stream)
    #expect(try samples.largestDifference(to: generator.pictures(said)) < 1e-5)
    // A guidance of 0 forgets the class.
    let none = try noGrad { try generator.guidedVelocity(noise, time: 0.5, labels: labels, guidance: 0) }
    let plain = try noGrad { try generator.velocity(noise, time: 0.5, labels: Tensor([3, 3] as [Int64])) }
    #expect(try none.largestDifference(to: plain) < 1e-4 * plain.abs().maximum().item())
  }

  @Test("an unchanged letter stays, a moved one moves, and ink does not come from outside")
  func augmentation() throws {
    let letters = try LabelledPictures(shapes: 4, side: 16, RandomStream(seed: 1))
    var stream = RandomStream(seed: 2)
    let none = LetterAugmentation(shift: 0, rotation: 0, stretch: 0, slant: 0)
    let same = try none(letters, [0, 3], &stream)
    #expect(try same.largestDifference(to: letters.pictures([0, 3])) < 1e-6)
    let changed = try LetterAugmentation()(letters, [0, 3], &stream)
    #expect(changed.shape == [2, 1, 16, 16])
    #expect(try changed.minimum().item() >= 0 && changed.maximum().item() <= 1)
    #expect(try changed.largestDifference(to: same) > 0.1)
  }

  @Test("positions start as sines and cosines behind a zero row for the class token")
  func positions() throws {
    let (_, place) = try run("glyph-62")
    try ViTRecipe(image: 16, channels: 1, patch: 4, width: 32, layers: 1, heads: 2, labels: ["a", "b"]).write(to: place)
    let model = try ViTModel(folder: ModelFolder(untrained: place, seed: 1), options: LoadOptions(trained: true))
    try LetterTraining.startPositions(model)
    let table = try #require(model.store.parameters.first { $0.path.hasSuffix("position_embeddings") })
    #expect(table.isTrained)
    let expected = try Sinusoids.grid(rows: 4, columns: 4, width: 32)
    #expect(try table.value.selected(0, axis: 0).sliced(1..<17, axis: 0).largestDifference(to: expected) == 0)
    #expect(try table.value.selected(0, axis: 0).selected(0, axis: 0).abs().maximum().item() == 0)
  }
}
