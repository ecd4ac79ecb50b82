import Foundation

/// A data set that is built on the spot, from packages of the distribution or from nothing.
///
///     let glyphs = try DataSet.glyphs.open(lab)
///     let images: DataArray<UInt8> = try glyphs.array("train-images")
///
/// Building is deterministic: the same packages give the same bytes.
public struct DataSet: Sendable {
  /// What it is called on the command line.
  public let name: String
  /// Grows when the rule of building changes, so that old caches are not taken for new ones.
  public let version: Int
  /// What it is, in a sentence.
  public let summary: String
  /// Under which terms its sources stand.
  public let licence: String
  /// What must be installed to build it.
  public let packages: [DataPackage]
  /// How items are divided so that no near-duplicates stand on two sides.
  public let splitRule: String
  let build: @Sendable (DataWriter) throws -> Void

  /// Makes it from its parts.
  public init(
    name: String, version: Int, summary: String, licence: String, packages: [DataPackage], splitRule: String,
    build: @escaping @Sendable (DataWriter) throws -> Void
  ) {
    (self.name, self.version, self.summary, self.licence) = (name, version, summary, licence)
    (self.packages, self.splitRule, self.build) = (packages, splitRule, build)
  }

  /// The folder in a laboratory's cache.
  public func path(_ lab: Lab) -> String { "\(lab.cache)/data/\(name)-\(version)" }

  /// The data, built first if they are not there.
  ///
  /// They are built beside their place, so that an interrupt leaves nothing that looks complete.
  /// - Throws: `LabError.missingPackages` if they would have to be built and a package is absent.
  public func open(_ lab: Lab) throws -> DataFolder {
    let path = path(lab)
    if FileManager.default.fileExists(atPath: path + "/manifest.json") { return try DataFolder(path) }
    try DataPackage.demand(packages, for: "the data set '\(name)'")
    let part = Files.part(of: path)
    try? FileManager.default.removeItem(atPath: part)
    defer { try? FileManager.default.removeItem(atPath: part) }
    try Files.makeFolder(part)
    let writer = DataWriter(self, folder: part, lab: lab)
    try build(writer)
    try writer.close()
    // Another process may have been faster; its bytes are the same.
    if !FileManager.default.fileExists(atPath: path + "/manifest.json") {
      try? FileManager.default.removeItem(atPath: path)
      do { try FileManager.default.moveItem(atPath: part, toPath: path) } catch {
        if !FileManager.default.fileExists(atPath: path + "/manifest.json") {
          throw LabError.unreadable(path, "the data set cannot be put in its place")
        }
      }
    }
    return try DataFolder(path)
  }
}

/// What a built data set says of itself.
public struct DataManifest: Codable, Sendable, Equatable {
  /// One file: its name, bytes, and checksum (FNV-1a).
  public struct File: Codable, Sendable, Equatable {
    /// The name in the folder.
    public let name: String
    /// The length.
    public let bytes: Int
    /// FNV-1a of the bytes, in 16 hexadecimal digits.
    public let checksum: String
  }

  /// How many of something one part has.
  public struct Count: Codable, Sendable, Equatable {
    /// `train`, `test`, ...
    public let split: String
    /// What is counted.
    public let unit: String
    /// How many.
    public let count: Int
  }

  /// One example for the data page: a text, a picture in the folder, or both.
  public struct Sample: Codable, Sendable, Equatable {
    /// The part it stands in.
    public let split: String
    /// What it says, or what the file shows.
    public let text: String
    /// A PNG or WAV file of the folder.
    public let file: String?
  }

  /// The name of the data set.
  public let name: String
  /// Its version.
  public let version: Int
  /// What it is.
  public let summary: String
  /// The terms of its sources.
  public let licence: String
  /// The names of the packages it came from.
  public let packages: [String]
  /// How items are divided.
  public let splitRule: String
  /// How many there are.
  public let counts: [Count]
  /// The files.
  public let files: [File]
  /// Examples.
  public let samples: [Sample]
}

/// Takes what a data set is made of while it is built.
public final class DataWriter {
  /// The folder that becomes the data set.
  public let folder: String
  /// For other data sets it builds on, and for progress.
  public let lab: Lab
  private let set: DataSet
  private var files: [DataManifest.File] = []
  private var counts: [DataManifest.Count] = []
  private var samples: [DataManifest.Sample] = []

  init(_ set: DataSet, folder: String, lab: Lab) { (self.set, self.folder, self.lab) = (set, folder, lab) }

  /// Writes numbers as `NAME.npy`.
  public func write<Element: DataElement & Sendable>(_ name: String, _ array: DataArray<Element>) throws {
    try write(name + ".npy", bytes: array.numPy)
  }

