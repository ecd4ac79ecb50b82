/// The properties of scalars as one of the two reference engines answers them.
struct UnicodeProperties: Sendable {
  static let oniguruma = UnicodeProperties(
    categories: OnigurumaTables.categories, scripts: OnigurumaTables.scripts,
    scriptNames: OnigurumaTables.scriptNames, properties: OnigurumaTables.properties,
    foldings: OnigurumaTables.foldings, expansions: OnigurumaTables.expansions)
  static let rust = UnicodeProperties(
    categories: RustTables.categories, scripts: RustTables.scripts, scriptNames: RustTables.scriptNames,
    properties: RustTables.properties, foldings: RustTables.foldings, expansions: "")

  private static let categoryNames = [
    "lu", "ll", "lt", "lm", "lo", "mn", "mc", "me", "nd", "nl", "no", "pc", "pd", "ps", "pe", "pi", "pf", "po", "sm",
    "sc", "sk", "so", "zs", "zl", "zp", "cc", "cf", "co", "cn",
  ]
  private static let longNames = [
    "uppercaseletter": "lu", "lowercaseletter": "ll", "titlecaseletter": "lt", "modifierletter": "lm",
    "otherletter": "lo", "nonspacingmark": "mn", "spacingmark": "mc", "enclosingmark": "me", "decimalnumber": "nd",
    "letternumber": "nl", "othernumber": "no", "connectorpunctuation": "pc", "dashpunctuation": "pd",
    "openpunctuation": "ps", "closepunctuation": "pe", "initialpunctuation": "pi", "finalpunctuation": "pf",
    "otherpunctuation": "po", "mathsymbol": "sm", "currencysymbol": "sc", "modifiersymbol": "sk", "othersymbol": "so",
    "spaceseparator": "zs", "lineseparator": "zl", "paragraphseparator": "zp", "control": "cc", "format": "cf",
    "privateuse": "co", "unassigned": "cn", "letter": "l", "mark": "m", "number": "n", "punctuation": "p",
    "symbol": "s", "separator": "z", "other": "c", "casedletter": "lc", "combiningmark": "m",
  ]

  private let categories: [ScalarSet]
  private let scripts: [String: ScalarSet]
  private let properties: [String: String]
  /// For every scalar that has other cases, all scalars equal to it under simple case folding, itself included.
  private let orbits: [UInt32: [UInt32]]
  /// Sequences of two or three scalars that equal a single one when case is ignored (Oniguruma only).
  let expansions: [(scalars: [UInt32], sequence: [UInt32])]

  private init(
    categories: String, scripts: String, scriptNames: String, properties: [String: String], foldings: String,
    expansions: String
  ) {
    self.categories = Self.partition(categories, count: Self.categoryNames.count)
    let names = scriptNames.split(separator: ",").map(String.init)
    let sets = Self.partition(scripts, count: names.count)
    self.scripts = Dictionary(zip(names, sets), uniquingKeysWith: { first, _ in first })
    self.properties = properties
    orbits = Self.orbits(foldings)
    self.expansions = Self.expansions(expansions)
  }

  /// A general category, script or property by name. Case, spaces, `-` and `_` do not count.
  func named(_ name: String, in dialect: SplitPattern.Dialect) -> ScalarSet? {
    var key = ""
    for scalar in name.unicodeScalars where scalar != " " && scalar != "_" && scalar != "-" {
      key.unicodeScalars.append(scalar)
    }
    key = key.lowercased()
    if key == "any" { return .all }
    if key == "ascii" { return ScalarSet(0...0x7F) }
    if key == "assigned" { return category("cn")?.inverted }
    if dialect == .rust, let split = key.firstIndex(where: { $0 == "=" || $0 == ":" }) {
      let (kind, value) = (key[..<split], String(key[key.index(after: split)...]))
      switch kind {
      case "gc", "generalcategory": return category(Self.longNames[value] ?? value)
      case "sc", "script": return scripts[value]
      default: return nil
      }
    }
    return category(Self.longNames[key] ?? key) ?? scripts[key] ?? property(key)
  }

