extension System {
  /// The room *reduce*: 12 systems.
  static let reduce: [System] = [
    System(
      "code-token-merging", "Code token merging", .reduce,
      "Joins the hidden states of subtokens that are one word of a programming language",
      paper: Paper(
        "On the Effect of Token Merging on Pre-trained Models for Code",
        "Saad et al.", 2025, arXiv: "2507.14423")),
    System(
      "deit-lt", "DeiT-LT", .reduce,
      "A ViT on long-tailed data, whose distillation token becomes the expert of rare classes",
      paper: Paper(
        "DeiT-LT: Distillation Strikes Back for Vision Transformer Training on Long-Tailed Datasets",
        "Rangwani et al.", 2024, arXiv: "2404.02900")),
    System(
      "focus-detr", "Focus-DETR", .reduce,
      "A detector whose encoder goes on working only on tokens that it takes for foreground",
      paper: Paper(
        "Less is More: Focus Attention for Efficient DETR",
        "Zheng et al.", 2023, arXiv: "2307.12612")),
    System(
      "divprune", "DivPrune", .reduce,
      "Keeps the visual tokens that differ most from one another before the language model sees them",
      paper: Paper(
        "DivPrune: Diversity-based Visual Token Pruning for Large Multimodal Models",
        "Alvar et al.", 2025, arXiv: "2503.02175")),
    System(
      "todre", "ToDRE", .reduce,
      "Diverse visual tokens go in, and all of them leave late, once the question has read them",
      paper: Paper(
        "ToDRE: Effective Visual Token Pruning via Token Diversity and Task Relevance",
        "Li et al.", 2025, arXiv: "2505.18757")),
    System(
      "diffrate", "DiffRate", .reduce,
      "Learns by gradient how many tokens each layer prunes and merges under a budget",
      paper: Paper(
        "DiffRate: Differentiable Compression Rate for Efficient Vision Transformers",
        "Chen et al.", 2023, arXiv: "2305.17997")),
    System(
      "token-transforming", "Token Transforming", .reduce,
      "Every reduction is a matrix; a dense one keeps more than pruning or merging, without training",
      paper: Paper(
        "Token Transforming: A Unified and Training-Free Token Compression Framework for Vision Transformer Acceleration",
        "Zeng et al.", 2025, arXiv: "2506.05709")),
    System(
      "dit-token-routing", "DiT (dynamic token routing)", .reduce,
      "Each token decides at each stage whether to be worked on and whether to move to a coarser scale",
      paper: Paper(
        "DiT: Efficient Vision Transformers with Dynamic Token Routing",
        "Ma et al.", 2023, arXiv: "2308.03409")),
    System(
      "zero-tprune", "Zero-TPrune", .reduce,
      "Ranks tokens by PageRank over attention, then drops near-copies; needs no training",
      paper: Paper(
        "Zero-TPrune: Zero-Shot Token Pruning through Leveraging of the Attention Graph in Pre-Trained Transformers",
        "Wang et al.", 2023, arXiv: "2305.17328")),
    System(
      "hiprune", "HiPrune", .reduce,
      "Keeps objects by the middle layers of a vision encoder, their neighbours, and global tokens by the last",
      paper: Paper(
        "HiPrune: Training-Free Visual Token Pruning via Hierarchical Attention in Vision-Language Models",
        "Liu et al.", 2025, arXiv: "2508.00553")),
    System(
      "sit-self-slimmed", "SiT (self-slimmed ViT)", .reduce,
      "Mixes many tokens into few learned ones, taught token by token by the uncut network",
      paper: Paper(
        "Self-slimmed Vision Transformer",
        "Zong et al.", 2021, arXiv: "2111.12624")),
    System(
      "dymu", "DyMU", .reduce,
      "Merges visual tokens above a threshold, so simple images take fewer, and undoes it inside attention",
      paper: Paper(
        "DyMU: Dynamic Merging and Virtual Unmerging for Efficient VLMs",
        "Wang et al.", 2025, arXiv: "2504.17040")),
  ]
}
