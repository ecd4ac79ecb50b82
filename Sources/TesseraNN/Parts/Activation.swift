import TesseraTensor

/// The activations of published models, by the names their configurations use.
public enum Activation: String, Sendable, Codable, CaseIterable {
  case gelu, relu, silu, swish, mish, tanh, sigmoid, linear
  case geluNew = "gelu_new"
  case geluTanh = "gelu_pytorch_tanh"
  case geluFast = "gelu_fast"
  case geluPython = "gelu_python"
  case quickGELU = "quick_gelu"

  public func callAsFunction(_ x: Tensor) throws -> Tensor {
    switch self {
    case .gelu, .geluPython: try x.gelu()
    case .geluNew, .geluTanh, .geluFast: try x.gelu(tanh: true)
    case .quickGELU: try x * (x * 1.702).sigmoid()
    case .relu: try x.relu()
    case .silu, .swish: try x.silu()
    case .mish: try x * x.softplus().tanh()
    case .tanh: try x.tanh()
    case .sigmoid: try x.sigmoid()
    case .linear: x
    }
  }
}
