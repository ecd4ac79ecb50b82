extension System {
  /// The room *make*: 27 systems.
  static let make: [System] = [
    System(
      "textok", "TexTok", .make,
      "Image tokenizer and detokenizer both read the caption, so tokens carry only what words leave out",
      paper: Paper(
        "Language-Guided Image Tokenization for Generation",
        "Zha et al.", 2024, arXiv: "2412.05796")),
    System(
      "retok-image", "ReTok", .make,
      "One-dimensional image tokens of any length, whose last tokens learn as much as the first",
      paper: Paper(
        "Improving Flexible Image Tokenizers for Autoregressive Image Generation",
        nil, 2026, arXiv: "2601.01535")),
    System(
      "one-d-piece", "One-D-Piece", .make,
      "Image tokens in order of importance: cut the sequence anywhere and decode what is left",
      paper: Paper(
        "One-D-Piece: Image Tokenizer Meets Quality-Controllable Compression",
        "Miwa et al.", 2025, arXiv: "2501.10064")),
    System(
      "flextok", "FlexTok", .make,
      "1 to 256 ordered image tokens; a rectified flow paints whatever they do not say",
      paper: Paper(
        "FlexTok: Resampling Images into 1D Token Sequences of Flexible Length",
        "Bachmann et al.", 2025, arXiv: "2502.13967")),
    System(
      "instella-t2i", "Instella-T2I", .make,
      "128 tokens of many bits each stand for a large image; text to image by binary diffusion",
      paper: Paper(
        "Instella-T2I: Pushing the Limits of 1D Discrete Latent Space Image Generation",
        "Wang et al.", 2025, arXiv: "2506.21022")),
    System(
      "wetok", "WeTok", .make,
      "Sign bits in groups instead of a codebook, and a decoder that also takes noise",
      paper: Paper(
        "WeTok: Powerful Discrete Tokenization for High-Fidelity Visual Reconstruction",
        "Zhuang et al.", 2025, arXiv: "2508.05599")),
    System(
      "tokenbridge", "TokenBridge", .make,
      "Makes discrete tokens of a finished continuous autoencoder, number by number, without training",
      paper: Paper(
        "Bridging Continuous and Discrete Tokens for Autoregressive Visual Generation",
        "Wang et al.", 2025, arXiv: "2503.16430")),
    System(
      "robusttok", "RobustTok", .make,
      "Trains an image tokenizer on the mistakes that a generator will make, and measures how it bears them",
      paper: Paper(
        "Robust Latent Matters: Boosting Image Generation with Sampling Error Synthesis",
        "Qiu et al.", 2025, arXiv: "2503.08354")),
    System(
      "robusttok-post", "RobusTok post-training", .make,
      "Fits a tokenizer's decoder to the tokens that its generator really makes",
      paper: Paper(
        "Image Tokenizer Needs Post-Training",
        "Qiu et al.", 2025, arXiv: "2509.12474")),
    System(
      "d-ar", "D-AR", .make,
      "Each group of image tokens drives one step of denoising, so a plain language model paints coarse to fine",
      paper: Paper(
        "D-AR: Diffusion via Autoregressive Models",
        "Gao and Shou", 2025, arXiv: "2505.23660")),
    System(
      "ett", "ETT", .make,
      "Lets a language model's caption loss tune an image tokenizer while it still reconstructs",
      paper: Paper(
        "End-to-End Vision Tokenizer Tuning",
        "Wang et al.", 2025, arXiv: "2505.10562")),
    System(
      "dino-tok", "DINO-Tok", .make,
      "A frozen self-supervised ViT as tokenizer: deep features for meaning, shallow ones for detail",
      paper: Paper(
        "DINO-Tok: Adapting DINO for Visual Tokenizers",
        "Jia et al.", 2025, arXiv: "2511.20565")),
    System(
      "divot", "Divot", .make,
      "Video tokens are good when a diffusion model can denoise the clip from them alone",
      paper: Paper(
        "Divot: Diffusion Powers Video Tokenizer for Comprehension and Generation",
        "Ge et al.", 2024, arXiv: "2412.04432")),
    System(
      "va-vae", "VA-VAE", .make,
      "An autoencoder whose latents follow a vision model's features, so that diffusion learns them faster",
      paper: Paper(
        "Reconstruction vs. Generation: Taming Optimization Dilemma in Latent Diffusion Models",
        "Yao et al.", 2025, arXiv: "2501.01423")),
    System(
      "mingtok", "MingTok", .make,
      "One continuous stream of image tokens that a language model both reads and writes",
      paper: Paper(
        "Ming-UniVision: Joint Image Understanding and Generation with a Unified Continuous Tokenizer",
        "Huang et al.", 2025, arXiv: "2510.06590")),
    System(
      "vtp", "VTP", .make,
      "Trains an image tokenizer by contrast, self-distillation and reconstruction at once",
      paper: Paper(
        "Towards Scalable Pre-training of Visual Tokenizers for Generation",
        "Yao et al.", 2025, arXiv: "2512.13687")),
    System(
      "rectok", "RecTok", .make,
      "Keeps latents meaningful along the whole path from image to noise, not only at its clean end",
      paper: Paper(
        "RecTok: Reconstruction Distillation along Rectified Flow",
        "Shi et al.", 2025, arXiv: "2512.13421")),
    System(
      "discrete-audio-tokens", "DATES", .make,
      "A map of audio tokenizers and one bench for how well they rebuild, serve tasks and model sound",
      paper: Paper(
        "Discrete Audio Tokens: More Than a Survey!",
        "Mousavi et al.", 2025, arXiv: "2506.10274")),
    System(
      "dm-codec", "DM-Codec", .make,
      "A speech codec whose first codes also learn from a language model and a speech model",
      paper: Paper(
        "DM-Codec: Distilling Multimodal Representations for Speech Tokenization",
        "Ahasan et al.", 2024, arXiv: "2410.15017")),
    System(
      "unigrec", "UniGRec", .make,
      "Item tokenizer and recommender are trained together through soft item codes",
      paper: Paper(
        "UniGRec: Unified Generative Recommendation with Soft Identifiers for End-to-End Optimization",
        nil, 2026, arXiv: "2601.17438")),
    System(
      "hierarchical-ar-transformer", "HAT", .make,
      "Bytes inside words, one vector a word in the middle: a language model without a vocabulary",
      paper: Paper(
        "Hierarchical Autoregressive Transformers: Combining Byte- and Word-Level Processing for Robust, Adaptable Language Models",
        "Neitemeier et al.", 2025, arXiv: "2501.10322")),
    System(
      "mrt5", "MrT5", .make,
      "A byte-level T5 whose encoder learns which bytes it can drop after a few layers",
      paper: Paper(
        "MrT5: Dynamic Token Merging for Efficient Byte-level Language Models",
        "Kallini et al.", 2024, arXiv: "2410.20771")),
    System(
      "zonkey", "Zonkey", .make,
      "Writes text by diffusion over soft segments of characters that it learns to cut",
      paper: Paper(
        "Zonkey: A Hierarchical Diffusion Language Model with Differentiable Tokenization and Probabilistic Attention",
        "Rozental", 2026, arXiv: "2601.21768")),
    System(
      "h-net", "H-Net", .make,
      "A byte-level language model that learns from its own loss where chunks begin",
      paper: Paper(
        "Dynamic Chunking for End-to-End Hierarchical Sequence Modeling",
        "Hwang et al.", 2025, arXiv: "2507.07955")),
    System(
      "mergedna", "MergeDNA", .make,
      "A genome model that merges similar neighbouring bases into tokens as it reads",
      paper: Paper(
        "MergeDNA: Context-aware Genome Modeling with Dynamic Tokenization through Token Merging",
        "Li et al.", 2025, arXiv: "2511.14806")),
    System(
      "binary-bpe", "Binary BPE", .make,
      "Byte-pair tokenizers for executables, in vocabularies that contain one another",
      paper: Paper(
        "Binary BPE: A Family of Cross-Platform Tokenizers for Binary Analysis",
        "Bommarito", 2025, arXiv: "2511.17573")),
    System(
      "kl3m", "KL3M", .make,
      "Tokenizers for law and finance, and ones of short tokens for the repair of text",
      paper: Paper(
        "KL3M Tokenizers: A Family of Domain-Specific and Character-Level Tokenizers for Legal, Financial, and Preprocessing Applications",
        "Bommarito et al.", 2025, arXiv: "2503.17247")),
  ]
}
