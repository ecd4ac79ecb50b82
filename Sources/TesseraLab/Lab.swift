import Foundation

/// Where data sets, hosts, and results lie, and whom progress is told.
///
///     let lab = Lab()
///     let glyphs = try DataSet.glyphs.open(lab)
public struct Lab: Sendable {
  /// Where data sets are built and trainings keep their checkpoints.
  public var cache: String
  /// Where hosts lie, a folder each.
  public var models: String
  /// Where the records of proofs lie.
  public var results: String
  /// Told how far long work has come. What it throws stops the work, which then leaves a checkpoint.
  public var report: @Sendable (Progress) throws -> Void

  /// - Parameters:
  ///   - cache: by default `TESSERA_CACHE`, or else `tessera` in the user's cache folder
  ///   - models: by default `Models` in the working directory
  ///   - results: by default `Results` in the working directory
  public init(
    cache: String? = nil, models: String = "Models", results: String = "Results",
    report: @escaping @Sendable (Progress) throws -> Void = { _ in }
  ) {
    let environment = ProcessInfo.processInfo.environment
    let home = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
    self.cache = cache ?? environment["TESSERA_CACHE"] ?? home + "/tessera"
    (self.models, self.results, self.report) = (models, results, report)
  }
}

/// How far long work has come.
public struct Progress: Sendable {
  /// What is being done, in a word or two.
  public var label: String
  /// How much is done.
  public var done: Int
  /// All there is to do; 0 when that is not known.
  public var total: Int
  /// What is counted.
  public var unit: String
  /// What else is worth seeing: the loss, the rate.
  public var detail: String

  /// Makes it from its parts.
  public init(_ label: String, done: Int, total: Int, unit: String, detail: String = "") {
    (self.label, self.done, self.total, self.unit, self.detail) = (label, done, total, unit, detail)
  }
}

/// What can go wrong in the laboratory.
public enum LabError: Error, Equatable, CustomStringConvertible {
  /// Data comes from packages that are not installed: who needs them, which.
  case missingPackages(String, [DataPackage])
  /// A file cannot be read or written: its path, the reason.
  case unreadable(String, String)
  /// A file is not what its name says: its path, the reason.
  case malformed(String, String)
  /// Something has no such name: what, the name, the names there are.
  case unknown(String, String, [String])
  /// A loss or a gradient is no number: the training, the step counted from 1, what.
  case notFinite(String, step: Int, String)
  /// A checkpoint belongs to another training: its path, the difference.
  case otherTraining(String, String)
  /// A declaration or what was measured for it cannot stand: its name, the reason.
  case refused(String, String)
  /// A program failed: its name, what it said.
  case program(String, String)

  /// What went wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .missingPackages(let name, let packages):
      "\(name) needs the packages \(packages.map(\.name).joined(separator: ", ")): "
        + "apt-get install \(packages.map(\.name).joined(separator: " "))"
    case .unreadable(let path, let reason), .malformed(let path, let reason): "\(path): \(reason)"
    case .unknown(let kind, let name, let names):
      "there is no \(kind) '\(name)'; there are: \(names.joined(separator: ", "))"
    case .notFinite(let name, let step, let place):
      "\(name): at step \(step) \(place) is not finite; the last checkpoint was kept"
    case .otherTraining(let path, let difference):
      "\(path): the checkpoint belongs to another training (\(difference)); remove it, or start with --fresh"
    case .refused(let name, let reason): "\(name): \(reason)"
    case .program(let name, let reason): "\(name) failed: \(reason)"
    }
  }
}

/// A package of the distribution that data comes from, and a file that shows it is there.
public struct DataPackage: Hashable, Sendable, Codable {
  /// The name in Debian.
  public let name: String
  /// A path that exists when it is installed.
  public let file: String

  /// Makes it from its parts.
  public init(_ name: String, file: String) { (self.name, self.file) = (name, file) }

  /// True if the file is there.
  public var isInstalled: Bool { FileManager.default.fileExists(atPath: file) }

  /// - Throws: `LabError.missingPackages` with all that are absent.
  public static func demand(_ packages: [DataPackage], for name: String) throws {
    let missing = packages.filter { !$0.isInstalled }
    guard missing.isEmpty else { throw LabError.missingPackages(name, missing) }
  }
}
