import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

/// What the hosts on scenes share: sprites, the fixed test, and how pictures are shown to an encoder.
struct SceneTask {
  let sprites: SpriteSet
  /// The same for every host and seed.
  let test: [Scene]

  /// A quick run draws its sprites from nothing, a full one takes emoji.
  init(_ run: Run) throws {
    sprites = run.isQuick ? try .shapes() : try .emoji(run.lab)
    test = Scenes.test(sprites, count: run.isQuick ? 20 : Scenes.testCount)
  }

  /// Scenes for training that no other host or seed sees.
  func lessons(_ run: Run) -> Scenes { Scenes(sprites, stream: run.stream.named("scenes")) }

  /// Pictures as the encoder wants them: see `preprocessor_config.json`.
  static func normalised(_ scenes: some Sequence<Scene>) throws -> Tensor {
    try (scenes.pictures() - mean) / deviation
  }

  static let mean = 0.5, deviation = 0.28

  /// The constants of `normalised` for other programs.
  static func writePreprocessor(to folder: String) throws {
    let settings: JSON = [
      "image_processor_type": "CLIPImageProcessor", "do_resize": false, "do_center_crop": false, "do_rescale": true,
      "rescale_factor": .number(1 / 255), "do_normalize": true,
      "image_mean": [.number(mean), .number(mean), .number(mean)],
      "image_std": [.number(deviation), .number(deviation), .number(deviation)],
    ]
    try Host.write(settings, as: "preprocessor_config.json", to: folder)
  }

  /// Runs a network over the test in pieces and joins what it gives along the first axis.
  func overTest(_ network: (_ images: Tensor, _ scenes: ArraySlice<Scene>) throws -> [Tensor]) throws -> [Tensor] {
    let pieces = try noGrad {
      try stride(from: 0, to: test.count, by: 50).map { start in
        let scenes = test[start..<min(start + 50, test.count)]
        return try network(Self.normalised(scenes), scenes)
      }
    }
    return try (pieces.first ?? []).indices.map { place in try Tensor.concatenated(pieces.map { $0[place] }) }
  }

  /// Draws matrices anew, evenly by their numbers of inputs and outputs (Glorot, Bengio 2010); the small networks learn faster from there.
  static func drawEvenly(_ parameters: [Parameter], _ stream: RandomStream) throws {
    for parameter in parameters where parameter.value.rank == 2 {
      var own = stream.named(parameter.path)
      let bound = (6 / Double(parameter.value.size(0) + parameter.value.size(1))).squareRoot()
      try parameter.assign(own.uniform(parameter.value.shape, -bound, bound))
    }
  }

  /// Groups of an optimizer: matrices decay, and the parameters below a prefix learn at another rate.
  static func groups(
    _ parameters: [Parameter], slow prefix: String, factor: Double, decay: Double
  ) -> [ParameterGroup] {
    let slow = parameters.filter { $0.path.hasPrefix(prefix) }
    let others = parameters.filter { !$0.path.hasPrefix(prefix) }
    var groups = ParameterGroup.decayingMatrices(others, decay)
    for var group in ParameterGroup.decayingMatrices(slow, decay) {
      group.rateFactor = factor
      groups.append(group)
    }
    return groups
  }
}

extension Scenes {
  /// How many scenes the fixed test has.
  static let testCount = 300

  /// The fixed test.
  static func test(_ sprites: SpriteSet, count: Int = testCount) -> [Scene] {
    let scenes = Scenes(sprites, stream: RandomStream(seed: 2026).named("test of scenes"))
    return (0..<count).map { scenes[$0] }
  }
}

extension SpriteSet {
  /// The emoji that stand for the kinds of a scene, from their data set.
  /// - Throws: `LabError.missingPackages`; `LabError.malformed` if an emoji is missing there.
  public static func emoji(_ lab: Lab) throws -> SpriteSet {
    let folder = try DataSet.emoji.open(lab)
    var pictures: [Int64: (planes: ArraySlice<UInt8>, side: Int)] = [:]
    for split in ["train", "test"] {
      let images: DataArray<UInt8> = try folder.array("\(split)-images")
      let points: DataArray<Int64> = try folder.array("\(split)-code-points")
      guard images.shape.count == 4, images.shape[1] == 4, images.shape[2] == images.shape[3],
        images.rows == points.rows
      else { throw LabError.malformed(folder.path, "the pictures of '\(split)' are not square with four channels") }
      for (row, point) in points.elements.enumerated() { pictures[point] = (images[row: row], images.shape[2]) }
    }
    return try SpriteSet(
      emojiKinds.map { name, scalar in
        guard let (planes, side) = pictures[Int64(scalar.value)] else {
          throw LabError.malformed(folder.path, "the emoji '\(name)' is missing")
        }
        let (first, area) = (planes.startIndex, side * side)
        let rgba = (0..<area).flatMap { place in (0..<4).map { planes[first + $0 * area + place] } }
        return (name: name, rgba: rgba, width: side, height: side)
      })
  }

  /// What must be installed for `emoji`.
  static var emojiPackages: [DataPackage] { DataSet.emoji.packages }
}
