import Foundation
import TesseraText
import Testing

@testable import TesseraLab

@Suite("Texts and numbers of a report")
struct ReportTextTests {
  @Test("what is put into markup is escaped, markup itself is not")
  func escaping() {
    let name = "<b title=\"x\">'&'</b>"
    let cell: Markup = "<td>\(name)</td>"
    #expect(cell.source == "<td>&lt;b title=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/b&gt;</td>")
    #expect(("<p>\(cell)</p>" as Markup).source == "<p>\(cell.source)</p>")
    #expect(Markup(text: "a\u{0}b\u{1B}\u{FFFE}\n").source == "a\u{FFFD}b\u{FFFD}\u{FFFD}\n")
  }

  @Test(
    "numbers have four significant digits, whole ones none behind the point",
    arguments: [
      (0, "0"), (3038, "3038"), (0.92307, "0.9231"), (12.7, "12.7"), (-0.00001, "-1.000e-05"), (1234.56, "1235"),
      (0.5, "0.5"), (1.5e22, "1.500e+22"), (Double.nan, "NaN"), (-Double.infinity, "-∞"), (123_456_789, "123456789"),
    ])
  func numbers(value: Double, text: String) { #expect(NumberText.of(value) == text) }

  @Test("numbers that belong together have the same number of decimals")
  func together() {
    #expect(NumberText.of([0.5, 0.25, 1]) == ["0.50", "0.25", "1.00"])
    #expect(NumberText.of([10, 2, .nan]) == ["10", "2", "NaN"])
    #expect(NumberText.of([-0.0001, 5.123]) == ["0.000", "5.123"])
  }

  @Test("durations are read at a glance")
  func durations() {
    #expect(
      [0.04, 12.34, 90, 130, 3600, 7300, -1, .nan].map(NumberText.seconds) == [
        "0 s", "12.3 s", "90 s", "2 min 10 s", "1 h", "2 h 1 min", "unknown", "unknown",
      ])
  }

  @Test("a table is aligned, folded in its last column, and the same in Markdown")
  func table() {
    var table = TextTable([.init("name"), .init("rate", unit: "kB/s", side: .right), .init("what")])
    table.add("東京", "12", "one two\nthree four five six")
    table.add("a|b")
    #expect(
      table.text(width: 41) == """
        name  rate (kB/s)  what
        ----  -----------  ----------------------
        東京           12  one two three four
                           five six
        a|b
        """)
    #expect(
      table.markdown == """
        | name | rate (kB/s) | what |
        |---|---:|---|
        | 東京 | 12 | one two three four five six |
        | a\\|b |  |  |
        """)
    #expect(TextTable([]).text() == "")
    #expect(TextTable.fold("abcdefgh ij", 4) == ["abcd", "efgh", "ij"])
  }
}

@Suite("Scales of charts")
struct ScaleTests {
  @Test("ticks are round and lie inside the domain")
  func ticks() {
    let scale = Scale([0.13, 0.92])
    #expect(scale.domain == 0...1)
    #expect(scale.labels == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(scale.position(0.25) == 0.25)
    #expect(Scale([12_000, 48_000]).labels == ["10k", "20k", "30k", "40k", "50k"])
  }

  @Test("a logarithmic scale marks equal factors")
  func logarithmic() {
    let scale = Scale([1, 1000], isLogarithmic: true)
    #expect(scale.ticks == [1, 10, 100, 1000])
    #expect(abs((scale.position(10) ?? 0) - 1.0 / 3) < 1e-12)
    #expect(scale.position(0) == nil && scale.position(-1) == nil)
    #expect(Scale([1, 10], isLogarithmic: true).labels == ["1", "2", "5", "10"])
    #expect(Scale([1, 100], isLogarithmic: true).labels == ["1", "3", "10", "30", "100"])
    #expect(!Scale([-1, 0], isLogarithmic: true).isLogarithmic)
  }

  @Test("any numbers make a scale with two ends and room for few ticks")
  func anything() {
    let lists: [[Double]] = [
      [], [.nan], [0], [5], [-5], [.leastNonzeroMagnitude], [1e300, -1e300], [.infinity, 1], [1e-200, 1e200],
      [1, 1 + 1e-15],
      [0, 1e-308],
    ]
    var stream = SystemRandomNumberGenerator()
    let random = (0..<200).map { _ in
      (0..<3).map { _ in Double(bitPattern: UInt64.random(in: 0...(.max), using: &stream)) }
    }
    for values in lists + random {
      for isLogarithmic in [false, true] {
        for isTight in [false, true] {
          let scale = Scale(values, isLogarithmic: isLogarithmic, isTight: isTight)
          #expect(scale.domain.lowerBound < scale.domain.upperBound, "\(values)")
          #expect(scale.ticks.count <= 20 && scale.ticks.count == scale.labels.count, "\(values)")
          #expect(
            scale.ticks.allSatisfy { (-1e-6...1 + 1e-6).contains(scale.position($0) ?? -1) },
            "\(values) \(isLogarithmic)")
        }
      }
    }
  }
}

@Suite("Charts")
struct ChartTests {
  let step = Curve.Axis("step")

