/// The tokens of one piece of text, in flat columns.
struct ModelOutput {
  private(set) var ids: [UInt32] = []
  /// Byte ranges in the piece.
  private(set) var starts: [UInt32] = []
  private(set) var ends: [UInt32] = []
  /// Texts that differ from the vocabulary's, by index: an unknown word keeps its own.
  private(set) var surfaces: [Int: String] = [:]

  var count: Int { ids.count }

  @inline(__always)
  mutating func append(_ id: UInt32, _ start: Int, _ end: Int) {
    ids.append(id)
    starts.append(UInt32(start))
    ends.append(UInt32(end))
  }

  mutating func append(_ id: UInt32, _ start: Int, _ end: Int, surface: String) {
    surfaces[ids.count] = surface
    append(id, start, end)
  }

  mutating func removeAll() {
    ids.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    if !surfaces.isEmpty { surfaces.removeAll(keepingCapacity: true) }
  }
}

/// The memory that models work in, kept from word to word; one per thread.
struct ModelScratch {
  var merger = BPEMerger()
  var lattice = UnigramLattice()
  var output = ModelOutput()
  var random = SplitMix64(seed: 0)
}
