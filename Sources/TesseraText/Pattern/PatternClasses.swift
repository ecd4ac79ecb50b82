/// The Unicode general categories, in the order of the tables.
enum GeneralCategory: UInt8, CaseIterable {
  case lu = 1
  case ll, lt, lm, lo, mn, mc, me, nd, nl, no, pc, pd, ps, pe, pi, pf, po, sm, sc, sk, so, zs, zl, zp, cc, cf, cn, co
}

/// What regular expressions know about scalars, of the reference's Unicode version.
enum PatternClasses {
  static let categories = ScalarClasses(packed: PatternClassData.generalCategories)
  static let scripts = ScalarClasses(packed: PatternClassData.scripts)
  static let flags = ScalarClasses(packed: PatternClassData.flags)

  static let space: UInt8 = 1
  static let word: UInt8 = 2
  static let alphabetic: UInt8 = 4
  static let upper: UInt8 = 8
  static let lower: UInt8 = 16

  static let scriptNames = [
    "han", "hiragana", "katakana", "hangul", "latin", "cyrillic", "greek", "arabic", "hebrew", "thai", "devanagari",
    "bengali", "tamil", "telugu", "georgian", "armenian", "khmer", "lao", "myanmar", "tibetan", "ethiopic", "mongolian",
    "common", "inherited",
  ]

  /// Long names of categories, in the spelling without separators.
  static let categoryNames: [String: String] = [
    "letter": "l", "uppercaseletter": "lu", "lowercaseletter": "ll", "titlecaseletter": "lt", "modifierletter": "lm",
    "otherletter": "lo", "mark": "m", "nonspacingmark": "mn", "spacingmark": "mc", "enclosingmark": "me",
    "number": "n", "decimalnumber": "nd", "letternumber": "nl", "othernumber": "no", "punctuation": "p",
    "connectorpunctuation": "pc", "dashpunctuation": "pd", "openpunctuation": "ps", "closepunctuation": "pe",
    "initialpunctuation": "pi", "finalpunctuation": "pf", "otherpunctuation": "po", "symbol": "s", "mathsymbol": "sm",
    "currencysymbol": "sc", "modifiersymbol": "sk", "othersymbol": "so", "separator": "z", "spaceseparator": "zs",
    "lineseparator": "zl", "paragraphseparator": "zp", "other": "c", "control": "cc", "format": "cf",
    "unassigned": "cn", "privateuse": "co", "digit": "nd", "punct": "p", "cntrl": "cc",
  ]

  /// The set that `\p{name}` stands for.
  static func item(named name: String) -> ScalarSet.Item? {
    var key = name.lowercased().filter { $0 != "_" && $0 != "-" && $0 != " " }
    for prefix in ["generalcategory=", "gc=", "script=", "sc="] where key.hasPrefix(prefix) {
      key.removeFirst(prefix.count)
    }
    key = categoryNames[key] ?? key
    if key == "l&" || key == "lc" { return .categories(mask { ["lu", "ll", "lt"].contains($0) }) }
    if key.count <= 2 {
      let mask = mask { $0 == key || (key.count == 1 && $0.hasPrefix(key)) }
      if mask != 0 { return .categories(mask) }
    }
    switch key {
    case "any": return .range(0, 0x10FFFF)
    case "alphabetic", "alpha": return .flags(alphabetic)
    case "uppercase", "upper": return .flags(upper)
    case "lowercase", "lower": return .flags(lower)
    case "whitespace", "space": return .flags(space)
    case "word": return .flags(word)
    case "ascii": return .range(0, 0x7F)
    default: break
    }
    return scriptNames.firstIndex(of: key).map { .script(UInt8($0 + 1)) }
  }

  private static func mask(_ condition: (String) -> Bool) -> UInt32 {
    GeneralCategory.allCases.reduce(0) { $0 | (condition("\($1)") ? 1 << UInt32($1.rawValue) : 0) }
  }
}

