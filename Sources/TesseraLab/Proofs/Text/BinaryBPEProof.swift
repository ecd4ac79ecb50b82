import Foundation
import TesseraTensor
import TesseraText

extension Proof {
  /// Bytes of executables in tokens.
  public static let binaryBPE = Proof(
    system: "binary-bpe",
    Declaration(
      name: "binary-bpe",
      claim:
        "Byte-pair encoding of raw bytes puts at least twice as many bytes of an executable into a token as raw bytes do.",
      baseline:
        "raw bytes (1.0), and byte-level encoding inside words trained on English text (up to 3 MB), 4096 tokens each",
      baselineFigures: ["ELF, raw bytes", "ELF, text encoding"],
      data:
        "ELF files of the base system: 12 MB to train (2 MB when quick), up to 1.5 MB of other packages held out; controls: gzip "
        + "of held-out files, zeros, English manuals",
      seeds: [1, 2], metric: "bytes per token; control tokens are not recognized",
      rule: [
        .atLeast("ELF, 4096 tokens", 2), .atLeast("ELF, 4096 tokens, over text encoding", 1.2),
        .atMost("English, 4096 tokens, over text encoding", 0.9), .atMost("gzip, 4096 tokens", 1.15),
        .atLeast("files that come back exactly, share", 1),
      ],
      floor: ["ELF, raw bytes"], packages: DataSet.binaries.packages + DataSet.textEnglish.packages),
    measure: measureBinary)

  private static func measureBinary(_ run: Run) throws -> Outcome {
    let size = run.isQuick ? 2_000_000 : 12_000_000
    let files = try TextCorpus(.binaries, run, training: size, heldOut: size / 8)
    let english = try TextCorpus(.textEnglish, run, training: files.trainingBytes, heldOut: 200_000)
    let preset = try BinaryBPE(vocabularySize: 4096)
    let family = try preset.train(on: try TextCorpus.count(files.training, preset.cutting))
    let text = try TextCorpus.wordBPE(english.training, vocabularySize: 4096)
    var outcome = Outcome()
    outcome.add("training files", Double(files.training.count))
    outcome.add("training data", Double(files.trainingBytes) / 1e6, "MB")
    outcome.add("held-out files", Double(files.heldOut.count))
    outcome.add("held-out data", Double(files.heldOutBytes) / 1e6, "MB")
    outcome.add("ELF, raw bytes", 1, "bytes/token")
    var points: [[Double]] = []
    for size in [512, 1024, 2048, 4096] {
      let tokenizer = try family.tokenizer(vocabularySize: size)
      points.append([Double(size), try tokenizer.bytesPerToken(files.heldOut)])
      outcome.add("ELF, \(size) tokens", points[points.count - 1][1], "bytes/token")
    }
    outcome.curves.append(
      Curve(
        chart: "bytes of executables in a token", name: "binary BPE",
        x: .init("vocabulary", "tokens", isLogarithmic: true), y: .init("held-out ELF files", "bytes/token"),
        points: points))
    let tokenizer = try family.tokenizer(vocabularySize: 4096)
    let elf = points.last?.last ?? 0
    let byText = try text.bytesPerToken(files.heldOut)
    let (ours, theirs) = (try tokenizer.bytesPerToken(english.heldOut), try text.bytesPerToken(english.heldOut))
    outcome.add("ELF, text encoding", byText, "bytes/token")
    outcome.add("ELF, 4096 tokens, over text encoding", elf / byText)
    outcome.add("English, 4096 tokens", ours, "bytes/token")
    outcome.add("English, text encoding", theirs, "bytes/token")
    outcome.add("English, 4096 tokens, over text encoding", ours / theirs)
    outcome.add("gzip, 4096 tokens", try tokenizer.bytesPerToken(try gzipped(files.heldOut)), "bytes/token")
    outcome.add(
      "zeros, 4096 tokens", try tokenizer.bytesPerToken([[UInt8](repeating: 0, count: 1 << 18)]), "bytes/token")
    var (exact, used) = (0, Set<UInt32>())
    for file in files.heldOut {
      let ids = try tokenizer.encode(bytes: file, options: .init(specialTokensInText: .text)).ids
      used.formUnion(ids)
      if tokenizer.decodeBytes(ids, skipSpecialTokens: false) == file { exact += 1 }
    }
    outcome.add("files that come back exactly, share", Double(exact) / Double(files.heldOut.count))
    outcome.add("tokens used in held-out files, share", Double(used.count) / 4096)
    return outcome
  }

  private static func gzipped(_ files: [[UInt8]]) throws -> [[UInt8]] {
    [[UInt8](try Program.run("gzip", ["-9", "-c"], input: Data(files.prefix(8).joined())))]
  }
}