  /// Writes text, one line each, as `NAME.txt`.
  /// - Throws: `LabError.malformed` if a text has a line end in it.
  public func write(_ name: String, lines: [String]) throws {
    for line in lines where line.utf8.contains(0x0A) {
      throw LabError.malformed(name, "a text has a line end: \(line.prefix(40))")
    }
    try write(name + ".txt", bytes: Data(lines.map { $0 + "\n" }.joined().utf8))
  }

  /// Writes documents of any bytes as `NAME.bin`, one after the other, with their ends in `NAME-ends.npy`.
  public func write(_ name: String, documents: [[UInt8]]) throws {
    var ends: [Int64] = []
    for document in documents { ends.append((ends.last ?? 0) + Int64(document.count)) }
    try write(name + ".bin", bytes: Data(documents.joined()))
    try write(name + "-ends", DataArray(ends, [ends.count]))
  }

  /// Writes any bytes under a full file name.
  public func write(_ name: String, bytes: Data) throws {
    try Files.write(bytes, to: "\(folder)/\(name)")
    files.append(.init(name: name, bytes: bytes.count, checksum: Checksum(bytes).text))
  }

  /// Says how many items a part has.
  public func count(_ split: String, _ count: Int, _ unit: String) {
    counts.append(.init(split: split, unit: unit, count: count))
  }

  /// Shows an example on the data page.
  /// - Parameter file: a PNG or WAV file that was written
  public func sample(_ split: String, _ text: String, file: String? = nil) {
    samples.append(.init(split: split, text: text, file: file))
  }

  func close() throws {
    let manifest = DataManifest(
      name: set.name, version: set.version, summary: set.summary, licence: set.licence,
      packages: set.packages.map(\.name), splitRule: set.splitRule, counts: counts,
      files: files.sorted { Files.precedes($0.name, $1.name) }, samples: samples)
    try Files.write(Files.encode(manifest), to: folder + "/manifest.json")
  }
}

/// A data set that was built.
public struct DataFolder: Sendable {
  /// Where it lies.
  public let path: String
  /// What it says of itself.
  public let manifest: DataManifest

  /// - Throws: `LabError` if it has no manifest, or a file has another length than the manifest says.
  public init(_ path: String) throws {
    self.path = path
    manifest = try Files.decode(DataManifest.self, Files.read(path + "/manifest.json"), path + "/manifest.json")
    for file in manifest.files {
      let found = try? FileManager.default.attributesOfItem(atPath: "\(path)/\(file.name)")[.size] as? Int
      guard found == file.bytes else {
        throw LabError.malformed(
          "\(path)/\(file.name)", "it is not as it was built; remove the folder to build it anew")
      }
    }
  }

  /// Reads `NAME.npy`.
  public func array<Element: DataElement & Sendable>(_ name: String) throws -> DataArray<Element> {
    let file = "\(path)/\(name).npy"
    return try DataArray(numPy: Files.read(file), file)
  }

  /// Reads the lines of `NAME.txt`.
  public func lines(_ name: String) throws -> [String] {
    let text = String(decoding: try Files.read("\(path)/\(name).txt"), as: UTF8.self)
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  /// Reads the documents of `NAME.bin`.
  public func documents(_ name: String) throws -> [[UInt8]] {
    let bytes = [UInt8](try Files.read("\(path)/\(name).bin"))
    let ends: DataArray<Int64> = try array(name + "-ends")
    var (documents, start) = ([[UInt8]](), 0)
    for end in ends.elements {
      guard let end = Int(exactly: end), start <= end, end <= bytes.count else {
        throw LabError.malformed("\(path)/\(name)-ends.npy", "a document would end at byte \(end) of \(bytes.count)")
      }
      documents.append(Array(bytes[start..<end]))
      start = end
    }
    return documents
  }

  /// Reads any file of the folder.
  public func bytes(_ name: String) throws -> Data { try Files.read("\(path)/\(name)") }
}

extension DataSet {
  /// Every data set there is.
  public static let all: [DataSet] = [
    .emoji,
    .glyphs,
    .scenes,
    .speech,
    .textEnglish,
    .textGerman,
    .textTurkish,
    .parallelText,
    .licences,
    .code,
    .binaries,
    .genome,
  ]
}

extension DataSet {
  /// The data set of a name.
  /// - Throws: `LabError.unknown`
  public static func named(_ name: String) throws -> DataSet {
    guard let set = all.first(where: { $0.name == name }) else {
      throw LabError.unknown("data set", name, all.map(\.name))
    }
    return set
  }
}