extension ScalarClasses {
  /// Unpacks runs: the distance to the run before in hexadecimal digits, then a letter that names the value.
  init(packed text: String) {
    var starts: [(scalar: UInt32, value: UInt8)] = []
    var scalar: UInt32 = 0
    var distance: UInt32 = 0
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39: distance = distance << 4 | UInt32(byte - 0x30)
      case 0x61...0x66: distance = distance << 4 | UInt32(byte - 0x57)
      default:
        scalar += distance
        distance = 0
        // Capital letters from G on come first, then small ones.
        starts.append((scalar, byte < 0x60 ? byte - 0x47 : byte - 0x67 + 20))
      }
    }
    self.init(starts: starts)
  }
}

/// A set of scalars, as written in brackets.
struct ScalarSet: Sendable, Equatable {
  indirect enum Item: Sendable, Equatable {
    case range(UInt32, UInt32)
    /// Bit n for the general category n.
    case categories(UInt32)
    case script(UInt8)
    case flags(UInt8)
    case nested(ScalarSet)
  }

  var items: [Item] = []
  /// A scalar must be in every one of these too.
  var intersections: [ScalarSet] = []
  var isNegated = false
  var ignoresCase = false
  /// Membership of the first 128 scalars, filled by ``prepare()``.
  private var ascii: (UInt64, UInt64) = (0, 0)

  init(_ items: [Item] = [], isNegated: Bool = false) {
    self.items = items
    self.isNegated = isNegated
  }

  mutating func prepare() {
    ascii = (0, 0)
    for scalar in 0..<UInt32(64) {
      if slowContains(scalar) { ascii.0 |= 1 << UInt64(scalar) }
      if slowContains(scalar + 64) { ascii.1 |= 1 << UInt64(scalar) }
    }
  }

  @inline(__always)
  func contains(_ scalar: UInt32) -> Bool {
    if scalar < 64 { return ascii.0 >> UInt64(scalar) & 1 != 0 }
    if scalar < 128 { return ascii.1 >> UInt64(scalar - 64) & 1 != 0 }
    return slowContains(scalar)
  }

  private func slowContains(_ scalar: UInt32) -> Bool {
    var found = has(scalar)
    if !found, ignoresCase { found = CaseVariants.of(scalar).contains { has($0) } }
    return found != isNegated
  }

  private func has(_ scalar: UInt32) -> Bool {
    items.contains { item in
      switch item {
      case .range(let low, let high): low <= scalar && scalar <= high
      case .categories(let mask): mask >> UInt32(PatternClasses.categories[scalar]) & 1 != 0
      case .script(let script): PatternClasses.scripts[scalar] == script
      case .flags(let flag): PatternClasses.flags[scalar] & flag != 0
      case .nested(let inner): inner.slowContains(scalar)
      }
    } && intersections.allSatisfy { $0.slowContains(scalar) }
  }

  static func == (left: ScalarSet, right: ScalarSet) -> Bool {
    left.items == right.items && left.intersections == right.intersections && left.isNegated == right.isNegated
      && left.ignoresCase == right.ignoresCase
  }
}

/// The other scalars that a scalar equals when case is ignored.
enum CaseVariants {
  static func of(_ scalar: UInt32) -> [UInt32] {
    guard let value = Unicode.Scalar(scalar) else { return [] }
    var result: [UInt32] = []
    func add(_ text: String) {
      let scalars = text.unicodeScalars
      if scalars.count == 1, let first = scalars.first, first.value != scalar { result.append(first.value) }
    }
    add(value.properties.lowercaseMapping)
    add(value.properties.uppercaseMapping)
    // Long s, the Kelvin and the Angstrom sign fold to letters that do not map back to them.
    switch scalar {
    case 0x73, 0x53: result.append(0x17F)
    case 0x17F: result.append(0x73)
    case 0x6B, 0x4B: result.append(0x212A)
    case 0xE5, 0xC5: result.append(0x212B)
    default: break
    }
    return result
  }
}
