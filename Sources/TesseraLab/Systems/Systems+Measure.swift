extension System {
  /// The room *measure*: 5 systems.
  static let measure: [System] = [
    System(
      "tokenization-consistency", "Tokenization consistency", .measure,
      "Finds edits that change token ids but not the text, and keeps a model from making them",
      paper: Paper(
        "Say Anything but This: When Tokenizer Betrays Reasoning in LLMs",
        nil, 2026, arXiv: "2601.14658")),
    System(
      "data-mixture-inference", "Data mixture inference", .measure,
      "Tells from the order of its merges on which mixture of texts a tokenizer was trained",
      paper: Paper(
        "Data Mixture Inference: What do BPE Tokenizers Reveal about their Training Data?",
        "Hayase et al.", 2024, arXiv: "2407.16607")),
    System(
      "turkish-subwords", "Turkish subwords", .measure,
      "Shows where a tokenizer cuts Turkish words against their morphemes, over sizes of vocabulary and text",
      paper: Paper(
        "Optimal Turkish Subword Strategies at Scale: Systematic Evaluation of Data, Vocabulary, Morphology Interplay",
        nil, 2026, arXiv: "2602.06942")),
    System(
      "turkish-standards", "Turkish tokenization standards", .measure,
      "How many tokens of a tokenizer are words or morphemes of Turkish, and how many cannot be divided",
      paper: Paper(
        "Tokenization Standards for Linguistic Integrity: Turkish as a Benchmark",
        "Bayram et al.", 2025, arXiv: "2502.07057")),
    System(
      "difr", "DiFR", .measure,
      "Checks from sampled tokens that a provider ran the promised model, in spite of rounding",
      paper: Paper(
        "DiFR: Inference Verification Despite Nondeterminism",
        "Karvonen et al.", 2025, arXiv: "2511.20621")),
  ]
}
