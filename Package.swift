// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "Tessera",
  platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
  products: [
    .library(name: "TesseraText", targets: ["TesseraText"]),
    .library(name: "TesseraMeasure", targets: ["TesseraMeasure"]),
    .library(name: "TesseraTensor", targets: ["TesseraTensor"]),
    .library(name: "TesseraNN", targets: ["TesseraNN"]),
    .library(name: "TesseraPictures", targets: ["TesseraPictures"]),
    .library(name: "TesseraFonts", targets: ["TesseraFonts"]),
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
    .target(name: "TesseraMeasure", dependencies: ["TesseraText"], swiftSettings: strict),
    // The header and the loader of the table through which libtorch is reached; libtorch itself is needed only to run.
    .target(name: "CTorch", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(name: "TesseraTensor", dependencies: ["CTorch"], swiftSettings: strict),
    .target(name: "TesseraNN", dependencies: ["TesseraTensor", "TesseraText"], swiftSettings: strict),
    // Pictures, fonts, and sound go through the libraries every system has; each asks for its own development package, and only who imports
    // the small target around it needs them.
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"]), .brew(["webp"])]),
    .systemLibrary(
      name: "CFreeType", pkgConfig: "freetype2", providers: [.apt(["libfreetype-dev"]), .brew(["freetype"])]),
    .target(name: "TesseraPictures", dependencies: ["CPNG", "CTurboJPEG", "CWebP"], swiftSettings: strict),
    .target(name: "TesseraFonts", dependencies: ["CFreeType"], swiftSettings: strict),
    .systemLibrary(
      name: "CSndFile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"]), .brew(["libsndfile"])]),
    .target(name: "TesseraSound", dependencies: ["CSndFile"], swiftSettings: strict),
    .target(
      name: "TesseraLab",
      dependencies: [
        "TesseraText", "TesseraMeasure", "TesseraTensor", "TesseraNN", "TesseraPictures", "TesseraFonts",
        "TesseraSound",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "tessera",
      dependencies: [
        "TesseraText", "TesseraMeasure", "TesseraTensor", "TesseraNN", "TesseraLab",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "TesseraTextTests", dependencies: ["TesseraText", "tessera"], swiftSettings: strict),
    .testTarget(name: "TesseraMeasureTests", dependencies: ["TesseraMeasure", "TesseraText"], swiftSettings: strict),
    .testTarget(name: "TesseraTensorTests", dependencies: ["TesseraTensor"], swiftSettings: strict),
    .testTarget(
      name: "TesseraMediaTests", dependencies: ["TesseraPictures", "TesseraFonts", "TesseraSound"],
      swiftSettings: strict),
    .testTarget(
      name: "TesseraNNTests", dependencies: ["TesseraNN", "TesseraTensor"], swiftSettings: strict),
    .testTarget(
      name: "TesseraLabTests", dependencies: ["TesseraLab", "TesseraNN", "TesseraTensor"], swiftSettings: strict),
    .testTarget(
      name: "TesseraCommandTests", dependencies: ["tessera", "TesseraTensor", "TesseraNN", "TesseraLab"],
      swiftSettings: strict),
  ]
)

var strict: [SwiftSetting] {
  [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]
}
