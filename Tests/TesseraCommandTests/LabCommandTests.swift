import Foundation
import TesseraLab
import TesseraTensor
import Testing

@Suite("tessera lab", .enabled(if: Torch.available))
struct LabCommandTests {
  /// A folder that is removed with the value.
  final class Folder {
    let path = NSTemporaryDirectory() + "tessera-lab-command-\(UUID().uuidString)"
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  let folder: Folder
  init() throws { folder = try Folder() }

  func arguments(_ name: String) -> [String] {
    [
      "lab", "train", "shapes", "--quick", "--threads", "1", "--cache", "\(folder.path)/\(name)", "--output",
      "\(folder.path)/\(name)-model",
    ]
  }

  func weights(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(name)-model/model.safetensors"))
  }

  /// When the checkpoint of a training was written last; nil before the first.
  func changed(_ name: String) -> Date? {
    let path = "\(folder.path)/\(name)/runs/shapes-quick-1/training.safetensors"
    return try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
  }

  @Test("a training that was killed or interrupted ends with the bits of one that was not", .timeLimit(.minutes(3)))
  func resumes() throws {
    let whole = try Command.start(arguments("whole"))()
    #expect(whole.status == 0, "\(whole.errors)")
    let expected = try weights("whole")
    for (name, signal) in [("killed", SIGKILL), ("interrupted", SIGINT)] {
      var stops = 0
      // Stopped again and again, each time somewhere behind a new checkpoint, until one start comes through.
      for _ in 0..<12 {
        let before = changed(name)
        let process = try Command.launch(arguments(name))
        while process.isRunning, changed(name) == before { usleep(2_000) }
        usleep(UInt32.random(in: 0...150_000))
        if !process.isRunning { break }
        process.send(signal)
        process.waitUntilExit()
        if process.terminationReason == .uncaughtSignal || process.terminationStatus == 130 { stops += 1 }
      }
      let last = try Command.start(arguments(name))()
      #expect(last.status == 0, "\(last.errors)")
      #expect(stops > 0)
      #expect(try weights(name) == expected, "\(name) \(stops) times")
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains(".part") }
      #expect(left.isEmpty)
    }
  }

  @Test("an interrupt ends with status 130 and leaves a checkpoint")
  func interrupt() throws {
    let process = try Command.launch(arguments("stopped"))
    let checkpoint = "\(folder.path)/stopped/runs/shapes-quick-1/training.safetensors"
    while !FileManager.default.fileExists(atPath: checkpoint), process.isRunning { usleep(10_000) }
    process.send(SIGINT)
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
    #expect(FileManager.default.fileExists(atPath: checkpoint))
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/stopped-model"))
  }

  @Test("wrong names and uses are told apart from work that failed")
  func refusals() throws {
    let unknown = try Command.run("lab", "train", "nothing")
    #expect(unknown.status == 1)
    #expect(unknown.errors.contains("there is no host 'nothing'"))
    #expect(try Command.run("lab", "train", "shapes", "--quick").status == 64)
    #expect(try Command.run("lab", "run", "nothing").status == 1)
    #expect(try Command.run("lab", "data", "nothing").status == 1)
    try Data().write(to: URL(fileURLWithPath: folder.path + "/file"))
    let unwritable = try Command.run(
      "lab", "train", "shapes", "--quick", "--cache", folder.path + "/file", "--output", folder.path + "/model")
    #expect(unwritable.status == 1)
    #expect(unwritable.errors.contains(folder.path + "/file"))
    #expect(unwritable.errors.split(separator: "\n").count == 1)
  }

  @Test("a full disk stops with a message and keeps the last good checkpoint", .enabled(if: FullDisk.isAvailable))
  func fullDisk() throws {
    let disk = try FullDisk(kilobytes: 400)
    let result = try Command.start(
      [
        "lab", "train", "shapes", "--quick", "--threads", "1", "--cache", disk.path, "--output", folder.path + "/full",
      ])()
    #expect(result.status == 1)
    #expect(result.errors.contains("No space left on device"), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/full"))
    let kept = try SafeTensors(path: disk.path + "/runs/shapes-quick-1/training.safetensors")
    #expect(kept.metadata["training"] != nil)
  }

  @Test("proofs, hosts, and data sets are listed")
  func lists() throws {
    let list = try Command.run("lab", "list")
    #expect(list.status == 0)
    #expect(list.output.contains("host   shapes") && list.output.contains("proof  binary-bpe"))
    let json = try JSONSerialization.jsonObject(with: Data(Command.run("lab", "list", "--json").output.utf8))
    #expect((json as? [String: [Any]])?["hosts"]?.isEmpty == false)
    #expect(try Command.run("lab", "data").output.contains("licences"))
  }
}

/// A file system of a given size in memory, where this process may make one.
final class FullDisk {
  let path = NSTemporaryDirectory() + "tessera-disk-\(UUID().uuidString)"

  static let isAvailable: Bool = {
    guard let disk = try? FullDisk(kilobytes: 400) else { return false }
    return FileManager.default.isWritableFile(atPath: disk.path)
  }()

  struct Unavailable: Error {}

  init(kilobytes: Int) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard Self.call("mount", ["-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path]) == 0 else {
      try? FileManager.default.removeItem(atPath: path)
      throw Unavailable()
    }
  }

  deinit {
    _ = Self.call("umount", [path])
    try? FileManager.default.removeItem(atPath: path)
  }

  private static func call(_ name: String, _ arguments: [String]) -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [name] + arguments
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    guard (try? process.run()) != nil else { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
  }
}
