import Foundation

/// How numbers are written for people: four significant digits, whole numbers as they are.
enum NumberText {
  /// One number. Large and small ones are written with a power of ten.
  static func of(_ value: Double) -> String { of(value, decimals: decimals(for: [value])) }

  /// Numbers that belong together, with the same number of decimals.
  static func of(_ values: [Double]) -> [String] {
    let decimals = decimals(for: values)
    return values.map { of($0, decimals: decimals) }
  }

  /// How many decimals show four significant digits of the largest number; none if all are whole; nil where a power of ten is
  /// needed.
  static func decimals(for values: [Double]) -> Int? {
    let finite = values.filter(\.isFinite)
    let largest = finite.map(abs).max() ?? 0
    if largest == 0 { return 0 }
    if finite.allSatisfy({ $0 == $0.rounded() }), largest < 1e9 { return 0 }
    if largest >= 1e7 || largest < 1e-4 { return nil }
    let whole = Int(log10(largest).rounded(.down))
    let most = max(0, min(3 - whole, 7))
    // Zeros that no number needs are left off.
    for decimals in 0..<most where finite.allSatisfy({ isWritten($0, decimals, like: most) }) { return decimals }
    return most
  }

  static func of(_ value: Double, decimals: Int?) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-∞" : "∞" }
    guard let decimals else { return value == 0 ? "0" : String(format: "%.3e", value) }
    let text = String(format: "%.\(decimals)f", value)
    // A rounded zero has no sign.
    return text.hasPrefix("-") && !text.contains(where: { ("1"..."9").contains($0) }) ? String(text.dropFirst()) : text
  }

  private static func isWritten(_ value: Double, _ decimals: Int, like most: Int) -> Bool {
    let few = String(format: "%.\(decimals)f", value)
    let many = String(format: "%.\(most)f", value)
    guard decimals > 0 else { return many == few + "." + String(repeating: "0", count: most) }
    return many == few + String(repeating: "0", count: most - decimals)
  }

  /// A number with its unit; a plain number has none.
  static func of(_ value: Double, _ unit: String) -> String { of(value) + (unit.isEmpty ? "" : " \(unit)") }

  /// `12.3 s`, `4 min 10 s`, `2 h 5 min`.
  static func seconds(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "unknown" }
    if seconds < 100 { return "\(of((seconds * 10).rounded() / 10)) s" }
    let whole = Int(seconds.rounded())
    if whole < 3600 { return "\(whole / 60) min" + (whole % 60 == 0 ? "" : " \(whole % 60) s") }
    return "\(whole / 3600) h" + (whole % 3600 / 60 == 0 ? "" : " \(whole % 3600 / 60) min")
  }
}
