import CTorch
import Foundation
import Synchronization

/// The engine: libtorch, reached through a small library that is opened when the first tensor is made.
///
/// The library is looked for in `TESSERA_TORCH_SHIM`, beside the executable, in `.deps/lib` of the working directory, and in `.deps/lib`
/// of the package this was compiled from.
public enum Torch {
  /// True when the engine could be opened. Tests of networks are skipped without it.
  public static var available: Bool { failure == nil }

  /// Why the engine is not there, or nil.
  public static var failure: String? { loaded }

  /// The version of libtorch, for instance "2.13.0".
  public static var version: String { available ? String(cString: ct_torch_version()) : "none" }

  /// How many accelerators libtorch sees.
  public static var accelerators: Int { available ? Int(ct_accelerators()) : 0 }

  /// The threads that one operation may use.
  ///
  /// libtorch counts them per thread of the caller: set this before tasks touch tensors.
  public static var threads: Int { available ? Int(ct_threads()) : 0 }

  /// Sets the number of threads that one operation may use.
  /// - Throws: `TensorError` if the engine is absent or the number is not in 1...4096.
  public static func setThreads(_ count: Int) throws {
    try demand()
    guard ct_set_threads(Int64(count)) == 0 else { throw TensorError.failed("setThreads", [], lastMessage) }
  }

  /// How many tensors are alive: a number that must not grow with the steps of a loop.
  public static var liveTensors: Int { available ? Int(ct_live_tensors()) : 0 }

  /// - Throws: `TensorError.unavailable` when the engine could not be opened.
  public static func demand() throws {
    if let failure { throw TensorError.unavailable(failure) }
  }

  static var lastMessage: String { String(cString: ct_error()) }

  private static let loaded: String? = open()

  private static func open() -> String? {
    let name = "libtessera_torch.so"
    let environment = ProcessInfo.processInfo.environment
    var places: [String] = []
    if let named = environment["TESSERA_TORCH_SHIM"] {
      places = [named]
    } else {
      let executable = URL(fileURLWithPath: CommandLine.arguments.first ?? "").deletingLastPathComponent().path
      let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
      places = [executable + "/" + name, ".deps/lib/" + name, package + "/.deps/lib/" + name]
    }
    guard let path = places.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      return "no \(name) in \(places.joined(separator: ", ")): run 'make torch', or name it in TESSERA_TORCH_SHIM"
    }
    var message = [CChar](repeating: 0, count: 4096)
    guard ct_load(path, &message, Int64(message.count)) == 0 else {
      let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      return String(decoding: text, as: UTF8.self)
    }
    if let wanted = environment["TESSERA_THREADS"].flatMap(Int.init), wanted > 0 { _ = ct_set_threads(Int64(wanted)) }
    return nil
  }
}

/// What can go wrong in an operation on tensors.
public enum TensorError: Error, Equatable, CustomStringConvertible {
  /// libtorch could not be opened; the reason says where it was looked for.
  case unavailable(String)
  /// libtorch refused an operation: its name, what it was given, the reason.
  case failed(String, [String], String)
  /// An argument was refused before libtorch saw it: the operation, the reason.
  case invalid(String, String)

  /// What went wrong, in one line.
  public var description: String {
    switch self {
    case .unavailable(let reason): "the tensor engine is not available: \(reason)"
    case .failed(let operation, let arguments, let reason):
      "\(operation)(\(arguments.joined(separator: ", "))): \(reason)"
    case .invalid(let operation, let reason): "\(operation): \(reason)"
    }
  }
}
