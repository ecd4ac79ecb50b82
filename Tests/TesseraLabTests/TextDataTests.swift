import Foundation
import TesseraText
import Testing

@testable import TesseraLab

@Suite struct MarkupTextTests {
  private func blocks(_ html: String) -> [MarkupText.Block] { MarkupText(Array(html.utf8)).blocks }

  @Test("blocks end where block elements begin or end, and inline elements do not cut")
  func blocks() {
    #expect(
      blocks("<body><h2>1. A\n  title</h2><div>One <b>bold</b> word<p>Two</p>three</div></body>") == [
        .init(kind: .heading, text: "1. A title"), .init(kind: .paragraph, text: "One bold word"),
        .init(kind: .paragraph, text: "Two"), .init(kind: .paragraph, text: "three"),
      ])
  }

  @Test("references become characters, hints and unknown ones stay out of words")
  func references() {
    #expect(
      blocks("<p>a&lt;b&#x20AC;&#228;&amp;&nbsp;c &unknown; so&#173;ft</p>").first?.text == "a<b€ä& c &unknown; soft")
  }

  @Test("navigation, scripts and heads are left out, nested elements of the same name included")
  func silence() {
    let html = """
      <head><title>no</title></head><div id="banner"><div>no</div>no</div><p>yes</p><ul class="docnav"><li><ul></ul>no</li></ul>
      <script>if (a < b) no()</script><a class="indexterm"></a><p>and yes</p><!-- <p>no</p> -->
      """
    #expect(blocks(html).map(\.text) == ["yes", "and yes"])
  }

  @Test("code keeps its lines, a row of a table is one block")
  func codeAndTables() {
    #expect(blocks("<pre>\n$ ls\n  a\n</pre>") == [.init(kind: .code, text: "$ ls\n  a")])
    #expect(
      blocks("<table><tr><td><p>a</p></td><td>b</td></tr><tr><td>c</td></tr></table>").map(\.text) == ["a | b", "c"])
  }

  @Test("cut and broken pages end without harm")
  func broken() {
    let page = "<div class=\"x\"><p>one &amp; two</p><pre>three</pre><td>four</td></div><!-- five -->"
    for count in 0...page.utf8.count { _ = MarkupText(Array(page.utf8.prefix(count))).blocks }
    #expect(blocks("a < b <> </ <p").first?.text.hasPrefix("a") == true)
    #expect(MarkupText([0x3C, 0xFF, 0x80, 0x26, 0x23, 0x3B]).blocks.count <= 1)
  }
}

