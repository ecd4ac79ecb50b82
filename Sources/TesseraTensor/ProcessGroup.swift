import CTorch
import Foundation

/// Processes that train one model together, each on its share of the batch.
///
///     let group = try ProcessGroup.fromEnvironment()       // RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT
///     try group?.broadcast(model.parameters)               // the same start everywhere
///     ...
///     try loss.backward()
///     try group?.averageGradients(model.parameters)        // then the optimizer's step
///
/// The collectives are libtorch's own (Gloo on processors).
public final class ProcessGroup {
  /// The number of this process, from 0.
  public let rank: Int
  /// The number of processes.
  public let size: Int
  private let handle: OpaquePointer

  /// Joins a group; blocks until all `size` processes have joined.
  /// - Parameters:
  ///   - address, port: where the process of rank 0 listens
  ///   - timeout: seconds that joining and every collective may take
  /// - Throws: `TensorError` when the others do not come in time, or this build has no collectives.
  public init(rank: Int, size: Int, address: String = "127.0.0.1", port: Int, timeout: Double = 300) throws {
    try Torch.demand()
    guard size > 0, rank >= 0, rank < size, (1...65535).contains(port), timeout > 0 else {
      throw TensorError.invalid("ProcessGroup", "rank \(rank) of \(size) at port \(port) within \(timeout) s")
    }
    guard let made = ct_make_group(address, Int64(port), Int64(rank), Int64(size), timeout) else {
      throw TensorError.failed("ProcessGroup", ["rank \(rank) of \(size)", "\(address):\(port)"], Torch.lastMessage)
    }
    (self.rank, self.size, handle) = (rank, size, made)
  }

  deinit { ct_release_group(handle) }

  /// The group that the usual environment variables describe; nil when there are none.
  /// - Throws: `TensorError.invalid` when they contradict one another.
  public static func fromEnvironment(timeout: Double = 300) throws -> ProcessGroup? {
    let environment = ProcessInfo.processInfo.environment
    guard environment["RANK"] != nil || environment["WORLD_SIZE"] != nil else { return nil }
    func number(_ name: String) throws -> Int {
      guard let text = environment[name], let number = Int(text) else {
        throw TensorError.invalid(
          "ProcessGroup", "the variable \(name) must be a number, not '\(environment[name] ?? "")'")
      }
      return number
    }
    return try ProcessGroup(
      rank: number("RANK"), size: number("WORLD_SIZE"), address: environment["MASTER_ADDR"] ?? "127.0.0.1",
      port: environment["MASTER_PORT"] == nil ? 29500 : number("MASTER_PORT"), timeout: timeout)
  }

  /// The sum over all processes, the same in each.
  public func sum(_ tensor: Tensor) throws -> Tensor {
    let result = try tensor.detached().contiguous().copy()
    guard ct_all_reduce(handle, result.handle) == 0 else { throw failure("sum over processes", tensor) }
    return result
  }

  /// Gives every process the values of the process with rank `root`.
  public func broadcast(_ parameters: [Parameter], root: Int = 0) throws {
    for parameter in parameters {
      let value = try parameter.value.detached().contiguous().copy()
      guard ct_broadcast(handle, value.handle, Int64(root)) == 0 else { throw failure("broadcast", value) }
      try parameter.assign(value)
    }
  }

  /// Replaces gradients by their mean over all processes, in few large messages.
  ///
  /// Every process must hold the same parameters in the same order; one without a gradient counts as zero.
  public func averageGradients(_ parameters: [Parameter], bucket: Int = 4 << 20) throws {
    try noGrad {
      var open: [Parameter] = []
      var count = 0
      func flush() throws {
        guard !open.isEmpty else { return }
        let flat = try Tensor.concatenated(
          open.map { parameter in
            try (parameter.gradient ?? .zeros(parameter.value.shape, parameter.value.dataType)).reshaped([-1])
          })
        guard ct_all_reduce(handle, flat.handle) == 0 else { throw failure("averageGradients", flat) }
        let parts = try (flat / Double(size)).split(open.map(\.value.count), axis: 0)
        for (parameter, part) in zip(open, parts) {
          try parameter.setGradient(part.reshaped(parameter.value.shape).copy())
        }
        open = []
        count = 0
      }
      for parameter in parameters where parameter.isTrained {
        if let last = open.last, last.value.dataType != parameter.value.dataType || count >= bucket { try flush() }
        open.append(parameter)
        count += parameter.value.count
      }
      try flush()
    }
  }
}
