import Foundation
import TesseraText

extension DataSet {
  /// A bacterium's genome with a held-out block, and sequences with planted motifs.
  public static let genome = DataSet(
    name: "genome", version: 1,
    summary: "Escherichia coli 536, 4.9 million bases (A C G T as 0 1 2 3), and drawn sequences with 8 planted motifs.",
    licence: "public (NC_008253)",
    packages: [DataPackage("bowtie-examples", file: Genome.file)],
    splitRule:
      "The block of bases 4.4-4.9 million is the test, 4.3-4.4 million validation; motifs are planted in sequences drawn "
      + "from the training block's own triplets. Reverse complements may be added after the split."
  ) { writer in
    let bases = try Genome.bases(of: try Program.run("gzip", ["-dc", Genome.file]))
    guard bases.count > 4_900_000 else {
      throw LabError.malformed(Genome.file, "\(bases.count) bases are less than the 4.9 million expected")
    }
    for (split, range) in [
      (Split.train, 0..<4_300_000), (.validation, 4_300_000..<4_400_000), (.test, 4_400_000..<4_900_000),
    ] {
      try writer.write("\(split.rawValue)-bases", DataArray(Array(bases[range]), [range.count]))
      writer.count(split.rawValue, range.count, "bases")
      writer.sample(split.rawValue, Genome.letters(bases[range].prefix(60)))
    }
    let chain = Genome.Chain(bases[..<4_300_000])
    var random = Genome.stream
    let motifs = (0..<8).map { _ in (0..<12).map { _ in UInt8.random(in: 0...3, using: &random) } }
    try writer.write("motifs", lines: motifs.map { Genome.letters($0[...]) })
    for (split, count) in [(Split.train, 2000), (.validation, 200), (.test, 400)] {
      let planted = (0..<count).map { _ in Genome.planted(motifs, length: 256, chain, &random) }
      try writer.write("\(split.rawValue)-sequences", DataArray(planted.flatMap(\.bases), [count, 256]))
      try writer.write("\(split.rawValue)-motifs", DataArray(planted.flatMap(\.labels), [count, 256]))
      writer.count(split.rawValue, count, "sequences with motifs")
    }
  }
}

/// Reading of a genome, and drawing of sequences like it.
enum Genome {
  static let file = "/usr/share/doc/bowtie/examples/genomes/NC_008253.fna.gz"
  static let stream = SplitMix64(seed: Split.mixed("genome motifs"))

  /// Bases of a FASTA file as 0...3. Letters for uncertain bases count as A: there are a few in five million.
  static func bases(of data: Data) throws -> [UInt8] {
    var bases: [UInt8] = []
    bases.reserveCapacity(data.count)
    for line in data.split(separator: 0x0A) where line.first != UInt8(ascii: ">") {
      for letter in line {
        switch letter | 0x20 {
        case UInt8(ascii: "a"): bases.append(0)
        case UInt8(ascii: "c"): bases.append(1)
        case UInt8(ascii: "g"): bases.append(2)
        case UInt8(ascii: "t"): bases.append(3)
        case UInt8(ascii: "b")...UInt8(ascii: "y"): bases.append(0)
        case 0x2D: break  // a carriage return, or a gap
        default: throw LabError.malformed("FASTA", "the byte \(letter) is no base")
        }
      }
    }
    return bases
  }

  static func letters(_ bases: ArraySlice<UInt8>) -> String {
    String(bases.map { ["A", "C", "G", "T"][Int($0)] as Character })
  }

  /// Each base by the two before it, as often as in a genome.
  struct Chain {
    private var sums = [[Double]](repeating: [1, 2, 3, 4], count: 16)

    init(_ bases: ArraySlice<UInt8>) {
      var counts = [[Double]](repeating: [1, 1, 1, 1], count: 16)
      var pair = 0
      for (index, base) in bases.enumerated() {
        if index >= 2 { counts[pair][Int(base)] += 1 }
        pair = (pair << 2 | Int(base)) & 15
      }
      sums = counts.map { row in row.indices.map { row[...$0].reduce(0, +) } }
    }

    func draw(_ length: Int, _ random: inout some RandomNumberGenerator) -> [UInt8] {
      var (pair, bases) = (0, [UInt8]())
      for _ in 0..<length {
        let place = Double.random(in: 0..<sums[pair][3], using: &random)
        let base = sums[pair].firstIndex { place < $0 } ?? 3
        bases.append(UInt8(base))
        pair = (pair << 2 | base) & 15
      }
      return bases
    }
  }

  /// A sequence with one to three motifs, a tenth of whose bases are changed; labels are 0, or the number of the motif from 1.
  static func planted(
    _ motifs: [[UInt8]], length: Int, _ chain: Chain, _ random: inout some RandomNumberGenerator
  ) -> (bases: [UInt8], labels: [UInt8]) {
    var bases = chain.draw(length, &random)
    var labels = [UInt8](repeating: 0, count: length)
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let number = Int.random(in: motifs.indices, using: &random)
      let motif = motifs[number]
      let start = Int.random(in: 0...length - motif.count, using: &random)
      guard labels[start..<start + motif.count].allSatisfy({ $0 == 0 }) else { continue }
      for (offset, base) in motif.enumerated() {
        let isChanged = Double.random(in: 0..<1, using: &random) < 0.1
        bases[start + offset] = isChanged ? UInt8.random(in: 0...3, using: &random) : base
        labels[start + offset] = UInt8(number + 1)
      }
    }
    return (bases, labels)
  }
}
