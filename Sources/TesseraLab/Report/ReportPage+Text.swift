import TesseraText

extension Record {
  /// Mean and range of every figure over the seeds.
  public var figureTable: TextTable {
    let isOne = runs.count < 2
    var table = TextTable(
      [.init("figure"), .init("mean", side: .right)] + (isOne ? [] : [.init("range", side: .right)]) + [.init("unit")])
    for name in figureNames {
      let values = values(of: name).compactMap { $0 }
      let statistics = Statistics(values)
      let texts = NumberText.of([statistics.mean, statistics.low, statistics.high])
      let unit = runs.lazy.flatMap(\.figures).first { $0.name == name }?.unit ?? ""
      table.add([name, texts[0]] + (isOne ? [] : ["\(texts[1]) to \(texts[2])"]) + [unit])
    }
    return table
  }
}

extension ReportPage {
  /// Verdicts and what decided them, a row each.
  public var overviewTable: TextTable {
    var table = TextTable([
      .init("name"), .init("kind"), .init("verdict"), .init("seeds", side: .right), .init("what decides"),
    ])
    for record in records {
      let deciding = record.deciding.map { "\($0.condition.subject): \($0.comparison)" } ?? ""
      table.add(record.name, record.kind.rawValue, record.verdictText, "\(record.runs.count)", deciding)
    }
    for absence in absent { table.add(absence.name, absence.kind.rawValue, "-", "0", absence.reason) }
    for absence in refused { table.add(absence.name, absence.kind.rawValue, "refused", "0", absence.reason) }
    return table
  }

  /// Everything in Markdown.
  public var markdown: String {
    let sections = records.map { record in
      let declaration = record.declaration
      let judgements = record.judgements.map { judgement in
        let reading = judgement.reading.map { NumberText.of($0) } ?? "not measured"
        return
          "- \(judgement.holds ? "holds" : "**does not hold**"): \(TextTable.escape(judgement.condition.text)) (\(reading))"
      }
      return """
        ## \(TextTable.escape(record.name)): \(record.verdictText)
        \(TextTable.escape(declaration.claim))

        Baseline: \(TextTable.escape(declaration.baseline)). Data: \(TextTable.escape(declaration.data)). \
        Revision \(TextTable.escape(record.revision)), \(TextTable.escape(record.date)).

        \(judgements.joined(separator: "\n"))

        \(record.figureTable.markdown)
        """
    }
    return (["# What the laboratory found", overviewTable.markdown] + sections).joined(separator: "\n\n") + "\n"
  }

  /// Verdicts, judgements and statistics for other programs; what is no finite number is null.
  public var json: JSON {
    func number(_ value: Double?) -> JSON { value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null }
    let entries = records.map { record -> JSON in
      let judgements = record.judgements.map { judgement -> JSON in
        [
          "condition": .string(judgement.condition.text), "reading": number(judgement.reading),
          "worst": number(judgement.condition.worst(of: record.runs.map(\.figures))), "holds": .bool(judgement.holds),
        ]
      }
      let figures = record.figureNames.map { name -> JSON in
        let values = record.values(of: name)
        let statistics = Statistics(values.compactMap { $0 })
        return [
          "name": .string(name),
          "unit": .string(record.runs.lazy.flatMap(\.figures).first { $0.name == name }?.unit ?? ""),
          "mean": number(statistics.mean), "lowest": number(statistics.low), "highest": number(statistics.high),
          "values": .array(values.map(number)),
        ]
      }
      return [
        "name": .string(record.name), "kind": .string(record.kind.rawValue),
        "setting": .string(record.setting.rawValue),
        "verdict": .string(record.verdict.rawValue), "claim": .string(record.declaration.claim),
        "judgements": .array(judgements), "figures": .array(figures), "revision": .string(record.revision),
        "date": .string(record.date), "seconds": number(record.runs.reduce(0) { $0 + $1.seconds }),
      ]
    }
    func list(_ absences: [Absence]) -> JSON {
      .array(
        absences.map {
          ["name": .string($0.name), "kind": .string($0.kind.rawValue), "reason": .string($0.reason)]
        })
    }
    return ["records": .array(entries), "not_run": list(absent), "refused": list(refused)]
  }
}
