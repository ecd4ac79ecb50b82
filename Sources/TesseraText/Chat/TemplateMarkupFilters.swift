/// The filters that deal with HTML and addresses.
extension TemplateFilters {
  private static let escape: Filter = { value, call, _ in
    _ = try call.bound("escape", [])
    return .string(try value.printed().escapedForHTML)
  }

  static let markupFilters: [String: Filter] = [
    "escape": escape, "e": escape,
    "forceescape": { value, call, _ in
      _ = try call.bound("forceescape", [])
      return .string(try value.printed().plain.escapedForHTML)
    },
    "safe": { value, call, _ in
      _ = try call.bound("safe", [])
      return .string(TemplateText(try value.printed().scalars, markup: true))
    },
    "striptags": { value, call, _ in
      _ = try call.bound("striptags", [])
      return .string(try value.printed().withoutTags)
    },
    "urlencode": { value, call, evaluator in
      _ = try call.bound("urlencode", [])
      return .string(try urlEncoded(value, evaluator))
    },
    "xmlattr": { value, call, _ in
      let addsSpace = try call.bound("xmlattr", ["autospace"])[0]?.isTrue ?? true
      guard case .dict(let dict) = value else { throw TemplateFault.type("'xmlattr' needs a dict") }
      var result: [Unicode.Scalar] = []
      for (key, value) in dict.entries where !value.isNone && !value.isUndefined {
        let name = try TemplateStringMethods.text(key)
        guard
          !name.scalars.contains(where: {
            $0.isASCII && ($0.value == 0x20 || (9...13).contains($0.value)) || "/>=".unicodeScalars.contains($0)
          })
        else { throw TemplateFault.type("the name of an attribute contains a character that is not allowed") }
        if !result.isEmpty { result.append(" ") }
        result += name.escapedForHTML.scalars + ["=", "\""]
        result += try value.printed().escapedForHTML.scalars + ["\""]
      }
      if addsSpace, !result.isEmpty { result.insert(" ", at: 0) }
      return .string(TemplateText(result))
    },
  ]

  private static func urlEncoded(_ value: TemplateValue, _ evaluator: TemplateEvaluator) throws -> TemplateText {
    var pairs: [TemplateValue] = []
    switch value {
    case .string(let text): return quoted(text, inQuery: false)
    case .dict(let dict): pairs = try dict.entries.map { try .tuple([$0.key, $0.value]) }
    default:
      guard try value.iterator() != nil else { return quoted(try value.printed(), inQuery: false) }
      pairs = try evaluator.elements(of: value)
    }
    var result: [Unicode.Scalar] = []
    for pair in pairs {
      let items = try evaluator.elements(of: pair)
      guard items.count == 2 else { throw TemplateFault.type("'urlencode' needs pairs") }
      if !result.isEmpty { result.append("&") }
      result += quoted(try items[0].printed(), inQuery: true).scalars + ["="]
      result += quoted(try items[1].printed(), inQuery: true).scalars
    }
    return TemplateText(result)
  }

  private static func quoted(_ text: TemplateText, inQuery: Bool) -> TemplateText {
    let hex = Array("0123456789ABCDEF".unicodeScalars)
    var result: [Unicode.Scalar] = []
    for byte in text.string.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2E, 0x2D, 0x7E: result.append(Unicode.Scalar(byte))
      case 0x2F where !inQuery: result.append("/")
      case 0x20 where inQuery: result.append("+")
      default: result += ["%", hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      }
    }
    return TemplateText(result)
  }
}

extension TemplateText {
  /// The text without comments and tags, with single spaces and with entities as characters.
  fileprivate var withoutTags: TemplateText {
    let kept = removing(open: "<!--", close: "-->").removing(open: "<", close: ">")
    let words = kept.words(-1).map { Array($0) }
    return TemplateText(Array(words.joined(separator: [" "]))).unescapedFromHTML
  }

  private func removing(open: String, close: String) -> TemplateText {
    let (open, close) = (Array(open.unicodeScalars), Array(close.unicodeScalars))
    var result: [Unicode.Scalar] = []
    var at = 0
    while let start = firstIndex(of: open, in: at..<count),
      let end = firstIndex(of: close, in: start..<count)
    {
      result += scalars[at..<start]
      at = end + close.count
    }
    return TemplateText(result + scalars[at...])
  }

  private var unescapedFromHTML: TemplateText {
    let entities: [(String, Unicode.Scalar)] = [
      ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&amp;", "&"),
      ("&nbsp;", "\u{A0}"),
    ]
    var result: [Unicode.Scalar] = []
    var at = 0
    while at < count {
      if scalars[at] == "&",
        let entity = entities.first(where: { matches(Array($0.0.unicodeScalars), at: at) })
      {
        result.append(entity.1)
        at += entity.0.unicodeScalars.count
      } else {
        result.append(scalars[at])
        at += 1
      }
    }
    return TemplateText(result)
  }
}
