// Made by Scripts/make_pattern_tables.py. Do not edit.

/// What Rust answers for each property of scalars.
///
/// A number is written in base 32, lowest digit first; letters from the second half of the alphabet mean that more
/// digits follow. Properties are runs: gap, length - 1. Partitions are runs: length - 1, index + 1.
enum RustTables {
  static let categories = OnigurumaTables.categories
  static let scriptNames = OnigurumaTables.scriptNames
  static let scripts = OnigurumaTables.scripts
  static let properties: [String: String] = [
    "\\w": """
    wBJHZEABZvBAKAEAFWBeBpOELOEHABAR0DBBCDBAGABCBABTByCBqEBsFBlBCAGoBIsBBABBBBBAIaEDdKFpCElDBHCJBSCAQ6BCkDO1BEACACtB\
    SbEKFXBFIqCBgECJBSBHCBCVBGBADDCICBCDIAEBBECLKABACCBFEBCVBGBBBBBBCABEEBCCDAHDBAHPLCBIBCBVBGBBBECJBCBCCAPDCJJGBCBH\
    CBCVBGBBBECICBCCHCEBBECJBAQBBFDCBDDBBABBDBDCDLEEDCBDCAGAOJQMBCBWBPCIBCBDHBBCCACDCJQDBHBCBWBJBECIBCBDHBGBBDCJBCMM\
    BCByBBCBEFDHECJKFBCBRDXBIBACGDAEFBABHGJCBN5BFOBJnBBBABEBXBABWCEBABGBJCDgBAXBGJLABABAEJBjBETBRBjBJA5BpCGtCClBBAFA\
    CqBBsKBDCGBABDCoBBDCgBBDCGBABDCOB4BBDCiCCCgBPQ1CCFDrTCQBZFqCDKHVJVLTMMBCBBMzCDAEBCJhBCBKG4CHqBFlCKeBLELKnBCELrBE\
    ZGJmBbE+BBcCKGJNAIexBsCDJRIMzDM3BIJDwBCKFqBCCQCBmBF1QCFClBCFCHBABABABeC0BBGBADCBGDDCFEMFCBGPBxBBTAcANAQMzBgBRAEA\
    CJBADEGABABABDBKCDFEEARoBtZzB24BkHGIMlBBAFAC3BHAPXJGBGBGBGBGBGBGBGBfvBA1OCZOBECEE1CCBCCB5CBDFqBB9CRfwBPgQ-tGgCs0\
    VjCtBCsIDbUyBBJByDlBICmDCiCCBBABHV1BEATzBMlCKJGXDABwBCjBMcDgCOKGeB2BJNCJGWDoCYCCPCEKFCFCFJGBGBqBBNG6DBBCJGj9KMWE\
    wBkoItLCpDmBGMEFLBMBEBABBBBBrDhBqLS-BC1BoBLEPQPDBYCgBEBmETJHZEABZL4CDFCFCFCCjBLBZBSBBBOCNiB6DlC0BoEAiEcDwBPAffNd\
    FqBFdCjBEHBEqB9ECJGjBEjBEnBIzBMKBOBGBBBKBOBGBBDzBM2JJVKHYFBpBBIlCFCABrBBBDACWKWJehCSBBKVKZmC3BGBgCDBBFHBCBcCCEAg\
    BcDcjBHBdZ1BKVKSNRuDoC3ByBNyBNnBIJGlBDEBW6HpBBBDBQC3BgBKAIgBfVqBUbWJmCfPJ7BHANYHJG0BBJEDIjBCAJkCEDBMBAjBRBkBGD+B\
    GBABDBOBJH6BFJGDBHCBCVBGBBBEBJCBCCCAGAFGCGDELJBACABlBBJBACABDBHNBdqCFJEDelCBAIJmF1BCIXFiBgCDALJmB4BHJGTcaCOEJGG5\
    F6BlDpCVHCACHBBBdBBCIMJmCHCtBCHBBb+BIAIpCDASoCnGgBPJGIBsBBIPJYdCVBNpCGBBBrBDABBBIIJGFBBBkBBBBFHJ2JWJQBoBDENK1CAv\
    C5cmDuDRjGsyCgDPvhBQVK68DFmS51G5Bm2B4RHeBJGuCBJGdCEL2BJDMJJUFSwNsBDJmG-BgEqCE4BHQgCBBBLBO3-FI1mBpBJn3IDBGBBBiJPA\
    dCCAODIrMkoCqDFMDIHJDBxiEJmQtBCW+QEDFIHCGeD0EC7N0CBmCBBCACBCDBLBABGBgCBDCHBGBbBDBEBADGBzKCYBYBeBYBeBYBeBYBeBYBHC\
    xBgQ2BExBIAOAWEBOwiBeGF1GGBQCGBBBEF9BhBAwDsBDNCJEAhKeR5B2OpB2GqBlPGBDBBBOBkGLGpBrCEJmlBDBaBBBACABJBDBABAGAEABABA\
    BCBBBACABABABABABBBACDBGBDBDBABJBQFCBEBQ0TZGZGZmzCJmgB-2pBgB5hEG9GCh0FOwpHPtTitC9QivBq6EF-iEwq3VvH
    """,
    "[\\w]": "=\\w",
    "\\s": "=",
    "[\\s]": "=",
    "\\d": "=",
    "[\\d]": "=",
    "\\h": "=",
    "[\\h]": "=",
    "alphabetic": "=",
    "uppercase": "=",
    "lowercase": "=",
    "whitespace": "=",
    "cased": "=",
    "caseignorable": "=",
    "math": "=",
    "dash": "=",
    "diacritic": "=",
    "extender": "=",
    "ideographic": "=",
    "unifiedideograph": "=",
    "hexdigit": "=",
    "joincontrol": "=",
    "quotationmark": "=",
    "radical": "=",
    "variationselector": "=",
    "defaultignorablecodepoint": "=",
    "noncharactercodepoint": "=",
    "idstart": "=",
    "idcontinue": "=",
    "xidstart": "=",
    "xidcontinue": "=",
    "graphemebase": "=",
    "graphemeextend": "=",
    "terminalpunctuation": "=",
    "sentenceterminal": "=",
    "emoji": "=",
    "emojipresentation": "=",
    "emojimodifier": "=",
    "emojimodifierbase": "=",
    "emojicomponent": "=",
    "extendedpictographic": "=",
  ]

  static let foldings = OnigurumaTables.foldings
}
