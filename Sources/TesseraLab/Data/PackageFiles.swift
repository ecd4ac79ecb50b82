import Foundation

/// Files that installed packages have put on the machine.
enum PackageFiles {
  private static let lists = "/var/lib/dpkg/info/"

  /// The file that shows a package is installed, with or without the architecture in its name.
  static func list(of package: String) -> String {
    let plain = lists + package + ".list"
    if FileManager.default.fileExists(atPath: plain) { return plain }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: lists)) ?? []
    return lists + (names.sorted().first { $0.hasPrefix(package + ":") && $0.hasSuffix(".list") } ?? package + ".list")
  }

  static func package(_ name: String) -> DataPackage { DataPackage(name, file: list(of: name)) }

  /// All paths of a package, sorted.
  static func paths(of package: String) throws -> [String] {
    String(decoding: try Files.read(list(of: package)), as: UTF8.self).split(separator: "\n").map(String.init).sorted(
      by: Files.precedes)
  }

  /// Regular files of a package that pass, in an order that hangs on their names alone, up to so many bytes in all.
  ///
  /// - Parameters:
  ///   - seen: contents that occurred before; they are left out
  ///   - largest: longer files are left out
  static func files(
    of package: String, seen: inout Set<String>, largest: Int, total: Int, where passes: (String, Data) -> Bool
  ) throws -> [(path: String, bytes: [UInt8])] {
    let paths = try paths(of: package).map { (Split.mixed($0), $0) }.sorted { $0 < $1 }.map(\.1)
    var (result, sum) = ([(path: String, bytes: [UInt8])](), 0)
    for path in paths {
      guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
        attributes[.type] as? FileAttributeType == .typeRegular, let size = attributes[.size] as? Int,
        size > 0, size <= largest, sum + size <= total, let data = try? Files.read(path), passes(path, data),
        seen.insert(Checksum(data).text).inserted
      else { continue }
      result.append((path, [UInt8](data)))
      sum += size
    }
    return result.sorted { Files.precedes($0.path, $1.path) }
  }
}

/// Data sets of files, split by the package they came in.
private struct FileSet {
  var train: [String]
  var validation: [String]
  var test: [String]
  var largest: Int
  var perPackage: Int

  var packages: [DataPackage] { (train + validation + test).map(PackageFiles.package) }

  func build(_ writer: DataWriter, where passes: (String, Data) -> Bool) throws {
    var seen: Set<String> = []
    // The test comes first, so that what two packages share is dropped from training.
    for (split, names) in [(Split.test, test), (.validation, validation), (.train, train)] {
      let files = try names.flatMap {
        try PackageFiles.files(of: $0, seen: &seen, largest: largest, total: perPackage, where: passes)
      }
      try writer.write(split.rawValue, documents: files.map(\.bytes))
      try writer.write(split.rawValue + "-names", lines: files.map(\.path))
      writer.count(split.rawValue, files.count, "files")
      writer.count(split.rawValue, files.reduce(0) { $0 + $1.bytes.count }, "bytes")
      if let first = files.first { writer.sample(split.rawValue, "\(first.path), \(first.bytes.count) bytes") }
    }
  }
}

extension DataSet {
  /// Programs and libraries of the system: what tokenizers of raw bytes learn from.
  public static let binaries: DataSet = {
    let set = FileSet(
      train: [
        "bash", "bsdutils", "coreutils", "dash", "debianutils", "diffutils", "findutils", "gzip", "hostname",
        "libc-bin", "login", "mount", "passwd", "sed", "sysvinit-utils", "tar", "util-linux",
      ], validation: ["ncurses-bin"], test: ["dpkg", "grep", "xz-utils"], largest: 1 << 20, perPackage: 4 << 20)
    return DataSet(
      name: "binaries", version: 1, summary: "ELF files of the base system, whole.",
      licence: "GPL-2+, GPL-3+, BSD and others, by package", packages: set.packages,
      splitRule:
        "By package; equal files once. Packages of one source (util-linux, bsdutils, mount; shadow) stand on one side."
    ) { writer in try set.build(writer) { $1.starts(with: [0x7F, 0x45, 0x4C, 0x46]) } }
  }()

  /// Source code: Python, Perl, and headers of C and C++.
  public static let code: DataSet = {
    let set = FileSet(
      train: ["libpython3.11-stdlib", "libpython3.11-minimal", "libc6-dev", "linux-libc-dev", "perl-modules-5.36"],
      validation: ["debconf"], test: ["libdpkg-perl", "python3-setuptools", "libssl-dev"], largest: 200_000,
      perPackage: 1_500_000)
    return DataSet(
      name: "code", version: 1, summary: "Source code of installed packages: Python, Perl, headers of C.",
      licence: "PSF-2, LGPL-2.1+, GPL-2, Artistic, Apache-2.0 and others, by package", packages: set.packages,
      splitRule: "By package; equal files once; packages of one source on one side."
    ) { writer in
      try set.build(writer) { path, data in
        ["py", "h", "hpp", "pm", "pl"].contains((path as NSString).pathExtension) && !data.contains(0)
      }
    }
  }()
}
