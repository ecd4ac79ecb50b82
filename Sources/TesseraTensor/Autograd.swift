import CTorch

/// Runs a body without recording what gradients would need.
///
/// The mode belongs to the thread, so the body is synchronous: a task that could change threads in it cannot be written.
public func noGrad<Result>(_ body: () throws -> Result) rethrows -> Result { try recording(false, body) }

/// Runs a body with or without recording; false inside true, and the other way around.
public func recording<Result>(_ enabled: Bool, _ body: () throws -> Result) rethrows -> Result {
  guard Torch.available else { return try body() }
  let before = ct_recording()
  ct_set_recording(enabled)
  defer { ct_set_recording(before) }
  return try body()
}

extension Tensor {
  /// True when gradients flow back to or through this tensor.
  public var requiresGradient: Bool { ct_requires_gradient(handle) }

  /// The same numbers as a new leaf of the graph, whose gradient is asked for.
  public func withGradient() throws -> Tensor {
    let leaf = try detached()
    guard ct_set_requires_gradient(leaf.handle, true) == 0 else { throw failure("withGradient", self) }
    return leaf
  }

  /// The gradient that backward passes have added up in this leaf, or nil.
  public var gradient: Tensor? { ct_gradient(handle).map(Tensor.init(owning:)) }

  /// Replaces the added-up gradient of a leaf; nil clears it.
  package func setGradient(_ gradient: Tensor?) throws {
    guard ct_set_gradient(handle, gradient?.handle) == 0 else { throw failure("setGradient", self, gradient) }
  }

  /// Adds the gradient of this tensor to the `gradient` of every leaf it depends on.
  /// - Parameters:
  ///   - gradient: what is multiplied in from above; needed unless this tensor has one element
  ///   - keepingGraph: true if another backward pass through the same graph follows
  public func backward(_ gradient: Tensor? = nil, keepingGraph: Bool = false) throws {
    guard ct_backward(handle, gradient?.handle, keepingGraph) == 0 else { throw failure("backward", self, gradient) }
  }

  /// The numbers of `self` with the gradient of `other`: `other + (self - other).detached()`.
  ///
  /// The straight-through estimator of quantizers (Bengio, Léonard, Courville 2013).
  public func straightThrough(to other: Tensor) throws -> Tensor {
    try other + (self - other).detached()
  }
}

/// The gradients of one tensor with respect to others, without touching the leaves' own.
/// - Parameters:
///   - output: a tensor with one element, or any with `gradient` of its shape
///   - inputs: tensors that were used on the way to `output`
///   - recordingGraph: true if gradients of the gradients are wanted
/// - Returns: one gradient for each input, nil for one that was not used
public func gradients(
  of output: Tensor, withRespectTo inputs: [Tensor], gradient: Tensor? = nil, keepingGraph: Bool = false,
  recordingGraph: Bool = false
) throws -> [Tensor?] {
  var results = [OpaquePointer?](repeating: nil, count: inputs.count)
  let handles = inputs.map { Optional($0.handle) }
  let seeds = [gradient?.handle]
  let sources = [Optional(output.handle)]
  let status = withExtendedLifetime((inputs, gradient, output)) {
    seeds.withUnsafeBufferPointer { seeds in
      ct_gradients(
        sources, gradient == nil ? nil : seeds.baseAddress, 1, handles, Int64(handles.count),
        keepingGraph || recordingGraph,
        recordingGraph, &results)
    }
  }
  guard status == 0 else { throw failure("gradients", output, inputs.first) }
  return results.map { $0.map(Tensor.init(owning:)) }
}

/// The backward pass of a custom operation: gradients of the outputs in, gradients of the inputs out, nil where there is none.
public typealias BackwardPass = (_ outputs: [Tensor?]) throws -> [Tensor?]

