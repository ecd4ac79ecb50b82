import TesseraTensor

/// The shape of a ResNet as timm has it: a name stands for most of it.
public struct TimmResNetConfiguration: Sendable, Equatable {
  /// The two residual blocks.
  public enum Block: Sendable { case basic, bottleneck }
  /// What the picture meets first.
  public enum Stem: String, Sendable {
    /// One convolution of seven by seven.
    case plain = ""
    /// Three of three by three.
    case deep
    /// Three of growing width.
    case tiered = "deep_tiered"
  }

  public var block = [Block.bottleneck]
  public var layers = [3, 4, 6, 3]
  public var widths = [64, 128, 256, 512]
  public var stem = Stem.plain
  public var stemWidth = 64
  /// True: a shortcut is averaged before it is projected, not projected in steps of two.
  public var averagesShortcut = false
  /// Groups of the bottleneck's middle convolution.
  public var groups = 1
  /// The width of a bottleneck for every 64 channels and group.
  public var baseWidth = 64
  /// Stages behind this reduction widen their convolutions instead of halving the picture.
  public var outputStride = 32
  public var channels = 3
  /// The stages whose maps are given: 0 is the stem.
  public var outputs = [1, 2, 3, 4]

  /// The network of a name such as `resnet50` or `resnet50d.ra2_in1k`; nil if it is not known.
  public init?(named name: String) {
    let name = name.split(separator: ".").first.map(String.init) ?? ""
    if name == "test_resnet" {
      (block, layers, widths) = ([.basic, .basic, .bottleneck, .basic], [1, 1, 1, 1], [32, 48, 48, 96])
      (stem, stemWidth, averagesShortcut) = (.deep, 16, true)
      return
    }
    let depths = [
      "10": [1, 1, 1, 1], "14": [1, 1, 1, 1], "18": [2, 2, 2, 2], "26": [2, 2, 2, 2], "34": [3, 4, 6, 3],
      "50": [3, 4, 6, 3],
      "101": [3, 4, 23, 3], "152": [3, 8, 36, 3], "200": [3, 24, 36, 3],
    ]
    var rest = Substring(name)
    if rest.hasPrefix("wide_resnet"), rest.hasSuffix("_2") {
      (baseWidth, rest) = (128, rest.dropFirst("wide_resnet".count).dropLast(2))
    } else if rest.hasPrefix("resnext"), let (groups, width) = Self.cardinality(rest) {
      (self.groups, baseWidth) = (groups, width)
      rest = rest.dropFirst("resnext".count).prefix { $0 != "_" }
    } else if rest.hasPrefix("resnet") {
      rest = rest.dropFirst("resnet".count)
    } else {
      return nil
    }
    let number = String(rest.prefix { $0.isNumber })
    guard let depth = depths[number] else { return nil }
    layers = depth
    if ["10", "18", "34"].contains(number) { block = [.basic] }
    switch rest.dropFirst(number.count) {
    case "": break
    case "c": (stem, stemWidth) = (.deep, 32)
    case "d": (stem, stemWidth, averagesShortcut) = (.deep, 32, true)
    case "s": (stem, stemWidth) = (.deep, 64)
    case "t": (stem, stemWidth, averagesShortcut) = (.tiered, 32, true)
    default: return nil
    }
  }

  /// The groups and their width in a name such as `resnext50_32x4d`.
  private static func cardinality(_ name: Substring) -> (Int, Int)? {
    guard name.hasSuffix("d"), let part = name.split(separator: "_").last?.dropLast() else { return nil }
    let numbers = part.split(separator: "x").compactMap { Int($0) }
    return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
  }

