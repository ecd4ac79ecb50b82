// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "Tessera",
  platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
  products: [
    .library(name: "TesseraText", targets: ["TesseraText"]),
    .executable(name: "tessera", targets: ["tessera"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    // The builtin module gives the one vector instruction that has no public spelling; without it the same is done in words.
    .target(name: "TesseraText", swiftSettings: strict + [.enableExperimentalFeature("BuiltinModule")]),
    .executableTarget(
      name: "tessera",
      dependencies: ["TesseraText", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: strict),
    .testTarget(
      name: "TesseraTextTests", dependencies: ["TesseraText", "tessera"], swiftSettings: strict),
  ]
)

var strict: [SwiftSetting] {
  [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]
}
