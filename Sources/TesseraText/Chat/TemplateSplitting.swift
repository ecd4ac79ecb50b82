/// Dividing a text into parts, as `split` and `rsplit` do; a negative limit means none.
extension TemplateText {
  /// The runs between white space; after `limit` of them the rest is one.
  func words(_ limit: Int) -> [ArraySlice<Unicode.Scalar>] {
    var result: [ArraySlice<Unicode.Scalar>] = []
    var at = 0
    while true {
      while at < count, scalars[at].isTemplateSpace { at += 1 }
      guard at < count else { return result }
      if limit >= 0, result.count == limit {
        return result + [scalars[at...]]
      }
      let start = at
      while at < count, !scalars[at].isTemplateSpace { at += 1 }
      result.append(scalars[start..<at])
    }
  }

  func wordsFromRight(_ limit: Int) -> [ArraySlice<Unicode.Scalar>] {
    var result: [ArraySlice<Unicode.Scalar>] = []
    var at = count
    while true {
      while at > 0, scalars[at - 1].isTemplateSpace { at -= 1 }
      guard at > 0 else { break }
      if limit >= 0, result.count == limit {
        result.append(scalars[..<at])
        break
      }
      let end = at
      while at > 0, !scalars[at - 1].isTemplateSpace { at -= 1 }
      result.append(scalars[at..<end])
    }
    return result.reversed()
  }

  func parts(_ separator: [Unicode.Scalar], _ limit: Int) -> [ArraySlice<Unicode.Scalar>] {
    var result: [ArraySlice<Unicode.Scalar>] = []
    var start = 0
    while limit < 0 || result.count < limit, let place = firstIndex(of: separator, in: start..<count) {
      result.append(scalars[start..<place])
      start = place + separator.count
    }
    return result + [scalars[start...]]
  }

  func partsFromRight(_ separator: [Unicode.Scalar], _ limit: Int) -> [ArraySlice<Unicode.Scalar>] {
    let reversed = TemplateText(scalars.reversed())
    return reversed.parts(separator.reversed(), limit).reversed().map { part in
      scalars[(count - part.endIndex)..<(count - part.startIndex)]
    }
  }
}

extension TemplateEvaluator {
  /// The text with the first `count` occurrences of `old` replaced; all of them when `count` is negative.
  func replacing(_ old: TemplateText, with new: TemplateText, in text: TemplateText, count: Int) throws -> TemplateText
  {
    var result: [Unicode.Scalar] = []
    var start = 0
    var left = count < 0 ? Int.max : count
    if old.isEmpty {
      let places = min(left, text.count + 1)
      let (grown, overflow) = new.count.multipliedReportingOverflow(by: places)
      try charge(scalars: overflow ? Int.max : grown + text.count)
      for (index, scalar) in text.scalars.enumerated() {
        if index < places { result += new.scalars }
        result.append(scalar)
      }
      if places > text.count { result += new.scalars }
      return TemplateText(result, markup: text.isMarkup)
    }
    while left > 0, let place = text.firstIndex(of: old.scalars, in: start..<text.count) {
      result += text.scalars[start..<place]
      result += new.scalars
      guard result.count <= limits.outputBytes else { try charge(scalars: result.count); break }
      start = place + old.count
      left -= 1
    }
    result += text.scalars[start...]
    try charge(scalars: result.count)
    return TemplateText(result, markup: text.isMarkup)
  }

  func joined(_ texts: [TemplateText], with separator: TemplateText) throws -> TemplateText {
    var result: [Unicode.Scalar] = []
    for (index, text) in texts.enumerated() {
      if index > 0 { result += separator.scalars }
      result += separator.isMarkup ? text.escapedForHTML.scalars : text.scalars
      if result.count > limits.outputBytes { break }
    }
    try charge(scalars: result.count)
    return TemplateText(result, markup: separator.isMarkup)
  }
}
