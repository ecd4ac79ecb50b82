import CTorch

extension Tensor {
  // MARK: Products

  /// The matrix product over the last two axes; the axes before are broadcast.
  public func matmul(_ other: Tensor) throws -> Tensor {
    let product = try made(ct_matmul(handle, other.handle), "matmul", self, other)
    MultiplyAddMeter.note(.product, nil, product.count * self.size(-1))
    return product
  }

  /// `x · weightᵀ + bias`.
  /// - Parameter weight: `[out, in]`; `bias`: `[out]`
  public func linear(_ weight: Tensor, _ bias: Tensor? = nil) throws -> Tensor {
    let product = try made(ct_linear(handle, weight.handle, bias?.handle), "linear", self, weight)
    MultiplyAddMeter.note(.linear, weight, self.count * weight.size(0))
    return product
  }

  /// Products and sums in Einstein's notation: `einsum("bhid,bhjd->bhij", q, k)`.
  public static func einsum(_ equation: String, _ operands: Tensor...) throws -> Tensor {
    let product = try Op.einsum(.string(equation), .tensors(operands))
    MultiplyAddMeter.note(.product, nil, MultiplyAddMeter.einsum(equation, operands))
    return product
  }

  // MARK: Activations and norms

  /// The Gaussian error linear unit, exact or by the approximation with tanh.
  public func gelu(tanh: Bool = false) throws -> Tensor { try made(ct_gelu(handle, tanh), "gelu", self) }

  /// x · sigmoid(x), also called swish.
  public func silu() throws -> Tensor { try made(ct_silu(handle), "silu", self) }

  /// x where it is positive, `slope` · x elsewhere.
  public func leakyReLU(_ slope: Double) throws -> Tensor { try Op.leakyRelu(.tensor(self), .double(slope)) }

  /// log(1 + exp(x)).
  public func softplus() throws -> Tensor { try Op.softplus(.tensor(self)) }

  /// exp(x) divided by its sum along an axis.
  public func softmax(_ axis: Int = -1) throws -> Tensor { try made(ct_softmax(handle, Int64(axis)), "softmax", self) }

  /// The logarithm of the softmax.
  public func logSoftmax(_ axis: Int = -1) throws -> Tensor { try Op.logSoftmax(.tensor(self), .int(axis)) }

  /// Layer normalization over the last axes, as many as `shape` has.
  public func layerNorm(_ shape: [Int], _ weight: Tensor? = nil, _ bias: Tensor? = nil, epsilon: Double) throws
    -> Tensor
  {
    try made(
      shape.withInt64 { ct_layer_norm(handle, $0, Int64(shape.count), weight?.handle, bias?.handle, epsilon) },
      "layerNorm",
      self, weight)
  }

  /// Division by the root of the mean square over the last axis.
  public func rmsNorm(_ weight: Tensor? = nil, epsilon: Double) throws -> Tensor {
    try Op.rmsNorm(.tensor(self), .ints([size(-1)]), .optional(weight), .double(epsilon))
  }

  /// Group normalization of `[batch, channels, ...]`.
  public func groupNorm(_ groups: Int, _ weight: Tensor? = nil, _ bias: Tensor? = nil, epsilon: Double) throws -> Tensor
  {
    try Op.groupNorm(.tensor(self), .int(groups), .optional(weight), .optional(bias), .double(epsilon))
  }

  /// Sets elements to zero with a probability and scales the others up.
  public func dropout(_ probability: Double, _ stream: inout RandomStream) throws -> Tensor {
    guard probability > 0 else { return self }
    guard probability < 1 else { return try self * 0 }
    let kept = try stream.bernoulli(shape, 1 - probability, device: device).to(dataType)
    return try self * kept / (1 - probability)
  }

  // MARK: Attention

