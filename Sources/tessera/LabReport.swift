import ArgumentParser
import TesseraLab
import TesseraText

struct LabReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Show what proofs and trainings found, from their records alone.",
    discussion: """
      Records lie in --results, those of the small networks beside them in --models. Records that cannot be read, or whose declaration \
      was changed after the run, are refused: they are listed, and the exit status is 1.

      Examples:
        tessera lab report
        tessera lab report --html report.html
      """)

  @OptionGroup var folders: RecordFolders
  @Option(help: "Write one page of HTML that needs nothing else.") var html: String?
  @Flag(help: "Verdicts and figures as JSON.") var json = false
  @Flag(help: "Tables in Markdown.") var markdown = false

  func validate() throws {
    if json, markdown { throw ValidationError("--json and --markdown exclude each other.") }
  }

  func run() throws {
    let page = try ReportPage(folders.lab)
    if let html { try Console.write(Array(page.html.utf8), to: html) }
    if json {
      try Console.print(page.json.text(.pretty))
    } else if markdown {
      try Console.write(page.markdown.utf8)
    } else if html == nil {
      try Console.print(page.overviewTable.text(width: Terminal.isWatched(1) ? Terminal.columns(of: 1) : nil))
    }
    if !page.refused.isEmpty {
      Console.fail("refused: " + page.refused.map(\.reason).joined(separator: "; "))
    }
  }
}

/// Where records lie.
struct RecordFolders: ParsableArguments {
  @Option(help: "The folder of records.") var results = "Results"
  @Option(help: "The folder of the small networks.") var models = "Models"

  var lab: Lab { Lab(models: models, results: results) }
}

struct Systems: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "systems", abstract: "List the papers' systems: what each does, and what is there of it.",
    discussion: """
      Status and verdicts come from the code and from the records of proofs.

      Examples:
        tessera systems --room make
        tessera systems --json
      """)

  @Option(help: "One room alone: \(TesseraLab.System.Room.allCases.map(\.rawValue).joined(separator: ", ")).") var room:
    String?
  @OptionGroup var folders: RecordFolders
  @Flag(help: "As JSON, with papers and proofs.") var json = false
  @Flag(help: "As the page docs/SYSTEMS.md.") var markdown = false

  func validate() throws {
    if json, markdown { throw ValidationError("--json and --markdown exclude each other.") }
    if let room, TesseraLab.System.Room(rawValue: room) == nil {
      let rooms = TesseraLab.System.Room.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("'\(room)' is none of \(rooms).")
    }
  }

  func run() throws {
    let catalogue = Catalogue(
      try ReportPage(folders.lab), room: room.flatMap { TesseraLab.System.Room(rawValue: $0) })
    if json {
      try Console.print(catalogue.json.text(.pretty))
    } else if markdown {
      try Console.write(catalogue.markdown.utf8)
    } else {
      try Console.print(catalogue.text(width: Terminal.isWatched(1) ? Terminal.columns(of: 1) : nil))
    }
  }
}