/// An operation with a gradient of its own.
///
/// - Parameters:
///   - inputs: the tensors that gradients flow back to
///   - forward: computes the outputs, unrecorded, and gives the backward pass with them
/// - Returns: the outputs, as part of the graph
///
///     // x², whose gradient is twice too large
///     let y = try customGradient([x]) { x in ([try x[0] * x[0]], { g in [try g[0]! * x[0] * 4] }) }
public func customGradient(
  _ inputs: [Tensor], _ forward: ([Tensor]) throws -> (outputs: [Tensor], backward: BackwardPass)
) throws -> [Tensor] {
  let isRecording = Torch.available && ct_recording() && inputs.contains { $0.requiresGradient }
  let (outputs, backward) = try noGrad { try forward(inputs) }
  guard isRecording else { return outputs }
  let context = Unmanaged.passRetained(BackwardBox(backward, inputs: inputs.count))
  var results = [OpaquePointer?](repeating: nil, count: outputs.count)
  let status = withExtendedLifetime((inputs, outputs)) {
    ct_attach_backward(
      inputs.map { Optional($0.handle) }, Int64(inputs.count), outputs.map { Optional($0.handle) },
      Int64(outputs.count),
      &results, runBackward, { context in if let context { Unmanaged<BackwardBox>.fromOpaque(context).release() } },
      context.toOpaque())
  }
  guard status == 0 else { throw TensorError.failed("customGradient", inputs.map(\.summary), Torch.lastMessage) }
  return results.compactMap { $0.map(Tensor.init(owning:)) }
}

/// Computes a part of a network without keeping what its gradients need; the backward pass computes it once more.
///
/// Memory for time (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). The body must give the same numbers both times:
/// random numbers in it come from a stream that is copied into it.
public func checkpoint(_ inputs: [Tensor], _ body: @escaping ([Tensor]) throws -> [Tensor]) throws -> [Tensor] {
  // Parameters used inside are leaves of their own; the recomputation adds their gradients. An input that asks for a gradient makes
  // the node part of the graph even where no given input does.
  let anchor = try Tensor([0] as [Float]).withGradient()
  return try customGradient(inputs + [anchor]) { all in
    let given = Array(all.dropLast())
    let outputs = try body(given)
    return (
      outputs,
      { gradients in
        let leaves = try given.map { $0.dataType.isFloatingPoint ? try $0.withGradient() : $0 }
        let again = try recording(true) { try body(leaves) }
        let pairs = zip(again, gradients).compactMap { output, gradient in gradient.map { (output, $0) } }
        for (place, (output, gradient)) in pairs.enumerated() where output.requiresGradient {
          try output.backward(gradient, keepingGraph: place + 1 < pairs.count)
        }
        return leaves.map(\.gradient) + [nil]
      }
    )
  }
}

private final class BackwardBox {
  let backward: BackwardPass
  let inputs: Int
  init(_ backward: @escaping BackwardPass, inputs: Int) { (self.backward, self.inputs) = (backward, inputs) }
}

private func runBackward(
  _ context: UnsafeMutableRawPointer?, _ outputs: UnsafePointer<OpaquePointer?>?, _ outputCount: Int64,
  _ inputs: UnsafeMutablePointer<OpaquePointer?>?, _ inputCount: Int64
) -> Int32 {
  guard let context, let outputs, let inputs else { return -1 }
  let box = Unmanaged<BackwardBox>.fromOpaque(context).takeUnretainedValue()
  let given = (0..<Int(outputCount)).map { outputs[$0].map(Tensor.init(owning:)) }
  do {
    let gradients = try box.backward(given)
    guard gradients.count == box.inputs else {
      ct_set_error("a backward pass gave \(gradients.count) gradients for \(box.inputs) inputs")
      return -1
    }
    for (place, gradient) in gradients.enumerated() {
      guard let gradient else { continue }
      inputs[place] = ct_convert(gradient.handle, ct_dtype(gradient.handle), ct_device(gradient.handle), false)
    }
    return 0
  } catch {
    ct_set_error("\(error)")
    return -1
  }
}
