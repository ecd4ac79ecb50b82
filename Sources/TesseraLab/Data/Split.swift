import TesseraText

/// The parts of a data set.
public enum Split: String, Sendable, CaseIterable {
  case train, validation, test

  /// Where everything that has this key goes: the same in every data set and every language, whatever else there is.
  ///
  /// A key names a source (a page, a sentence, a package), never an item, so that near-duplicates stay together.
  /// - Parameters:
  ///   - test: hundredths of the keys that go to the test
  ///   - validation: hundredths that go to validation
  static func of(_ key: String, test: UInt64 = 8, validation: UInt64 = 4) -> Split {
    let place = mixed(key) % 100
    return place < test ? .test : place < test + validation ? .validation : .train
  }

  /// A number that looks random and hangs on the key alone.
  static func mixed(_ key: String) -> UInt64 {
    SplitMix64.mixed(Checksum(key.utf8).value)
  }
}