  /// Changes the network by the arguments that timm's own functions take.
  /// - Throws: `ConfigurationError` naming the argument that cannot be used.
  public mutating func apply(_ arguments: [String: JSONValue]) throws {
    func whole(_ key: String) throws -> Int {
      guard let number = arguments[key]?.integer else { throw ConfigurationError(key, "a whole number is expected") }
      return number
    }
    func list(_ key: String) throws -> [Int] {
      guard let numbers = arguments[key]?.array?.map(\.integer), !numbers.contains(nil) else {
        throw ConfigurationError(key, "whole numbers are expected")
      }
      return numbers.compactMap { $0 }
    }
    for (key, value) in arguments.sorted(by: { $0.key < $1.key }) where value != .null {
      switch key {
      case "layers": layers = try list(key)
      case "channels": widths = try list(key)
      case "out_indices": outputs = try list(key)
      case "stem_width": stemWidth = try whole(key)
      case "cardinality": groups = try whole(key)
      case "base_width": baseWidth = try whole(key)
      case "output_stride": outputStride = try whole(key)
      case "in_chans", "num_channels": channels = try whole(key)
      case "avg_down": averagesShortcut = value.bool ?? averagesShortcut
      case "stem_type":
        guard let known = value.string.flatMap(Stem.init(rawValue:)) else {
          throw ConfigurationError(key, "'', 'deep' or 'deep_tiered' is expected")
        }
        stem = known
      default: throw ConfigurationError(key, "this argument of a timm backbone is not known")
      }
    }
    outputs = outputs.map { $0 < 0 ? $0 + layers.count + 1 : $0 }
    try validate()
  }

  func validate() throws {
    try ConfigurationError.demandSizes(
      [
        "num_channels": channels, "stem_width": stemWidth, "cardinality": groups, "base_width": baseWidth,
      ], limit: 1 << 16)
    guard layers.count == widths.count, !layers.isEmpty, block.count == 1 || block.count == layers.count else {
      throw ConfigurationError("layers", "\(layers.count) stages, and \(widths.count) in channels")
    }
    for width in widths { try ConfigurationError.demandSizes(["channels": width], limit: 1 << 16) }
    for depth in layers { try ConfigurationError.demandSizes(["layers": depth], limit: 4096) }
    guard [8, 16, 32].contains(outputStride) else {
      throw ConfigurationError("output_stride", "\(outputStride) is not 8, 16 or 32")
    }
    guard !outputs.isEmpty, outputs.allSatisfy({ (0...layers.count).contains($0) }) else {
      throw ConfigurationError("out_indices", "\(outputs) are not among the stages 0...\(layers.count)")
    }
    for (stage, width) in widths.enumerated() where block(at: stage) == .bottleneck && width * baseWidth < 64 {
      throw ConfigurationError("channels", "\(width) is too narrow for a bottleneck")
    }
  }

  func block(at stage: Int) -> Block { block[block.count == 1 ? 0 : stage] }
  /// Channels behind the stem.
  var stemOutput: Int { stem == .plain ? 64 : stemWidth * 2 }
  /// Channels behind a stage, counted from 0.
  func output(of stage: Int) -> Int { widths[stage] * (block(at: stage) == .bottleneck ? 4 : 1) }
}

/// A ResNet under the keys of timm (and of torchvision).
public final class TimmResNet: Module, ConvolutionalBackbone {
  public let configuration: TimmResNetConfiguration
  private let stem: [ConvolutionUnit]
  private let stages: [[TimmBlock]]

  public var channels: [Int] {
    configuration.outputs.map { $0 == 0 ? configuration.stemOutput : configuration.output(of: $0 - 1) }
  }

  public init(_ configuration: TimmResNetConfiguration, _ scope: Scope) throws {
    try configuration.validate()
    self.configuration = configuration
    stem = try Self.stem(configuration, scope)
    var stages: [[TimmBlock]] = []
    var (input, reduction, dilation, before) = (configuration.stemOutput, 4, 1, 1)
    // What lies behind the last map is not needed; timm leaves it out of its checkpoints, too.
    for stage in 0..<(configuration.outputs.max() ?? 0) {
      var stride = stage == 0 ? 1 : 2
      if reduction >= configuration.outputStride {
        (dilation, stride) = (dilation * stride, 1)
      } else {
        reduction *= stride
      }
      var blocks: [TimmBlock] = []
      for depth in 0..<configuration.layers[stage] {
        let place = TimmBlock.Place(
          stage: stage, input: input, stride: depth == 0 ? stride : 1, dilations: (before, dilation),
          isFirst: depth == 0)
        blocks.append(try TimmBlock(configuration, place, scope / "layer\(stage + 1)" / depth))
        (input, before) = (configuration.output(of: stage), dilation)
      }
      stages.append(blocks)
    }
    self.stages = stages
    super.init(scope)
  }

