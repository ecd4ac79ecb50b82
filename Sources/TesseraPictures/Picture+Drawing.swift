extension Picture {
  /// A square of transparent black.
  /// - Parameter side: pixels; at least 1.
  public init(transparent side: Int) {
    precondition(side > 0 && side <= 1 << 15, "a square has 1...32768 pixels a side")
    self.init(unchecked: [UInt8](repeating: 0, count: side * side * 4), side, side, 4)
  }

  /// Copies another picture's pixels over those from the corner (`x`, `y`), alpha included; what sticks out is cut off.
  ///
  /// - Precondition: both have the same channels.
  public mutating func draw(_ other: Picture, x: Int, y: Int) {
    precondition(channels == other.channels, "pictures of different channels")
    for row in 0..<other.height where y + row >= 0 && y + row < height {
      for column in 0..<other.width where x + column >= 0 && x + column < width {
        for channel in 0..<channels { self[x + column, y + row, channel] = other[column, row, channel] }
      }
    }
  }
}
