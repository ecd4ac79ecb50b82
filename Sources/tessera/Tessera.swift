import ArgumentParser
import TesseraLab
import TesseraTensor
import TesseraText

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@main
struct Tessera: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tessera",
    abstract: "A toolkit for the whole life of a token.",
    discussion: """
      Every verb reads files or standard input and writes files or standard output.
      Exit status: 0 when all went well, 1 when the work failed, 64 for wrong use.

      Example: tessera encode --tokenizer tokenizer.json README.md --count
      """,
    subcommands: [
      Encode.self, Decode.self, Inspect.self, Convert.self, Train.self, Count.self, Chat.self, Demo.self, Forward.self,
      Generate.self, LabCommand.self, Systems.self, Bench.self,
    ])

  static func main() {
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as TokenizerError {
      Console.fail("\(error)")
    } catch let error as CheckpointError {
      Console.fail("\(error)")
    } catch let error as TensorError {
      Console.fail("\(error)")
    } catch let error as LabError {
      Console.fail("\(error)")
    } catch is CancellationError {
      exit(withError: ExitCode(130))
    } catch let code as ExitCode {
      exit(withError: code)
    } catch {
      exit(withError: error)
    }
  }
}