  /// Fused attention: softmax(q · kᵀ · scale + mask) · v.
  /// - Parameters:
  ///   - keys, values: `[batch, heads, keys, width]`; self is `[batch, heads, queries, width]`
  ///   - mask: bool (true where attention is allowed) or a bias in the type of the queries, broadcast to `[batch, heads, queries, keys]`
  ///   - causal: query i sees the keys 0...i
  ///   - scale: nil means 1 / sqrt(width)
  public func attention(
    _ keys: Tensor, _ values: Tensor, mask: Tensor? = nil, causal: Bool = false, scale: Double? = nil
  ) throws -> Tensor {
    let grouped = rank == 4 && keys.rank == 4 && keys.size(1) != size(1)
    let result = try made(
      ct_attention(handle, keys.handle, values.handle, mask?.handle, causal, scale ?? 0, grouped), "attention", self,
      keys)
    MultiplyAddMeter.note(.attention, nil, (self.count + result.count) * keys.size(-2))
    return result
  }

  // MARK: Tables

  /// The rows of this table `[rows, width]` that int64 indices name.
  public func embedding(_ indices: Tensor) throws -> Tensor {
    try made(ct_embedding(handle, indices.handle), "embedding", self, indices)
  }

  /// One where the index stands, zero elsewhere: `[..., classes]`, as int64.
  public func oneHot(_ classes: Int) throws -> Tensor { try Op.oneHot(.tensor(self), .int(classes)) }

  // MARK: Convolutions and pictures

  /// A convolution over the last one, two or three axes of `[batch, channels, ...]`.
  /// - Parameter weight: `[out, in / groups, ...]`
  public func convolution(
    _ weight: Tensor, _ bias: Tensor? = nil, stride: [Int], padding: [Int], dilation: [Int]? = nil, groups: Int = 1
  ) throws -> Tensor {
    let result = try Op.convolution(
      .tensor(self), .tensor(weight), .optional(bias), .ints(stride), .ints(padding),
      .ints(dilation ?? Array(repeating: 1, count: stride.count)), .bool(false),
      .ints(Array(repeating: 0, count: stride.count)), .int(groups))
    MultiplyAddMeter.note(.convolution, weight, result.count * (weight.count / max(weight.size(0), 1)))
    return result
  }

  /// A transposed convolution.
  /// - Parameter weight: `[in, out / groups, ...]`
  public func transposedConvolution(
    _ weight: Tensor, _ bias: Tensor? = nil, stride: [Int], padding: [Int], outputPadding: [Int]? = nil, groups: Int = 1
  ) throws -> Tensor {
    let result = try Op.convolution(
      .tensor(self), .tensor(weight), .optional(bias), .ints(stride), .ints(padding),
      .ints(Array(repeating: 1, count: stride.count)), .bool(true),
      .ints(outputPadding ?? Array(repeating: 0, count: stride.count)), .int(groups))
    MultiplyAddMeter.note(.convolution, weight, self.count * (weight.count / max(weight.size(0), 1)))
    return result
  }

  /// How a picture is brought to another size.
  public enum Interpolation: String, Sendable, Codable { case nearest, bilinear, bicubic }

  /// A picture `[batch, channels, height, width]` in another size.
  public func resized(
    _ height: Int, _ width: Int, _ method: Interpolation = .bilinear, alignCorners: Bool = false,
    antialias: Bool = false
  ) throws -> Tensor {
    let size = Operator.Argument.ints([height, width])
    switch (method, antialias) {
    case (.nearest, _): return try Op.nearest(.tensor(self), size)
    case (.bilinear, false): return try Op.bilinear(.tensor(self), size, .bool(alignCorners))
    case (.bilinear, true): return try Op.bilinearAntialiased(.tensor(self), size, .bool(alignCorners))
    case (.bicubic, false): return try Op.bicubic(.tensor(self), size, .bool(alignCorners))
    case (.bicubic, true): return try Op.bicubicAntialiased(.tensor(self), size, .bool(alignCorners))
    }
  }
}
