import Testing

@testable import TesseraText

@Suite("Chat templates from strangers")
struct ChatLimitsTests {
  private func limited(_ source: String, _ context: JSON = [:], sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    let error = #expect(throws: TokenizerError.self, sourceLocation: sourceLocation) {
      var template = try ChatTemplate(source)
      template.limits.steps = 300_000
      template.limits.outputBytes = 1 << 18
      _ = try template.render(context)
    }
    #expect(error?.kind == .limitExceeded, "\(String(describing: error))", sourceLocation: sourceLocation)
  }

  @Test(
    "a template nested without end is refused, not followed",
    arguments: [
      ("(", ")"), ("[", "]"), ("{1:", "}"), ("-", ""), ("not ", ""), ("f(", ")"), ("a[", "]"), ("1 if 1 else ", ""),
      ("1+(", ")"), ("1 is in (", ")"), ("x|default(", ")"), ("1 == not ", ""),
    ])
  func deepExpressions(_ open: String, _ close: String) throws {
    for count in [101, open == "(" ? 1_000_000 : 10_000] {
      let source = "{{ " + String(repeating: open, count: count) + "1" + String(repeating: close, count: count) + " }}"
      #expect(throws: TokenizerError.self) { try ChatTemplate(source) }
      #expect(throws: TokenizerError.self) { try ChatTemplate(String(source.dropLast(count / 2))) }
    }
  }

  @Test(
    "chains of operators that would make a deep tree are refused",
    arguments: ["+1", "|upper", ".x", "()", " and 1", "**1", "[0]"])
  func longChains(_ link: String) throws {
    try limited("{{ 1" + String(repeating: link, count: 20_000) + " }}")
  }

  @Test("chains that stay flat are no problem", arguments: ["~1", ",1", " == 1"])
  func flatChains(_ link: String) throws {
    _ = try ChatTemplate("{{ 1" + String(repeating: link, count: 20_000) + " }}").render([:])
  }

  @Test(
    "blocks nested without end are refused",
    arguments: [
      "{% if 1 %}", "{% for i in [1] %}", "{% with %}", "{% macro f() %}", "{% set x %}", "{% filter upper %}",
      "{% call f() %}",
    ])
  func deepBlocks(_ open: String) throws {
    #expect(throws: TokenizerError.self) { try ChatTemplate(String(repeating: open, count: 10_000)) }
  }

  @Test("the deepest template that is accepted renders within the stack of a thread")
  func deepestAccepted() throws {
    for (open, close) in [("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("1+(", ")"), ("'a'|default(", ")")] {
      for count in stride(from: 20, through: 110, by: 5) {
        let source =
          "{{ " + String(repeating: open, count: count) + "1" + String(repeating: close, count: count) + " }}"
        _ = try? ChatTemplate(source).render([:])
      }
    }
    for open in ["{% if 1 %}|if", "{% for i in [1] %}|for", "{% with a = 1 %}|with", "{% filter upper %}|filter"] {
      let parts = open.split(separator: "|")
      for count in stride(from: 20, through: 110, by: 5) {
        let close = String(repeating: "{% end\(parts[1]) %}", count: count)
        _ = try? ChatTemplate(String(repeating: String(parts[0]), count: count) + "x" + close).render([:])
      }
    }
  }

  @Test("a macro that calls itself without end is stopped")
  func recursion() throws {
    try limited("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")
    try limited(
      "{% macro f(n) %}{% for i in [1] %}{% if true %}{{ f(n + 1)|upper }}{% endif %}{% endfor %}{% endmacro %}{{ f(0) }}"
    )
    try limited("{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}")
    try limited("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}")
    try limited("{% macro f() %}{% set x %}{{ f() }}{% endset %}{% endmacro %}{{ f() }}")
  }

  @Test("recursion as deep as templates need works")
  func usefulRecursion() throws {
    let source =
      "{% macro f(n) %}{% if n %}{% for i in [n] %}({{ f(n - 1) }}){% endfor %}{% endif %}{% endmacro %}{{ f(10) }}"
    let text = try ChatTemplate(source).render([:])
    #expect(text == String(repeating: "(", count: 10) + String(repeating: ")", count: 10))
  }

  @Test("loops without end are stopped")
  func steps() throws {
    let loops =
      String(repeating: "{% for i in range(100000) %}", count: 3) + String(repeating: "{% endfor %}", count: 3)
    try limited(loops)
    try limited("{% for i in range(99999) %}{% for j in range(99999) %}{{ j }}{% endfor %}{% endfor %}")
    try limited("{{ range(100001) }}")
    try limited("{{ range(-9223372036854775807, 9223372036854775807)|length }}")
  }

  @Test(
    "texts and lists that grow without end are stopped before memory is taken",
    arguments: [
      "{{ 'a' * 1000000000000 }}", "{{ [1] * 1000000000000 }}", "{{ (1,) * 9223372036854775807 }}",
      "{{ 'ab' * 9223372036854775807 }}", "{{ 'a'.center(1000000000) }}", "{{ 'a'.ljust(1000000000000) }}",
      "{{ 'a'.zfill(1000000000) }}", "{{ 'a'|center(1000000000) }}", "{{ 'a'|indent(1000000000) }}",
      "{{ '%1000000000d' % 1 }}", "{{ '%.1000000000f' % 1 }}", "{{ '%*d' % (1000000000, 1) }}",
      "{{ '{:1000000000}'.format(1) }}", "{{ '{:.1000000000f}'.format(1.5) }}", "{{ 'a\tb'.expandtabs(1000000000) }}",
      "{{ [1]|tojson(indent=1000000000) }}", "{{ [1]|batch(1000000000, 0)|list }}", "{{ [1]|slice(1000000000)|list }}",
      "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
      "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
      "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(100) %}{% set ns.s = ns.s.replace('a', ns.s) %}{% endfor %}",
      "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(100) %}{% set ns.s = ns.s.join(ns.s) %}{% endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(100000) %}{% set ns.s = [ns.s] %}{% endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(100000) %}{% set ns.s = {'a': ns.s} %}{% endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(100000) %}{% set ns.s = ns.s|map('string') %}{% endfor %}",
      "{% set ns = namespace() %}{% for i in range(100000) %}{% set ns.s = joiner(ns.s or 1) %}{% endfor %}",
      "{% set ns = namespace(x=1) %}{% set ns.x = ns %}{{ ns }}",
      "{% set ns = namespace() %}{% for i in range(100) %}{% set ns.s = namespace(a=ns.s, b=ns.s) %}{% endfor %}{{ ns.s }}",
    ])
  func growth(_ source: String) throws { try limited(source) }

  @Test("chains of namespaces, loops and macros are let go without recursion")
  func longChainsOfObjects() throws {
    for step in [
      "{% set ns.s = namespace(p=ns.s) %}", "{% for j in [ns.s] %}{% set ns.s = loop %}{% endfor %}",
      "{% for j in [ns.s] %}{% set ns.s = loop.cycle %}{% endfor %}",
      "{% set p = ns.s %}{% macro m() %}{{ p }}{% endmacro %}{% set ns.s = m %}",
    ] {
      let source = "{% set ns = namespace(s=0) %}{% for i in range(20000) %}" + step + "{% endfor %}done"
      #expect(try ChatTemplate(source).render([:]) == "done")
    }
  }

  @Test("limits can be set")
  func ownLimits() throws {
    var template = try ChatTemplate("{% for i in range(100) %}{{ 'abcdefghij' }}{% endfor %}")
    #expect(try template.render([:]).utf8.count == 1000)
    template.limits.outputBytes = 999
    #expect(throws: TokenizerError.self) { try template.render([:]) }
    template.limits.outputBytes = 1000
    template.limits.steps = 100
    #expect(throws: TokenizerError.self) { try template.render([:]) }
  }

  @Test("a text found again and again, or hardly ever, takes linear time")
  func searching() throws {
    let long = String(repeating: "a", count: 200_000)
    let needle = String(repeating: "a", count: 100_000) + "b"
    let template = try ChatTemplate("{{ s.find(n) }} {{ s.rfind('b' + n) }} {{ n in s }} {{ s.split(n)|length }}")
    #expect(try template.render(["s": .string(long), "n": .string(needle)]) == "-1 -1 False 1")
  }

  @Test("a context nested too deep is refused")
  func deepContext() throws {
    var value: JSON = 1
    for _ in 0..<400 { value = .array([value]) }
    try limited("{{ x }}", ["x": value])
  }

  @Test("every cut of a template is parsed or refused, never followed off its end")
  func cuts() throws {
    let source =
      "{%- macro f(a, b='x\\n') -%}{{ a.b[1:2]|join(',', attribute=\"k\") ~ -1.5e3 }}{%- endmacro %}"
      + "{% for k, v in d.items() if v is not none recursive %}{# c #}{% raw %}{{{% endraw %}{% endfor %}"
    let scalars = Array(source.unicodeScalars)
    for start in 0..<scalars.count {
      for end in [scalars.count, min(start + 17, scalars.count)] {
        let cut = TemplateText(scalars[start..<end]).string
        _ = try? ChatTemplate(cut).render(["d": ["a": 1]])
      }
      _ = try? ChatTemplate(TemplateText(scalars[..<start]).string).render(["d": ["a": 1]])
    }
  }
}