  private static func stem(_ configuration: TimmResNetConfiguration, _ scope: Scope) throws -> [ConvolutionUnit] {
    let (output, width) = (configuration.stemOutput, configuration.stemWidth)
    if configuration.stem == .plain {
      return [
        try ConvolutionUnit(configuration.channels, output, kernel: 7, stride: 2, .relu, ("conv1", "bn1"), scope)
      ]
    }
    let first = configuration.stem == .tiered ? 3 * (width / 4) : width
    try ConfigurationError.demandSizes(["stem_width": first])
    return [
      try ConvolutionUnit(configuration.channels, first, kernel: 3, stride: 2, .relu, ("0", "1"), scope / "conv1"),
      try ConvolutionUnit(first, width, kernel: 3, .relu, ("3", "4"), scope / "conv1"),
      try ConvolutionUnit(width, output, kernel: 3, .relu, ("conv1.6", "bn1"), scope),
    ]
  }

  public func maps(_ images: Tensor) throws -> [Tensor] {
    let first = try stem.reduce(images) { try $1($0) }
    var maps = [first]
    var x = try first.maxPooled(3, stride: 2, padding: 1)
    for stage in stages {
      x = try stage.reduce(x) { try $1($0) }
      maps.append(x)
    }
    return configuration.outputs.map { maps[$0] }
  }
}

/// `relu(shortcut(x) + convolutions(x))`.
private final class TimmBlock: Module {
  struct Place {
    let stage, input, stride: Int
    /// How far the kernels' points are apart: in the first convolution with a kernel, and in those after it.
    let dilations: (Int, Int)
    let isFirst: Bool
  }

  private let convolutions: [ConvolutionUnit]
  private let shortcut: ConvolutionUnit?
  /// The step of the mean before the shortcut's projection; nil: there is none.
  private let averageStride: Int?

  init(_ configuration: TimmResNetConfiguration, _ place: Place, _ scope: Scope) throws {
    let (width, output) = (configuration.widths[place.stage], configuration.output(of: place.stage))
    let (stride, dilations) = (place.stride, place.dilations)
    switch configuration.block(at: place.stage) {
    case .basic:
      convolutions = [
        try ConvolutionUnit(
          place.input, width, kernel: 3, stride: stride, dilation: dilations.0, .relu, ("conv1", "bn1"), scope),
        try ConvolutionUnit(width, output, kernel: 3, dilation: dilations.1, nil, ("conv2", "bn2"), scope),
      ]
    case .bottleneck:
      let inner = width * configuration.baseWidth / 64 * configuration.groups
      convolutions = [
        try ConvolutionUnit(place.input, inner, kernel: 1, .relu, ("conv1", "bn1"), scope),
        try ConvolutionUnit(
          inner, inner, kernel: 3, stride: stride, dilation: dilations.0, groups: configuration.groups, .relu,
          ("conv2", "bn2"), scope),
        try ConvolutionUnit(inner, output, kernel: 1, nil, ("conv3", "bn3"), scope),
      ]
    }
    let projects = place.isFirst && (stride != 1 || place.input != output)
    let averages = configuration.averagesShortcut
    averageStride = projects && averages && (stride != 1 || dilations.1 != 1) ? (dilations.1 == 1 ? stride : 1) : nil
    shortcut =
      projects
      ? try ConvolutionUnit(
        place.input, output, kernel: 1, stride: averages ? 1 : stride, nil, averages ? ("1", "2") : ("0", "1"),
        scope / "downsample") : nil
    super.init(scope)
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    var aside = x
    if let averageStride {
      // In steps of one the picture keeps its size: a row and a column of zeros are added.
      aside = try (averageStride == 1 ? x.padded([0, 1, 0, 1]) : x).averagePooled(2, stride: averageStride)
    }
    return try (convolutions.reduce(x) { try $1($0) } + (shortcut?(aside) ?? aside)).relu()
  }
}
