/// How short encodings are filled up; the `padding` object of tokenizer.json.
public struct Padding: Sendable, Equatable {
  /// Which side is filled.
  public enum Direction: String, Sendable, CaseIterable {
    case left = "Left"
    case right = "Right"
  }

  /// The length that is aimed at.
  public enum Strategy: Sendable, Equatable {
    /// The longest encoding of the batch.
    case batchLongest
    /// A fixed length; longer encodings stay as they are.
    case fixed(Int)
  }

  /// The length that is aimed at.
  public var strategy: Strategy
  /// Which side is filled.
  public var direction: Direction
  /// The length is rounded up to a multiple of this.
  public var multiple: Int?
  /// The id of the filling.
  public var id: UInt32
  /// The type id of the filling.
  public var typeID: UInt32
  /// The text of the filling.
  public var token: String

  /// Makes a rule; the defaults fill on the right up to the longest of the batch.
  public init(
    strategy: Strategy = .batchLongest, direction: Direction = .right, multiple: Int? = nil, id: UInt32 = 0,
    typeID: UInt32 = 0, token: String = "[PAD]"
  ) {
    self.strategy = strategy
    self.direction = direction
    self.multiple = multiple
    self.id = id
    self.typeID = typeID
    self.token = token
  }

  /// The longest filling that is accepted from a file: no model reads more, and a lie must not exhaust the memory.
  static let maximumLength = 1 << 26

  /// Reads the object of tokenizer.json. The words of the Python interface (`length`, `right`) are understood too.
  ///
  /// - Throws: ``TokenizerError`` naming the key.
  public init(json: JSON, path: String = "padding") throws {
    guard case .object(var object) = json else { throw ConfigurationNode(json, path: path).unexpected("an object") }
    if let word = object["direction"]?.stringValue?.lowercased() {
      object["direction"] = .string(word == "left" ? "Left" : word == "right" ? "Right" : word)
    }
    let node = ConfigurationNode(.object(object), path: path)
    if let length = node.json["strategy"]?["Fixed"] ?? node.json["length"], !length.isNull {
      guard let value = length.integerValue, (0...Self.maximumLength).contains(value) else {
        throw TokenizerError(
          .malformed, "expected a length from 0 to \(Self.maximumLength)", at: .key("\(path).strategy.Fixed"))
      }
      strategy = .fixed(value)
    } else {
      let word = node.json["strategy"]?.stringValue ?? "BatchLongest"
      guard word == "BatchLongest" || word == "batch_longest" else {
        throw TokenizerError(.malformed, "expected 'BatchLongest' or {\"Fixed\": n}", at: .key("\(path).strategy"))
      }
      strategy = .batchLongest
    }
    direction = try node.word("direction", default: .right)
    let multiple = node.json["pad_to_multiple_of"]?.isNull ?? true ? 0 : try node.count("pad_to_multiple_of")
    guard multiple <= Self.maximumLength else {
      throw TokenizerError(
        .malformed, "expected at most \(Self.maximumLength)", at: .key("\(path).pad_to_multiple_of"))
    }
    self.multiple = multiple == 0 ? nil : multiple
    id = try node.id("pad_id", default: 0)
    typeID = try node.id("pad_type_id", default: 0)
    token = try node.string("pad_token", default: "[PAD]")
  }

  var json: JSON {
    let strategy: JSON =
      switch self.strategy {
      case .batchLongest: "BatchLongest"
      case .fixed(let length): ["Fixed": .integer(Int64(length))]
      }
    return [
      "strategy": strategy, "direction": .string(direction.rawValue),
      "pad_to_multiple_of": multiple.map { .integer(Int64($0)) } ?? .null, "pad_id": .integer(Int64(id)),
      "pad_type_id": .integer(Int64(typeID)), "pad_token": .string(token),
    ]
  }

  /// Fills all encodings of a batch.
  func apply(to encodings: inout [Encoding]) {
    var length: Int
    switch strategy {
    case .fixed(let fixed): length = fixed
    case .batchLongest: length = encodings.map(\.count).max() ?? 0
    }
    if let multiple, multiple > 0, length % multiple > 0 { length += multiple - length % multiple }
    for index in encodings.indices { fill(&encodings[index], to: length) }
  }

  private func fill(_ encoding: inout Encoding, to length: Int) {
    for index in encoding.overflowing.indices { fill(&encoding.overflowing[index], to: length) }
    let missing = length - encoding.count
    guard missing > 0 else { return }
    func extend<Element>(_ column: inout [Element], _ value: Element) {
      let filling = repeatElement(value, count: missing)
      if direction == .left { column.insert(contentsOf: filling, at: 0) } else { column.append(contentsOf: filling) }
    }
    extend(&encoding.ids, id)
    extend(&encoding.typeIDs, typeID)
    extend(&encoding.tokens, token)
    extend(&encoding.wordIDs, nil)
    extend(&encoding.attentionMask, 0)
    extend(&encoding.specialTokensMask, 1)
    extend(&encoding.offsets, 0..<0)
    if direction == .left {
      encoding.sequenceRanges = encoding.sequenceRanges.mapValues {
        $0.lowerBound + missing..<$0.upperBound + missing
      }
    }
  }
}
