import ArgumentParser
import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Go on with a text, by a language model from a folder.",
    discussion: """
      The folder holds config.json, safetensors and a tokenizer, as model hubs have them: GPT-2, Llama, Mistral, Qwen2, Qwen3. The text
      comes piece by piece, as soon as it is certain. The same seed gives the same text.

      tessera generate --model gpt2/ --prompt "Once upon a time" --max-tokens 64 --temperature 0.8 --top-p 0.95 --seed 1
      """)

  @Option(help: "A folder with config.json, safetensors and a tokenizer.") var model: String
  @Option(help: "What the text starts with; - reads standard input.") var prompt: String
  @Option(help: "How many tokens are written at most.") var maxTokens = 256
  @Option(help: "What logits are divided by; 0 takes the likeliest token always.") var temperature = 1.0
  @Option(help: "Draw from so many of the likeliest tokens only.") var topK: Int?
  @Option(help: "Draw from the likeliest tokens that together have this probability.") var topP: Double?
  @Option(help: "Draw from tokens at least so likely, relative to the likeliest.") var minP: Double?
  @Option(help: "Makes tokens that occurred less likely, if above 1.") var repetitionPenalty = 1.0
  @Option(help: "Where the draws come from.") var seed: UInt64 = 0
  @Flag(help: "Say as JSON what was written and how long it took.") var json = false

  private var sampling: TokenSampling {
    TokenSampling(temperature: temperature, topK: topK, topP: topP, minP: minP, repetitionPenalty: repetitionPenalty)
  }

  func validate() throws {
    if maxTokens < 1 { throw ValidationError("--max-tokens needs a positive number, not \(maxTokens).") }
    do { try sampling.validate() } catch { throw ValidationError("\(error)") }
  }

  func run() throws {
    let text = prompt == "-" ? String(decoding: try Console.read(prompt), as: UTF8.self) : prompt
    guard let network = try ModelRegistry.load(model) as? any DecoderModel else {
      throw TensorError.invalid("generate", "\(model) holds no language model that writes")
    }
    let start = Date()
    let pieces = network.generate(text, maxTokens: maxTokens, sampling: sampling, seed: seed)
    var iterator = pieces.makeAsyncIterator()
    var written = ""
    while let piece = try iterator.nextPiece() {
      if json { written += piece } else { try Console.write(piece.utf8) }
    }
    guard json else { return try Console.print("") }
    let seconds = (Date().timeIntervalSince(start) * 1000).rounded() / 1000
    try Console.print(
      JSON.object([
        "text": .string(written), "tokens": .integer(Int64(iterator.tokens)), "seconds": .number(seconds),
      ]).text())
  }
}