  /// What a shorthand such as `\w` or a bracket class such as `[:alpha:]` stands for, by the key of the tables.
  func property(_ key: String) -> ScalarSet? { Self.text(of: key, in: properties).map(Self.ranges) }

  /// What a table says of a key. Behind `=` stands the key of the same scalars; alone, it refers to Oniguruma's table.
  private static func text(of key: String, in properties: [String: String]) -> String? {
    guard let text = properties[key], text.hasPrefix("=") else { return properties[key] }
    return text == "=" ? self.text(of: key, in: OnigurumaTables.properties) : properties[String(text.dropFirst())]
  }

  private func category(_ key: String) -> ScalarSet? {
    if key == "lc" { return categories[0].union(categories[1]).union(categories[2]) }
    if let index = Self.categoryNames.firstIndex(of: key) { return categories[index] }
    guard key.utf8.count == 1 else { return nil }
    let parts = zip(Self.categoryNames, categories).filter { $0.0.hasPrefix(key) }
    guard !parts.isEmpty else { return nil }
    return ScalarSet(parts.flatMap { $0.1.ranges })
  }

  /// All scalars equal to this one when case is ignored, itself included.
  func orbit(of scalar: UInt32) -> [UInt32] { orbits[scalar] ?? [scalar] }

  /// The set with every other case of its members.
  func closure(of set: ScalarSet) -> ScalarSet {
    var added: [Range<UInt32>] = set.ranges
    for (scalar, orbit) in orbits where set.contains(scalar) {
      for other in orbit { added.append(other..<other + 1) }
    }
    return ScalarSet(added)
  }

  // MARK: The compact form of the tables

  private struct Numbers {
    var bytes: Substring.UTF8View.SubSequence

    init(_ text: String) { bytes = Substring(text).utf8[...] }

    mutating func next() -> UInt32? {
      var (value, shift): (UInt32, UInt32) = (0, 0)
      while let byte = bytes.popFirst() {
        let digit: UInt32
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = UInt32(byte - 65)
        case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt32(byte - 97 + 26)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt32(byte - 48 + 52)
        case UInt8(ascii: "+"): digit = 62
        default: digit = 63
        }
        value |= (digit & 31) << shift
        if digit < 32 { return value }
        shift += 5
      }
      return nil
    }
  }

  private static func ranges(_ text: String) -> ScalarSet {
    var numbers = Numbers(text)
    var ranges: [Range<UInt32>] = []
    var end: UInt32 = 0
    while let gap = numbers.next(), let length = numbers.next() {
      ranges.append(end + gap..<end + gap + length + 1)
      end += gap + length + 1
    }
    return ScalarSet(ranges)
  }

  private static func partition(_ text: String, count: Int) -> [ScalarSet] {
    var numbers = Numbers(text)
    var ranges = [[Range<UInt32>]](repeating: [], count: count)
    var start: UInt32 = 0
    while let length = numbers.next(), let index = numbers.next() {
      if index > 0 { ranges[Int(index) - 1].append(start..<start + length + 1) }
      start += length + 1
    }
    return ranges.map { ScalarSet($0) }
  }

  private static func orbits(_ text: String) -> [UInt32: [UInt32]] {
    var numbers = Numbers(text)
    var orbits: [UInt32: [UInt32]] = [:]
    var first: UInt32 = 0
    while let count = numbers.next(), let step = numbers.next() {
      first += step
      var orbit = [first]
      for _ in 1..<count {
        guard let next = numbers.next() else { break }
        orbit.append((orbit.last ?? 0) + next)
      }
      for scalar in orbit { orbits[scalar] = orbit }
    }
    return orbits
  }

  private static func expansions(_ text: String) -> [(scalars: [UInt32], sequence: [UInt32])] {
    var numbers = Numbers(text)
    var scalars: [[UInt32]: [UInt32]] = [:]
    while let scalar = numbers.next(), let count = numbers.next() {
      let sequence = (0..<count).compactMap { _ in numbers.next() }
      scalars[sequence, default: []].append(scalar)
    }
    return scalars.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.value, $0.key) }
  }
}