@Suite struct RoffTextTests {
  @Test("paragraphs are joined, fonts vanish, characters appear")
  func text() throws {
    let page = #"""
      .TH LS 1 "date"
      .SH NAME
      ls \- list \(lqdirectory\(rq contents
      .SH DESCRIPTION
      .B \-a
      shows
      .BR dot (1)
      files
      .PP
      \fB\s-1Second\s0\fP para\c
      graph \[u00E4]\e
      """#
    let roff = try #require(RoffText(page))
    #expect(
      roff.lines == [
        "NAME", "ls - list “directory” contents", "DESCRIPTION", "-a shows dot(1) files", "Second paragraph ä\\",
      ])
  }

  @Test("terms stand alone, examples keep their lines, tables and definitions are left out")
  func structure() throws {
    let page = #"""
      .TP
      \fB\-q\fR
      be quiet
      .EX
      a  b
        c
      .EE
      .TS
      hidden
      .TE
      .de XX
      hidden
      ..
      .ie n \{\
      hidden
      .\}
      .el hidden
      .\" hidden
      shown
      """#
    #expect(try #require(RoffText(page)).lines == ["-q", "be quiet", "a  b", "  c", "shown"])
  }

  @Test("pointers to other pages and other macros give nothing, and cut pages no crash")
  func refusals() {
    #expect(RoffText(".so man1/ls.1") == nil)
    #expect(RoffText(".Dd May 1\n.Sh NAME") == nil)
    let page = #".B "a ""b" \(bu\[u41]\*(Aq\n(.g\h'3'\f[CR]x\" end"#
    for count in 0...page.count { _ = RoffText(String(page.prefix(count))) }
    #expect(RoffText.arguments(#"B "a ""b" c\ d"#) == ["B", "a \"b", #"c\ d"#])
  }
}

@Suite struct TextDataTests {
  @Test("a line is kept once, and documents of which little is left are dropped")
  func repetition() {
    var seen: Set<String> = ["known"]
    let documents = [
      TechnicalText.Document(key: "a", lines: ["known", "one", "two"]),
      TechnicalText.Document(key: "b", lines: ["one", "two", "3"]),
    ]
    #expect(
      TechnicalText.withoutRepetition(documents, seen: &seen, least: 5) == [.init(key: "a", lines: ["one", "two"])])
  }

  @Test("pages of one word stand on one side, whatever the language")
  func families() {
    #expect(TechnicalText.family(of: "manual/iso_8859-1.7") == TechnicalText.family(of: "manual/ISO-15.7"))
    #expect(TechnicalText.family(of: "handbook/a-b") != TechnicalText.family(of: "handbook/a-c"))
    let sides = (0..<10_000).map { Split.of("key \($0)") }
    #expect((700...900).contains(sides.count { $0 == .test }))
    #expect((320...480).contains(sides.count { $0 == .validation }))
  }

  @Test("paragraphs are paired by place; equal ones count as not translated, repeated ones are dropped")
  func alignment() {
    func page(_ texts: [String]) -> [MarkupText.Block] { texts.map { .init(kind: .paragraph, text: $0) } }
    var seen: Set<String> = []
    let rows = ParallelText.aligned(
      [page(["one", "same", "one"]), page(["eins", "same", "eins"]), page(["un"])], key: "k", seen: &seen)
    #expect(rows == [.init(key: "k", texts: ["one", "eins", ""])])
  }

  @Test("catalogues of gettext are read in both byte orders, cut ones are refused")
  func catalogue() throws {
    func file(little: Bool) -> [UInt8] {
      func number(_ value: UInt32) -> [UInt8] {
        let bytes = (0..<4).map { UInt8(value >> (8 * $0) & 0xFF) }
        return little ? bytes : bytes.reversed()
      }
      let header = [0x9504_12DE, 0, 1, 28, 36, 0, 0, 3, 44, 4, 48].flatMap { number(UInt32($0)) }
      return header + Array("one\0eins".utf8)
    }
    for little in [true, false] {
      let bytes = file(little: little)
      #expect(try MessageCatalogue(bytes, "x").messages == ["one": "eins"])
      for count in 0..<bytes.count {
        #expect(throws: LabError.self) { try MessageCatalogue(Array(bytes.prefix(count)), "x") }
      }
    }
  }

  @Test("the grammar has 36 words, its sentences differ, and every word is spoken in training")
  func grammar() {
    let sentences = SpokenGrammar.sentences(200)
    #expect(Set(SpokenGrammar.words).count == 36)
    #expect(Set(sentences).count == 200)
    let spoken = Set(
      sentences.indices.filter { SpokenGrammar.split($0) == .train }.flatMap { sentences[$0].split(separator: " ") })
    #expect(spoken == Set(SpokenGrammar.words.map { $0[...] }))
    #expect(SpokenGrammar.sentences(3) == Array(sentences.prefix(3)))
  }

  @Test("samples of 16 bits come back from a data set's bytes")
  func samples() {
    let samples: [Float] = [0, 0.5, -1, 32_767 / 32_768, -1 / 32_768]
    #expect(SpeechData.samples(of: SpeechData.bytes(of: samples)) == samples)
    #expect(SpeechData.samples(of: [0]).isEmpty)
  }

  @Test("FASTA is read, planted motifs stand where the labels say")
  func genome() throws {
    #expect(try Genome.bases(of: Data(">x\nACGT\nnN\r\n".utf8)) == [0, 1, 2, 3, 0, 0])
    #expect(throws: LabError.self) { try Genome.bases(of: Data("AC!".utf8)) }
    var random = SplitMix64(seed: Split.mixed("test"))
    let chain = Genome.Chain([0, 1, 2, 3, 0, 1, 2, 3])
    let motif: [UInt8] = [3, 3, 3, 0, 0, 0, 3, 3, 3, 0, 0, 0]
    var (same, all) = (0, 0)
    for _ in 0..<50 {
      let (bases, labels) = Genome.planted([motif], length: 64, chain, &random)
      let start = try #require(labels.firstIndex(of: 1))
      for offset in motif.indices { (same, all) = (same + (bases[start + offset] == motif[offset] ? 1 : 0), all + 1) }
    }
    #expect(Double(same) / Double(all) > 0.85)
  }

  @Test("bytes by frequency need the entropy of the text they come from")
  func frequencies() {
    let text = [[UInt8](repeating: 1, count: 100_000), [UInt8](repeating: 2, count: 100_000)]
    #expect(abs(LanguageModelRecipe.frequencyBits(text, text) - 1) < 0.01)
  }
}
