extension System {
  /// The room *generate*: 18 systems.
  static let generate: [System] = [
    System(
      "dense2moe", "Dense2MoE", .generate,
      "Turns the layers of a trained diffusion transformer into experts and blocks that can be skipped",
      paper: Paper(
        "Dense2MoE: Restructuring Diffusion Transformer to MoE for Efficient Text-to-Image Generation",
        "Zheng et al.", 2025, arXiv: "2510.09094")),
    System(
      "flexdit", "FlexDiT", .generate,
      "Middle layers work on few pooled tokens and on all of them in turn, more late in sampling",
      paper: Paper(
        "FlexDiT: Dynamic Token Density Control for Diffusion Transformer",
        "Chang et al.", 2024, arXiv: "2412.06028")),
    System(
      "haste", "HASTE", .generate,
      "Helps a diffusion transformer with a teacher's features and attention, and stops helping in time",
      paper: Paper(
        "REPA Works Until It Doesn't: Early-Stopped, Holistic Alignment Supercharges Diffusion Training",
        "Wang et al.", 2025, arXiv: "2505.16792")),
    System(
      "pt-dit", "PT-DiT", .generate,
      "Global attention among averages of windows, local attention inside them",
      paper: Paper(
        "Qihoo-T2X: An Efficiency-Focused Diffusion Transformer via Proxy Tokens for Text-to-Any-Task",
        "Wang et al.", 2024, arXiv: "2409.04005")),
    System(
      "svg2", "SVG2", .generate,
      "Sparse attention for video: sorts tokens by meaning and computes only the blocks that matter",
      paper: Paper(
        "Sparse VideoGen2: Accelerate Video Generation with Sparse Attention via Semantic-Aware Permutation",
        "Yang et al.", 2025, arXiv: "2505.18875")),
    System(
      "dydit", "DyDiT++", .generate,
      "Learns which heads, channels and tokens a diffusion transformer can skip at each time step",
      paper: Paper(
        "DyDiT++: Dynamic Diffusion Transformers for Efficient Visual Generation",
        "Zhao et al.", 2025, arXiv: "2504.06803")),
    System(
      "llsa", "LLSA", .generate,
      "Trainable sparse attention over a pyramid of pooled tokens, at a cost of about n log n",
      paper: Paper(
        "Trainable Log-linear Sparse Attention for Efficient Diffusion Transformers",
        "Zhou et al.", 2025, arXiv: "2512.16615")),
    System(
      "dit-semantic-editing", "EIM", .generate,
      "Changes one attribute of an image by moving its text and image latents along found directions",
      paper: Paper(
        "Latent Space Disentanglement in Diffusion Transformers Enables Precise Zero-shot Semantic Editing",
        "Shuai et al.", 2024, arXiv: "2411.08196")),
    System(
      "dynamictrl", "DynamiCtrl", .generate,
      "Makes a person in a picture follow poses, which enter a video model through its layer norms",
      paper: Paper(
        "DynamiCtrl: Rethinking the Basic Structure and the Role of Text for High-quality Human Image Animation",
        "Zhao et al.", 2025, arXiv: "2503.21246")),
    System(
      "delta-dit", "Delta-DiT", .generate,
      "Reuses what a span of blocks added: rear blocks early in sampling, front blocks late",
      paper: Paper(
        "Delta-DiT: A Training-Free Acceleration Method Tailored for Diffusion Transformers",
        "Chen et al.", 2024, arXiv: "2406.01125")),
    System(
      "li-dit", "LI-DiT", .generate,
      "Makes decoder-only language models read prompts well for a diffusion transformer",
      paper: Paper(
        "Exploring the Role of Large Language Models in Prompt Encoding for Diffusion Models",
        "Ma et al.", 2024, arXiv: "2406.11831")),
    System(
      "pixart-sigma", "PixArt-Sigma", .generate,
      "Grows a small text-to-image transformer to 4K step by step, with compressed keys and values",
      paper: Paper(
        "PixArt-Sigma: Weak-to-Strong Training of Diffusion Transformer for 4K Text-to-Image Generation",
        "Chen et al.", 2024, arXiv: "2403.04692")),
    System(
      "ppcl", "PPCL", .generate,
      "Replaces each run of redundant layers by one distilled layer that can be plugged in or out",
      paper: Paper(
        "Pluggable Pruning with Contiguous Layer Distillation for Diffusion Transformers",
        nil, 2025, arXiv: "2511.16156")),
    System(
      "token-recycling", "Token Recycling", .generate,
      "Drafts from a small table of runner-up tokens that earlier steps threw away",
      paper: Paper(
        "Turning Trash into Treasure: Accelerating Inference of Large Language Models with Token Recycling",
        "Luo et al.", 2024, arXiv: "2408.08696")),
    System(
      "dyspec", "DySpec", .generate,
      "Speculative decoding whose draft tree grows where the draft model is sure",
      paper: Paper(
        "DySpec: Faster Speculative Decoding with Dynamic Token Tree Structure",
        "Xiong et al.", 2024, arXiv: "2410.11744")),
    System(
      "del", "DEL", .generate,
      "A model that drafts with its own first layers chooses at which to leave and how far to draft",
      paper: Paper(
        "DEL: Context-Aware Dynamic Exit Layer for Efficient Self-Speculative Decoding",
        "Entezari Zarch et al.", 2025, arXiv: "2504.05598")),
    System(
      "freecache", "FreeCache", .generate,
      "Freezes settled keys and values of a diffusion language model; a small model says how much to fix",
      paper: Paper(
        "Accelerating Diffusion Language Model Inference via Efficient KV Caching and Guided Diffusion",
        "Hu et al.", 2025, arXiv: "2505.21467")),
    System(
      "diffadapt", "DiffAdapt", .generate,
      "A small probe reads how hard a question is and picks prompt, temperature and length",
      paper: Paper(
        "DiffAdapt: Difficulty-Adaptive Reasoning for Token-Efficient LLM Inference",
        nil, 2025, arXiv: "2510.19669")),
  ]
}
