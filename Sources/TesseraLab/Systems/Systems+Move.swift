extension System {
  /// The room *move*: 6 systems.
  static let move: [System] = [
    System(
      "tokenadapt", "TokenAdapt", .move,
      "Gives a model a new tokenizer by two guesses for each token, and learns tokens of several words",
      paper: Paper(
        "Achieving Tokenizer Flexibility in Language Models through Heuristic Adaptation and Supertoken Learning",
        "Sharthak et al.", 2025, arXiv: "2505.09738")),
    System(
      "zett", "ZeTT", .move,
      "A small network that reads a token and gives its embeddings, for any tokenizer",
      paper: Paper(
        "Zero-Shot Tokenizer Transfer",
        "Minixhofer et al.", 2024, arXiv: "2405.07883")),
    System(
      "omp-transplant", "OMP transplant", .move,
      "Writes new tokens as sparse sums of shared ones in a donor model, and takes the sums over",
      paper: Paper(
        "Training-Free Tokenizer Transplantation via Orthogonal Matching Pursuit",
        "Goddard and Fernandes Neto", 2025, arXiv: "2506.06607")),
    System(
      "dynamic-tokenization", "Dynamic tokenization", .move,
      "Joins the frequent pairs of each batch and computes embeddings for them on the fly",
      paper: Paper(
        "Retrofitting (Large) Language Models with Dynamic Tokenization",
        "Feher et al.", 2024, arXiv: "2411.18553")),
    System(
      "alm-distillation", "ALM", .move,
      "Distils a teacher into a student with another tokenizer by comparing spans that both cut alike",
      paper: Paper(
        "Cross-Tokenizer Distillation via Approximate Likelihood Matching",
        "Minixhofer et al.", 2025, arXiv: "2503.20083")),
    System(
      "exact-byte", "Exact Byte", .move,
      "The exact distribution of the next byte from a model that speaks in tokens",
      paper: Paper(
        "Exact Byte-Level Probabilities from Tokenized Language Models for FIM-Tasks and Model Ensembles",
        "Phan et al.", 2024, arXiv: "2410.09303")),
  ]
}
