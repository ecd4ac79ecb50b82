import TesseraTensor

/// The activations of published models, by the names their configurations use.
public enum Activation: String, Sendable, Codable, CaseIterable {
  case gelu, relu, silu, swish, tanh, sigmoid, linear
  case geluNew = "gelu_new"
  case geluTanh = "gelu_pytorch_tanh"
  case geluFast = "gelu_fast"
  case geluPython = "gelu_python"
  case geluAccurate = "gelu_accurate"
  case geluPythonTanh = "gelu_python_tanh"
  /// Cut at -10 and 10.
  case geluClipped = "gelu_10"
  case quickGELU = "quick_gelu"
  case mish, relu6, hardswish, laplace
  case squaredReLU = "relu2"
  case leakyReLU = "leaky_relu"

  /// Applies it.
  public func callAsFunction(_ x: Tensor) throws -> Tensor {
    switch self {
    case .gelu, .geluPython: try x.gelu()
    case .geluNew, .geluTanh, .geluFast, .geluAccurate, .geluPythonTanh: try x.gelu(tanh: true)
    case .quickGELU: try x * (x * 1.702).sigmoid()
    case .relu: try x.relu()
    case .silu, .swish: try x.silu()
    case .tanh: try x.tanh()
    case .sigmoid: try x.sigmoid()
    case .linear: x
    case .geluClipped: try x.gelu().clamped(-10, 10)
    case .mish: try Op.mish(.tensor(x))
    case .relu6: try x.clamped(0, 6)
    case .hardswish: try x * (x + 3).clamped(0, 6) / 6
    case .squaredReLU: try x.relu().squared()
    case .leakyReLU: try x.leakyReLU(0.01)
    case .laplace: try (((x - 0.707107) / (0.282095 * 2.0.squareRoot())).erf() + 1) * 0.5
    }
  }
}
