import TesseraTensor

/// The shape of a ResNet as transformers has it.
public struct ResNetConfiguration: Codable, Sendable {
  /// Which residual layers there are.
  public enum LayerType: String, Codable, Sendable { case basic, bottleneck }

  public var channels = 3
  public var stemWidth = 64
  public var widths = [256, 512, 1024, 2048]
  public var depths = [3, 4, 6, 3]
  public var layerType = LayerType.bottleneck
  public var activation = Activation.relu
  /// True: the first stage halves the picture, too.
  public var downsamplesInFirstStage = false
  /// True: a bottleneck halves the picture in its first convolution, not in its second.
  public var downsamplesInBottleneck = false
  /// The stages whose maps are given: 0 is the stem.
  public var outputs = [4]

  enum CodingKeys: String, CodingKey {
    case channels = "num_channels"
    case stemWidth = "embedding_size"
    case widths = "hidden_sizes"
    case depths
    case layerType = "layer_type"
    case activation = "hidden_act"
    case downsamplesInFirstStage = "downsample_in_first_stage"
    case downsamplesInBottleneck = "downsample_in_bottleneck"
    case outputs = "out_indices"
    case outputNames = "out_features"
  }

  public init() {}

  /// - Throws: `ConfigurationError` naming the key whose value cannot be used.
  public init(from decoder: any Decoder) throws {
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    channels = try settings.setting(.channels, default: channels)
    stemWidth = try settings.setting(.stemWidth, default: stemWidth)
    widths = try settings.setting(.widths, default: widths)
    depths = try settings.setting(.depths, default: depths)
    layerType = try settings.setting(.layerType, default: layerType)
    activation = try settings.setting(.activation, default: activation)
    downsamplesInFirstStage = try settings.setting(.downsamplesInFirstStage, default: downsamplesInFirstStage)
    downsamplesInBottleneck = try settings.setting(.downsamplesInBottleneck, default: downsamplesInBottleneck)
    let names = try settings.decodeIfPresent([String].self, forKey: .outputNames)
    let stages = ["stem"] + (0..<depths.count).map { "stage\($0 + 1)" }
    if let names {
      outputs = try names.map { name in
        guard let index = stages.firstIndex(of: name) else {
          throw ConfigurationError("out_features", "'\(name)' is not one of \(stages.joined(separator: ", "))")
        }
        return index
      }
    } else {
      outputs = try settings.setting(.outputs, default: [depths.count]).map { $0 < 0 ? $0 + depths.count + 1 : $0 }
    }
    try validate()
  }

  public func encode(to encoder: any Encoder) throws {
    var settings = encoder.container(keyedBy: CodingKeys.self)
    try settings.encode(channels, forKey: .channels)
    try settings.encode(stemWidth, forKey: .stemWidth)
    try settings.encode(widths, forKey: .widths)
    try settings.encode(depths, forKey: .depths)
    try settings.encode(layerType, forKey: .layerType)
    try settings.encode(activation, forKey: .activation)
    try settings.encode(downsamplesInFirstStage, forKey: .downsamplesInFirstStage)
    try settings.encode(downsamplesInBottleneck, forKey: .downsamplesInBottleneck)
    try settings.encode(outputs, forKey: .outputs)
  }

  func validate() throws {
    try ConfigurationError.demandSizes(["num_channels": channels, "embedding_size": stemWidth])
    guard depths.count == widths.count, !depths.isEmpty else {
      throw ConfigurationError("depths", "\(depths.count) stages, and \(widths.count) in hidden_sizes")
    }
    for width in widths { try ConfigurationError.demandSizes(["hidden_sizes": width]) }
    for depth in depths { try ConfigurationError.demandSizes(["depths": depth], limit: 4096) }
    if layerType == .bottleneck, let narrow = widths.first(where: { $0 < 4 }) {
      throw ConfigurationError("hidden_sizes", "\(narrow) is too narrow for a bottleneck")
    }
    guard !outputs.isEmpty, outputs.allSatisfy({ (0...depths.count).contains($0) }) else {
      throw ConfigurationError("out_indices", "\(outputs) are not among the stages 0...\(depths.count)")
    }
  }
}

/// A ResNet (*Deep Residual Learning for Image Recognition*, 2015, arXiv 1512.03385) under the keys of transformers.
public final class ResNetBackbone: Module, ConvolutionalBackbone {
  public let configuration: ResNetConfiguration
  private let stem: ConvolutionUnit
  private let stages: [[ResidualLayer]]

  public var channels: [Int] {
    configuration.outputs.map { $0 == 0 ? configuration.stemWidth : configuration.widths[$0 - 1] }
  }

  public init(_ configuration: ResNetConfiguration, _ scope: Scope) throws {
    try configuration.validate()
    self.configuration = configuration
    stem = try ConvolutionUnit(
      configuration.channels, configuration.stemWidth, kernel: 7, stride: 2, configuration.activation,
      ResidualLayer.names, scope / "embedder" / "embedder")
    // What lies behind the last map is not needed.
    let needed = configuration.outputs.max() ?? 0
    var input = configuration.stemWidth
    var stages: [[ResidualLayer]] = []
    for stage in 0..<needed {
      let output = configuration.widths[stage]
      let halves = stage > 0 || configuration.downsamplesInFirstStage
      stages.append(
        try (0..<configuration.depths[stage]).map { depth in
          try ResidualLayer(
            configuration, depth == 0 ? input : output, output, stride: depth == 0 && halves ? 2 : 1,
            scope / "encoder" / "stages" / stage / "layers" / depth)
        })
      input = output
    }
    self.stages = stages
    super.init(scope)
  }

  public func maps(_ images: Tensor) throws -> [Tensor] {
    var maps = [try stem(images).maxPooled(3, stride: 2, padding: 1)]
    for stage in stages { maps.append(try stage.reduce(maps[maps.count - 1]) { try $1($0) }) }
    return configuration.outputs.map { maps[$0] }
  }
}

/// `activation(x + convolutions(x))`; the shortcut is projected where shapes differ.
private final class ResidualLayer: Module {
  static let names: ConvolutionUnit.Names = ("convolution", "normalization")

  private let convolutions: [ConvolutionUnit]
  private let shortcut: ConvolutionUnit?
  private let activation: Activation

  init(_ configuration: ResNetConfiguration, _ input: Int, _ output: Int, stride: Int, _ scope: Scope) throws {
    activation = configuration.activation
    let names = Self.names
    shortcut =
      input != output || stride != 1
      ? try ConvolutionUnit(input, output, kernel: 1, stride: stride, nil, names, scope / "shortcut") : nil
    // As in the reference, what lies between the convolutions is a ReLU whatever the configuration says.
    switch configuration.layerType {
    case .basic:
      convolutions = [
        try ConvolutionUnit(input, output, kernel: 3, stride: stride, .relu, names, scope / "layer" / 0),
        try ConvolutionUnit(output, output, kernel: 3, nil, names, scope / "layer" / 1),
      ]
    case .bottleneck:
      let (narrow, first) = (output / 4, configuration.downsamplesInBottleneck)
      convolutions = [
        try ConvolutionUnit(input, narrow, kernel: 1, stride: first ? stride : 1, .relu, names, scope / "layer" / 0),
        try ConvolutionUnit(narrow, narrow, kernel: 3, stride: first ? 1 : stride, .relu, names, scope / "layer" / 1),
        try ConvolutionUnit(narrow, output, kernel: 1, nil, names, scope / "layer" / 2),
      ]
    }
    super.init(scope)
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    try activation(convolutions.reduce(x) { try $1($0) } + (shortcut?(x) ?? x))
  }
}
