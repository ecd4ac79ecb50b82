// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "Tessera",
  platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
  products: [
    .library(name: "TesseraText", targets: ["TesseraText"]),
    .library(name: "TesseraTensor", targets: ["TesseraTensor"]),
    .library(name: "TesseraNN", targets: ["TesseraNN"]),
    .library(name: "TesseraSound", targets: ["TesseraSound"]),
    .library(name: "TesseraLab", targets: ["TesseraLab"]),
    .executable(name: "tessera", targets: ["tessera"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    // The builtin module gives the one vector instruction that has no public spelling; without it the same is done in words.
    .target(name: "TesseraText", swiftSettings: strict + [.enableExperimentalFeature("BuiltinModule")]),
    // The header and the loader of the table through which libtorch is reached; libtorch itself is needed only to run.
    .target(name: "CTorch", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(name: "TesseraTensor", dependencies: ["CTorch"], swiftSettings: strict),
    .target(name: "TesseraNN", dependencies: ["TesseraTensor", "TesseraText"], swiftSettings: strict),
    // Reading and writing of sound; a build without the library names its package.
    .systemLibrary(
      name: "CSndFile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"]), .brew(["libsndfile"])]),
    .target(name: "TesseraSound", dependencies: ["CSndFile"], swiftSettings: strict),
    .target(
      name: "TesseraLab", dependencies: ["TesseraText", "TesseraTensor", "TesseraNN", "TesseraSound"],
      swiftSettings: strict),
    .executableTarget(
      name: "tessera",
      dependencies: [
        "TesseraText", "TesseraTensor", "TesseraNN", "TesseraLab",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "TesseraTextTests", dependencies: ["TesseraText", "tessera"], swiftSettings: strict),
    .testTarget(name: "TesseraTensorTests", dependencies: ["TesseraTensor"], swiftSettings: strict),
    .testTarget(name: "TesseraMediaTests", dependencies: ["TesseraSound"], swiftSettings: strict),
    .testTarget(
      name: "TesseraNNTests", dependencies: ["TesseraNN", "TesseraTensor", "tessera"], swiftSettings: strict),
    .testTarget(
      name: "TesseraLabTests", dependencies: ["TesseraLab", "TesseraNN", "TesseraTensor", "tessera"],
      swiftSettings: strict),
  ]
)

var strict: [SwiftSetting] {
  [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]
}
