import ArgumentParser
import TesseraText

@main
struct Tessera: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "A toolkit for the whole life of a token.")
}