  @Test("a line is the mean over its runs, a band their range")
  func line() {
    let chart = LineChart(
      title: "T", x: step, y: .init("loss", "nats"),
      series: [.init("a", [[[0, 0], [10, 1]], [[0, 0], [10, 0.5]]])])
    let svg = chart.svg(styled: false)
    #expect(svg.contains("<polyline class=\"line s0\" points=\"28.16,230 417.28,80\"><title>a</title></polyline>"))
    #expect(svg.contains("<polygon class=\"band s0\" points=\"28.16,230 417.28,30 417.28,130 28.16,230\"/>"))
    #expect(svg.contains("class=\"name\" text-anchor=\"start\">loss (nats)</text>"))
    #expect(
      svg.contains("<title>T</title><desc>Line chart: loss (nats) over step, mean of 2 seeds with their range; a: "))
    #expect(chart.summary.hasSuffix("a: from 0 at 0 to 0.75 at 10 (0.5 to 1)."))
    #expect(chart.omitted == 0)
    #expect(chart.table.rows == [["a", "0", "0", "0", "0"], ["a", "10", "0.75", "0.50", "1.00"]])
  }

  @Test("runs with points at different places are read in between")
  func between() {
    let chart = LineChart(title: "", x: step, y: step, series: [.init("a", [[[0, 0], [4, 4]], [[2, 0]]])])
    #expect(chart.means[0].map(\.mean) == [0, 1, 4])
    #expect(chart.means[0].map(\.high) == [0, 2, 4])
  }

  @Test("points without a number break the line and are counted")
  func holes() {
    let points = [[0, 1], [1, 2], [2, .nan], [3, 4], [4, .infinity], [5, 1], [6, 1], [1, 2, 3], [.nan, 0]]
    let chart = LineChart(title: "", x: step, y: step, series: [.init("a", [points])])
    #expect(chart.omitted == 4)
    let svg = chart.svg(styled: false)
    #expect(svg.components(separatedBy: "<polyline").count == 3)
    #expect(svg.components(separatedBy: "<circle").count == 6)
    let logarithmic = LineChart(
      title: "", x: step, y: .init("", isLogarithmic: true),
      series: [.init("a", [[[0, 1], [1, 0], [2, -1], [3, 10]]])])
    #expect(logarithmic.omitted == 2)
  }

  @Test("nothing, one point and a hundred lines can be drawn")
  func extremes() throws {
    for count in [0, 1, 6, 7, 100] {
      let series = (0..<count).map { LineChart.Series("line \($0)", [[[0, Double($0)], [1, Double($0)]]]) }
      let svg = LineChart(title: "", x: step, y: step, series: series).svg()
      try wellFormed(svg)
      #expect(svg.contains("no points") == (count == 0))
      #expect(svg.contains("class=\"direct") == (1...6).contains(count), "\(count)")
      #expect(svg.contains("90 others") == (count == 100))
    }
    let one = LineChart(title: "", x: step, y: step, series: [.init("a", [[[5, 2.5]], [[5, 3.5]]])]).svg()
    #expect(one.contains("<circle") && one.contains("class=\"line s0\""))
    let dense = LineChart(title: "", x: step, y: step, series: [.init("a", [(0..<100_000).map { [Double($0), 1] }])])
    #expect(dense.svg().utf8.count < 20_000)
    #expect(dense.means[0].first?.x == 0 && dense.means[0].last?.x == 99_999)
  }

  @Test("a bar reaches from zero to the mean and shows its seeds and bounds")
  func bars() throws {
    let chart = BarChart(
      title: "B", unit: "s",
      bars: [
        .init("a", [1, 3], bounds: [.init(isLower: true, value: 1.5)]), .init("b", [-3], .baseline), .init("c", [.nan]),
      ])
    let svg = chart.svg(styled: false)
    try wellFormed(svg)
    // From -4 to 4: two seconds more than zero are a quarter of 422 units.
    #expect(svg.contains("<rect class=\"bar s0\" x=\"215\" y=\"27\" width=\"105.5\" height=\"10\"/>"))
    #expect(svg.contains("<rect class=\"bar rest\" x=\"56.75\" y=\"67\" width=\"158.25\" height=\"10\"/>"))
    #expect(svg.components(separatedBy: "<circle class=\"seed\"").count == 3)
    #expect(svg.contains("<title>at least 1.5</title>"))
    #expect(chart.summary == "Bar chart; a: 2 s (1 to 3), at least 1.5 demanded; b (baseline): -3 s; c: NaN.")
  }

  @Test("bars of one unit share an axis unless some would vanish")
  func groups() {
    let bars: [(unit: String, bar: BarChart.Bar)] = [
      ("", .init("a", [0.9])), ("s", .init("b", [3])), ("", .init("c", [0.1])), ("", .init("d", [1300])),
      ("", .init("e", [.nan])),
    ]
    let groups = RecordSection.groups(bars)
    #expect(groups.map { "\($0.unit):" + $0.bars.map(\.name).joined() } == [":ace", ":d", "s:b"])
  }

  @Test("names that are markup stay text in drawings")
  func hostile() throws {
    let evil = ReportFixtures.evil
    let line = LineChart(
      title: evil, x: .init(evil), y: .init(evil, evil), series: [.init(evil, [[[0, 1], [1, 2]]])])
    for svg in [line.svg(), BarChart(title: evil, unit: evil, bars: [.init(evil, [1, 2])]).svg()] {
      try wellFormed(svg)
      #expect(!svg.contains("<script"))
    }
  }

  /// Every tag is closed in its turn, and no attribute or text holds a bare angle.
  func wellFormed(_ svg: String) throws {
    var open: [Substring] = []
    var rest = svg[...]
    while let start = rest.firstIndex(of: "<") {
      let end = try #require(rest[start...].firstIndex(of: ">"))
      let tag = rest[rest.index(after: start)..<end]
      try #require(!tag.contains("<"))
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("/") {
        #expect(open.popLast() == tag.dropFirst())
      } else if !tag.hasSuffix("/") {
        open.append(tag.prefix { $0 != " " })
      }
    }
    #expect(open.isEmpty)
    #expect(!svg.contains("nan") && !svg.contains("inf\""))
  }
}
