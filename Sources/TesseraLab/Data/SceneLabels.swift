import TesseraTensor

/// What is true of every patch of some scenes: the dense labels that teach an encoder to see.
public struct SceneLabels {
  /// Pixels of a patch's side, and patches along a side.
  public static let patch = 8, grid = Scene.side / patch

  /// How much of each patch shows each ground (first) and each kind, `[scenes, 64, grounds + kinds]`, rows of the grid first. Sums to 1.
  public let coverage: Tensor
  /// 1 for patches in which the middle of a thing lies, `[scenes, 64]`.
  public let centers: Tensor
  /// For patches that a thing covers by a sixteenth or more: the middle of the thing that covers most of it, and its size, `[scenes, 64, 4]`,
  /// in pixels from the picture's left upper corner.
  public let boxes: Tensor
  /// 1 for those patches, `[scenes, 64]`.
  public let covered: Tensor

  /// - Parameter kinds: how many kinds there are
  public init(_ scenes: [Scene], kinds: Int) throws {
    let (grid, grounds, side) = (Self.grid, Scenes.grounds.count, Scene.side)
    let (patches, classes) = (grid * grid, grounds + kinds)
    var coverage = [Float](repeating: 0, count: scenes.count * patches * classes)
    var centers = [Float](repeating: 0, count: scenes.count * patches)
    var boxes = [Float](repeating: 0, count: scenes.count * patches * 4)
    var covered = [Float](repeating: 0, count: scenes.count * patches)
    let share = 1 / Float(Self.patch * Self.patch)
    for (number, scene) in scenes.enumerated() {
      var pixels = [Float](repeating: 0, count: patches * (scene.objects.count + 1))
      for (place, owner) in scene.owners.enumerated() {
        let patch = place / side / Self.patch * grid + place % side / Self.patch
        pixels[Int(owner) * patches + patch] += share
      }
      for patch in 0..<patches {
        let row = number * patches + patch
        coverage[row * classes + scene.ground] += pixels[patch]
        var best: (index: Int, share: Float) = (0, 0)
        for (index, object) in scene.objects.enumerated() {
          let amount = pixels[(index + 1) * patches + patch]
          coverage[row * classes + grounds + object.kind] += amount
          if amount > best.share { best = (index, amount) }
        }
        guard best.share >= 1 / 16 else { continue }
        let object = scene.objects[best.index]
        covered[row] = 1
        boxes[row * 4] = Float(object.center.x)
        boxes[row * 4 + 1] = Float(object.center.y)
        boxes[row * 4 + 2] = Float(object.width)
        boxes[row * 4 + 3] = Float(object.height)
      }
      for object in scene.objects {
        let (x, y) = (Int(object.center.x) / Self.patch, Int(object.center.y) / Self.patch)
        centers[number * patches + y * grid + x] = 1
      }
    }
    self.coverage = try Tensor(coverage, [scenes.count, patches, classes])
    self.centers = try Tensor(centers, [scenes.count, patches])
    self.boxes = try Tensor(boxes, [scenes.count, patches, 4])
    self.covered = try Tensor(covered, [scenes.count, patches])
  }
}
