import TesseraText

/// One of the papers' systems that Tessera holds, or will hold.
///
///     for system in System.all { print(system.name, system.status) }
public struct System: Sendable {
  /// The five questions about tokens; every system answers one of them.
  public enum Room: String, Sendable, CaseIterable {
    case make, measure, move, reduce, generate

    /// What is asked in this room.
    public var question: String {
      switch self {
      case .make: "How does data become tokens?"
      case .measure: "Are these tokens any good, and can they be trusted?"
      case .move: "How does a model get another tokenizer?"
      case .reduce: "Which tokens can a network do without?"
      case .generate: "How are tokens produced with less work?"
      }
    }
  }

  /// Where a system was described.
  public struct Paper: Sendable, Hashable {
    /// Its title.
    public let title: String
    /// The first author and how many there are, in short; nil where that is not known for certain.
    public let authors: String?
    /// When it appeared on arXiv.
    public let year: Int
    /// Its number there.
    public let arXiv: String

    init(_ title: String, _ authors: String?, _ year: Int, arXiv: String) {
      (self.title, self.authors, self.year, self.arXiv) = (title, authors, year, arXiv)
    }

    /// Where it can be read.
    public var address: String { "https://arxiv.org/abs/\(arXiv)" }
  }

  /// How much of a system is there.
  public enum Status: String, Sendable, CaseIterable {
    case planned, partly, works
  }

  /// What it is called on the command line, in files, and in records.
  public let name: String
  /// What its paper calls it.
  public let title: String
  /// The question that it answers.
  public let room: Room
  /// What it does, in a line.
  public let summary: String
  /// Where it was described.
  public let paper: Paper

  init(_ name: String, _ title: String, _ room: Room, _ summary: String, paper: Paper) {
    (self.name, self.title, self.room, self.summary, self.paper) = (name, title, room, summary, paper)
  }

  /// Every system, room by room.
  public static let all: [System] = make + measure + move + reduce + generate

  /// The system of a name.
  /// - Throws: `LabError.unknown`
  public static func named(_ name: String) throws -> System {
    guard let system = all.first(where: { $0.name == name }) else {
      throw LabError.unknown("system", name, all.map(\.name))
    }
    return system
  }
}

extension System {
  /// The code of a system. It names the type that does the work, so that nothing can be registered before it is written.
  public struct Registration: Sendable {
    /// The system it belongs to.
    public let system: String
    /// The type that does the work.
    public let type: Any.Type
    /// How it is called.
    public let command: String
    /// What of the paper is not there yet; nil if nothing is missing.
    public let missing: String?

    init(_ system: String, _ type: Any.Type, command: String, missing: String? = nil) {
      (self.system, self.type, self.command, self.missing) = (system, type, command, missing)
    }
  }

  /// What is there today. A system that is finished adds a line here and nothing else.
  public static let registered: [Registration] = [
    Registration("binary-bpe", BinaryBPE.self, command: "tessera train binary"),
    Registration("kl3m", KL3M.self, command: "tessera train kl3m"),
    Registration(
      "tokenadapt", Supertokens.self, command: "tessera train supertokens",
      missing: "the transplant of embeddings"),
  ]

  /// The code that does its work, if there is any.
  public var registration: Registration? { Self.registered.first { $0.system == name } }

  /// How much of it is there: what its registration says.
  public var status: Status { registration.map { $0.missing == nil ? .works : .partly } ?? .planned }

  /// The names of its proofs.
  public var proofs: [String] { Proof.all.filter { $0.system == name }.map(\.name) }
}
