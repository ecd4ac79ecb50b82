extension DataSet {
  private static func pending(_ name: String) -> DataSet {
    DataSet(
      name: name, version: 0, summary: "", licence: "", packages: [DataPackage("pending", file: "/none")], splitRule: ""
    ) { _ in }
  }
  static let english = pending("english")
  static let code = pending("code")
  static let binaries = pending("binaries")
}
