/// How the numbers of a new parameter are drawn.
public enum Initialization: Sendable {
  case zeros
  case ones
  case constant(Double)
  /// Normal with this standard deviation.
  case normal(Double)
  /// Normal with this standard deviation, cut at two of them.
  case truncatedNormal(Double)
  /// Uniform over ±bound.
  case uniform(Double)
  /// Uniform over ±sqrt(6 / (in + out)) (Glorot, Bengio 2010).
  case xavierUniform
  /// Uniform over ±1 / sqrt(in): the default of PyTorch's linear layers and convolutions.
  case fanInUniform

  /// Draws a tensor.
  /// - Parameter shape: `[out, in, ...]` for the two that count connections
  func tensor(_ shape: [Int], _ type: DataType, _ device: Device, _ stream: inout RandomStream) throws -> Tensor {
    let connections = shape.dropFirst().reduce(1, *)
    func uniform(_ bound: Double) throws -> Tensor { try stream.uniform(shape, -bound, bound, type, device: device) }
    switch self {
    case .zeros: return try .zeros(shape, type, device: device)
    case .ones: return try .ones(shape, type, device: device)
    case .constant(let number): return try .full(shape, number, type, device: device)
    case .normal(let deviation): return try stream.normal(shape, deviation: deviation, type, device: device)
    case .uniform(let bound): return try uniform(bound)
    case .fanInUniform: return try uniform(1 / Double(max(connections, 1)).squareRoot())
    case .xavierUniform:
      let field = shape.dropFirst(2).reduce(1, *)
      return try uniform((6 / Double(max(connections + (shape.first ?? 1) * field, 1))).squareRoot())
    case .truncatedNormal(let deviation):
      // The inverse of the distribution function, over its part within two standard deviations.
      let (low, high) = (0.022_750_131_948_179_21, 0.977_249_868_051_820_8)
      let quantile = try stream.uniform(shape, 2 * low - 1, 2 * high - 1, .float64, device: device)
      return try (Op.erfinv(.tensor(quantile)) * (deviation * 2.0.squareRoot())).to(type)
    }
  }
}
