import Foundation
import TesseraPictures
import TesseraTensor

extension DataSet {
  /// The fixed test of scenes with boxes and questions; scenes for training, films and figures are drawn on the fly.
  public static let scenes = DataSet(
    name: "scenes", version: 1,
    summary: "Scenes of 64 x 64 pixels: one to five of twenty emoji on six grounds, with boxes and questions",
    licence: "pictures of Noto Color Emoji (OFL-1.1)", packages: DataSet.emoji.packages,
    splitRule: "Scenes for training come from other seeds than those of the test; both show the same twenty emoji.",
    build: { try SceneData.build($0) })
}

/// How `DataSet.scenes` is made.
enum SceneData {
  static func build(_ writer: DataWriter) throws {
    let sprites = try SpriteSet.emoji(writer.lab)
    let test = Scenes.test(sprites)
    try writer.write("kinds", lines: sprites.names)
    try writer.write("grounds", lines: Scenes.grounds.map(\.name))
    try writer.write("test-images", DataArray(test.flatMap(\.pixels), [test.count, 3, Scene.side, Scene.side]))
    try writer.write("test-grounds", DataArray(test.map { Int64($0.ground) }, [test.count]))
    let boxes = test.enumerated().flatMap { number, scene in
      scene.objects.map { [number, $0.kind, $0.x, $0.y, $0.width, $0.height].map(Int64.init) }
    }
    try writer.write("test-boxes", DataArray(boxes.flatMap { $0 }, [boxes.count, 6]))
    let exam = SceneExaminer(names: sprites.names).exam(test)
    let questions = exam.enumerated().flatMap { number, list in
      list.map { "\(number)\t\($0.topic.rawValue)\t\($0.words.joined(separator: " "))\t\($0.answer)" }
    }
    try writer.write("test-questions", lines: questions)
    writer.count("test", test.count, "scenes")
    writer.count("test", boxes.count, "things")
    writer.count("test", questions.count, "questions")

    try show("test-sample", test.prefix(48).map(\.pixels), columns: 12, "48 scenes of \(test.count)", writer)
    if let list = exam.first {
      writer.sample(
        "test",
        list.map { "\($0.words.joined(separator: " "))? \($0.answer)" }.joined(separator: "; ") + " (first scene)")
    }
    let film = MovingScenes(sprites, stream: RandomStream(seed: 2026).named("shown films"))[0]
    let length = film.pixels.count / MovingScene.frames
    let frames = (0..<MovingScene.frames).map { Array(film.pixels[$0 * length..<($0 + 1) * length]) }
    try show("film-sample", frames, columns: 8, "a film of sixteen frames, drawn on the fly", writer)
    let figures = StickFigures(stream: RandomStream(seed: 2026).named("shown figures"))
    let poses = (0..<3).flatMap { who in
      (0..<8).map { figures[who].draw(figures[who].pose(at: Double($0) / 8)) }
    }
    try show("figure-sample", poses, columns: 8, "three figures, eight poses of their walk each", writer)
  }

  /// Pictures of three planes, side by side in rows.
  private static func show(
    _ name: String, _ pictures: [[UInt8]], columns: Int, _ text: String, _ writer: DataWriter
  ) throws {
    let (side, area) = (Scene.side, Scene.side * Scene.side)
    let width = columns * side
    let rows = (pictures.count + columns - 1) / columns
    var bytes = [UInt8](repeating: 255, count: rows * side * width * 3)
    for (number, planes) in pictures.enumerated() {
      for place in 0..<area {
        let row = number / columns * side + place / side
        let column = number % columns * side + place % side
        for channel in 0..<3 { bytes[(row * width + column) * 3 + channel] = planes[channel * area + place] }
      }
    }
    let sheet = try Picture(width: width, height: rows * side, channels: 3, bytes: bytes)
    try writer.write("\(name).png", bytes: Data(sheet.encoded(as: .png)))
    writer.sample("test", text, file: "\(name).png")
  }
}
