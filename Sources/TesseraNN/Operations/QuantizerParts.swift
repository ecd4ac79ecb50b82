import TesseraTensor

extension StandardParts {
  static let quantizers: [StandardPart] = [
    vq, residual, grouped, finite, residualFinite, lookupFree, residualLookupFree, sim, latent, mapper, perDimension,
    gaussian,
  ]

  typealias Field = StandardPart.Field

  private static let common = [
    Field("z", "float [batch, tokens, width]; or z.0, z.1, ... for calls one after the other (moving averages)"),
    Field(
      "cotangent", "float, of the shape of vectors: asks for the gradient of Σ vectors · cotangent + loss",
      optional: true),
    Field("codes", "int64, in the place of z: vectors are looked up", optional: true),
  ]
  private static let results = [
    Field("codes", "int64 [batch, tokens] (codes.0, ... for several calls)"),
    Field("vectors", "float [batch, tokens, width]"),
    Field("loss", "float [], or [levels]", optional: true),
    Field("z_gradient", "float, of the shape of z (the last one)", optional: true),
    Field("KEY_gradient", "of the parameter KEY", optional: true),
  ]
  private static func parameters(_ keys: String) -> Field {
    Field("KEY", "parameters under the reference's keys: \(keys); those left out are drawn at random", optional: true)
  }
  private static let training = Field("training", "true: gradients, losses, updates (default false)")
  private static let seed = Field("seed", "of what is drawn at random (default 0)")
  private static let mask = Field("mask", "bool [batch, tokens], true for tokens that count", optional: true)

  // MARK: Vector quantization

  private static let vectorOptions = [
    Field("codebook_size", "codes"), Field("codebook_dim", "length of code vectors (default: that of z)"),
    Field("use_cosine_sim", "cosines in the place of distances (false)"), Field("decay", "of moving averages (0.8)"),
    Field("eps", "of the averages (1e-5)"), Field("ema_update", "learn by moving averages (true)"),
    Field("learnable_codebook", "learn by gradients (false)"), Field("rotation_trick", "gradients are rotated (true)"),
    Field("straight_through", "gradients pass unchanged (false)"),
    Field("commitment_weight", "(1)"), Field("commitment_use_cross_entropy_loss", "(false)"),
    Field("orthogonal_reg_weight", "(0)"), Field("orthogonal_reg_active_codes_only", "(false)"),
    Field("codebook_diversity_loss_weight", "(0)"), Field("codebook_diversity_temperature", "(100)"),
    Field("threshold_ema_dead_code", "codes used less are replaced (0: none)"), Field("kmeans_init", "(false)"),
    Field("kmeans_iters", "(10)"), Field("freeze_codebook", "(false)"),
    Field("return_zeros_for_masked_padding", "(true)"),
    Field("sampling", "\"first\": vectors that start or revive codes are the first of the batch; \"random\" (default)"),
    seed, training,
  ]

  private static func vectorConfiguration(_ call: PartCall, width: Int) throws -> VectorQuantizer.Configuration {
    var c = VectorQuantizer.Configuration(width: width, codebookSize: 1)
    c.metric = try call.bool("use_cosine_sim", false) ? .cosine : .euclidean
    let learns = try call.bool("learnable_codebook", false)
    if try call.bool("freeze_codebook", false) {
      c.update = .frozen
    } else if learns {
      c.update = .gradient
    } else if try call.bool("ema_update", true) {
      c.update = .movingAverage(decay: try call.double("decay", 0.8), epsilon: try call.double("eps", 1e-5))
    } else {
      c.update = .frozen
    }
    let threshold = try call.double("threshold_ema_dead_code", 0)
    if threshold > 0 { c.revival = .threshold(threshold) }
    if try call.bool("kmeans_init", false) { c.kMeansIterations = try call.int("kmeans_iters", 10) }
    let rotates = try call.bool("rotation_trick", width > 1)
    c.estimator = rotates ? .rotation : .straightThrough
    c.commitmentWeight = try call.double("commitment_weight", 1)
    c.commitmentByCrossEntropy = try call.bool("commitment_use_cross_entropy_loss", false)
    c.orthogonalityWeight = try call.double("orthogonal_reg_weight", 0)
    c.orthogonalityOfActiveCodes = try call.bool("orthogonal_reg_active_codes_only", false)
    c.diversityWeight = try call.double("codebook_diversity_loss_weight", 0)
    c.diversityTemperature = try call.double("codebook_diversity_temperature", 100)
    c.zerosWhereMasked = try call.bool("return_zeros_for_masked_padding", true)
    c.seed = UInt64(bitPattern: Int64(try call.int("seed", 0)))
    return c
  }

  private static let codebookKeys =
    "_codebook.embed [books, size, width], _codebook.embed_avg, _codebook.cluster_size [books, size]"

  private static let vq = StandardPart(
    "vq", aliases: ["VectorQuantize"], "Vector quantization, also by heads (product quantization).",
    inputs: common + [mask, parameters("\(codebookKeys), project_in.weight, project_in.bias, project_out.*")],
    outputs: results + [Field("KEY", "parameters after training", optional: true)],
    options: vectorOptions + [
      Field("heads", "(1)"), Field("separate_codebook_per_head", "(false)"),
      Field("accept_image_fmap", "z is [batch, width, height, width] (false)"),
    ]
  ) { call in
    let run = try QuantizerRun(call, call.bool("accept_image_fmap", false) ? .channels : .tokens)
    var c = try vectorConfiguration(
      call, width: run.width ?? call.int("codebook_dim") ?? run.columns("_codebook.embed"))
    c.codebookSize = try call.demandInt("codebook_size")
    c.heads = try call.int("heads", 1)
    c.separateCodebooks = try call.bool("separate_codebook_per_head", false)
    // The reference takes the whole width for every head unless it is told otherwise.
    c.codebookWidth = try call.int("codebook_dim") ?? c.width
    let quantizer = try VectorQuantizer(c, run.scope)
    if try call.string("sampling", "random") == "first" { quantizer.codebook.choice = .first }
    return try run.outputs(quantizer, state: true)
  }

  private static let residual = StandardPart(
    "residual_vq", aliases: ["ResidualVQ"], "Residual vector quantization.",
    inputs: common + [mask, parameters("layers.N.\(codebookKeys), project_in.*, project_out.*")],
    outputs: results + [Field("KEY", "parameters after training", optional: true)],
    options: residualOptions
  ) { call in
    let run = try QuantizerRun(call, call.bool("accept_image_fmap", false) ? .channels : .tokens)
    let quantizer = try residualQuantizer(call, width: run.width ?? run.columns("layers.0._codebook.embed"), run.scope)
    if try call.bool("shared_codebook", false) { run.ignores { $0.hasPrefix("layers.") && !$0.hasPrefix("layers.0.") } }
    var outputs = try run.outputs(quantizer, state: true)
    // The levels' own keys of a codebook that they share.
    for (key, value) in outputs where try call.bool("shared_codebook", false) && key.hasPrefix("layers.0.") {
      for level in 1..<max(quantizer.layers.count, 1) { outputs["layers.\(level)." + key.dropFirst(9)] = value }
    }
    return outputs
  }

  private static let residualOptions =
    vectorOptions + [
      Field("num_quantizers", "levels"), Field("shared_codebook", "(false)"),
      Field("quantize_dropout", "(false)"), Field("keep_quantizers", "levels that dropout keeps (default: drawn)"),
      Field("accept_image_fmap", "(false)"),
    ]

  private static func residualQuantizer(_ call: PartCall, width: Int, _ scope: Scope) throws -> ResidualQuantizer {
    var c = try vectorConfiguration(call, width: width)
    c.codebookWidth = try call.int("codebook_dim")
    let sizes: [Int]
    if call.settings["codebook_size"]?.array != nil {
      sizes = try call.ints("codebook_size") ?? []
    } else {
      let (count, size) = (try call.demandInt("num_quantizers"), try call.demandInt("codebook_size"))
      guard (1...1024).contains(count) else { throw call.refuse("\(count) levels are not in 1...1024") }
      sizes = Array(repeating: size, count: count)
    }
    let quantizer = try ResidualQuantizer(
      c, codebookSizes: sizes, sharedCodebook: call.bool("shared_codebook", false), scope)
    if try call.string("sampling", "random") == "first" {
      for case let layer as VectorQuantizer in quantizer.layers { layer.codebook.choice = .first }
    }
    if try call.bool("quantize_dropout", false) {
      quantizer.dropout = .init(seed: c.seed, fixed: try call.int("keep_quantizers"))
    }
    return quantizer
  }

  private static let grouped = StandardPart(
    "grouped_residual_vq", aliases: ["GroupedResidualVQ"], "Residual vector quantization of parts of a vector.",
    inputs: common + [mask, parameters("rvqs.G.layers.N.\(codebookKeys)")],
    outputs: results + [Field("KEY", "parameters after training", optional: true)],
    options: residualOptions + [Field("groups", "(1)")]
  ) { call in
    let run = try QuantizerRun(call)
    let groups = try call.int("groups", 1)
    let width = try run.width ?? run.columns("rvqs.0.layers.0._codebook.embed") * max(groups, 1)
    guard groups > 0, width % groups == 0 else { throw call.refuse("a width of \(width) in \(groups) groups") }
    let quantizer = try GroupedQuantizer(groups, run.scope) { try residualQuantizer(call, width: width / groups, $0) }
    return try run.outputs(quantizer, state: true)
  }

  // MARK: Without codebooks

  private static let finiteOptions = [
    Field("levels", "list of how many values each dimension has"),
    Field("dim", "length of vectors (default: one for each level)"),
    Field("preserve_symmetry", "(false)"), Field("projection_has_bias", "(true)"), Field("noise_dropout", "(0)"),
    Field("orthogonal_rotation", "(false)"), seed, training,
  ]

  private static func finiteConfiguration(_ call: PartCall, _ run: QuantizerRun) throws
    -> FiniteScalarQuantizer.Configuration
  {
    guard let levels = try call.ints("levels") else { throw call.refuse("the option 'levels' is missing") }
    var c = FiniteScalarQuantizer.Configuration(levels: levels, width: try call.int("dim"))
    c.preservesSymmetry = try call.bool("preserve_symmetry", false)
    c.projectionBias = try call.bool("projection_has_bias", true)
    c.noiseDropout = try call.double("noise_dropout", 0)
    c.rotates = try call.bool("orthogonal_rotation", false)
    c.seed = UInt64(bitPattern: Int64(try call.int("seed", 0)))
    return c
  }

  private static let finite = StandardPart(
    "fsq", aliases: ["FSQ"], "Finite scalar quantization.",
    inputs: common + [mask, parameters("project_in.*, project_out.*, orthogonal_rot")], outputs: results,
    options: finiteOptions + [
      Field("num_codebooks", "(1)"), Field("bound_hard_clamp", "(false)"),
      Field("channel_first", "z is [batch, width, ...] (default: true with four or more axes)"),
    ]
  ) { call in
    let run = try QuantizerRun(call, .init(call, "channel_first"))
    var c = try finiteConfiguration(call, run)
    c.codebooks = try call.int("num_codebooks", 1)
    c.clampsHard = try call.bool("bound_hard_clamp", false)
    return try run.outputs(FiniteScalarQuantizer(c, run.scope))
  }

  private static let residualFinite = StandardPart(
    "residual_fsq", aliases: ["ResidualFSQ"], "Residual finite scalar quantization.",
    inputs: common + [parameters("project_in.*, project_out.*")], outputs: results,
    options: finiteOptions + [
      Field("num_quantizers", "levels"), Field("bound_hard_clamp", "(true)"), Field("quantize_dropout", "(false)"),
      Field("keep_quantizers", "levels that dropout keeps (default: drawn)"),
    ]
  ) { call in
    let run = try QuantizerRun(call)
    var c = try finiteConfiguration(call, run)
    c.clampsHard = try call.bool("bound_hard_clamp", true)
    let quantizer = try ResidualQuantizer(c, quantizers: levels(call), run.scope)
    if try call.bool("quantize_dropout", false) {
      quantizer.dropout = .init(seed: c.seed, fixed: try call.int("keep_quantizers"))
    }
    return try run.outputs(quantizer)
  }

  private static func levels(_ call: PartCall) throws -> Int {
    let count = try call.demandInt("num_quantizers")
    guard (1...1024).contains(count) else { throw call.refuse("\(count) levels are not in 1...1024") }
    return count
  }

  private static let lookupOptions = [
    Field("codebook_size", "a power of two (default: 2^dim)"),
    Field("dim", "length of vectors (default: one for each bit)"),
    Field("entropy_loss_weight", "(0.1)"), Field("commitment_loss_weight", "(0)"), Field("diversity_gamma", "(1)"),
    Field("inv_temperature", "(100)"), Field("soft_clamp_input_value", "(none)"), Field("spherical", "(false)"),
    Field("experimental_softplus_entropy_loss", "(false)"), Field("entropy_loss_offset", "(5)"),
    Field("projection_has_bias", "(true)"), Field("cosine_sim_project_in", "(false)"),
    Field("orthogonal_rotation", "(false)"),
    Field("first_is_lowest", "the first dimension is the lowest bit (false)"), seed, training,
  ]

  private static func lookupConfiguration(_ call: PartCall, codebooks: Int) throws -> LookupFreeQuantizer.Configuration
  {
    let dim = try call.int("dim")
    var bits = dim.map { $0 / max(codebooks, 1) }
    if let size = try call.int("codebook_size") {
      guard size > 1, size & (size - 1) == 0 else { throw call.refuse("'codebook_size' \(size) is no power of two") }
      bits = size.trailingZeroBitCount
    }
    guard let bits else { throw call.refuse("the option 'codebook_size' or 'dim' is missing") }
    var c = LookupFreeQuantizer.Configuration(bits: bits, width: dim)
    c.codebooks = codebooks
    c.entropyWeight = try call.double("entropy_loss_weight", 0.1)
    c.commitmentWeight = try call.double("commitment_loss_weight", 0)
    c.diversityGamma = try call.double("diversity_gamma", 1)
    c.inverseTemperature = try call.double("inv_temperature", 100)
    c.softClamp = try call.double("soft_clamp_input_value")
    c.spherical = try call.bool("spherical", false)
    if try call.bool("experimental_softplus_entropy_loss", false) {
      c.softplusOffset = try call.double("entropy_loss_offset", 5)
    }
    c.projectionBias = try call.bool("projection_has_bias", true)
    c.cosineProjection = try call.bool("cosine_sim_project_in", false)
    c.rotates = try call.bool("orthogonal_rotation", false)
    c.firstIsLowest = try call.bool("first_is_lowest", false)
    c.seed = UInt64(bitPattern: Int64(try call.int("seed", 0)))
    return c
  }

  private static let lookupFree = StandardPart(
    "lfq", aliases: ["LFQ", "bsq"], "Lookup-free quantization; binary spherical quantization with spherical=true.",
    inputs: common + [mask, parameters("project_in.*, project_out.*, orthogonal_rot")], outputs: results,
    options: lookupOptions + [
      Field("num_codebooks", "(1)"), Field("codebook_scale", "(1)"),
      Field("channel_first", "z is [batch, width, ...] (default: true with four or more axes)"),
    ]
  ) { call in
    let run = try QuantizerRun(call, .init(call, "channel_first"))
    var c = try lookupConfiguration(call, codebooks: call.int("num_codebooks", 1))
    c.scale = try call.double("codebook_scale", 1)
    return try run.outputs(LookupFreeQuantizer(c, run.scope))
  }

  private static let residualLookupFree = StandardPart(
    "residual_lfq", aliases: ["ResidualLFQ"], "Residual lookup-free quantization.",
    inputs: common + [mask, parameters("project_in.*, project_out.*")], outputs: results,
    options: lookupOptions + [
      Field("num_quantizers", "levels"), Field("quantize_dropout", "(false)"),
      Field("keep_quantizers", "levels that dropout keeps (default: drawn)"),
    ]
  ) { call in
    let run = try QuantizerRun(call)
    let quantizer = try ResidualQuantizer(lookupConfiguration(call, codebooks: 1), quantizers: levels(call), run.scope)
    if try call.bool("quantize_dropout", false) {
      quantizer.dropout = .init(
        seed: UInt64(bitPattern: Int64(try call.int("seed", 0))), fixed: try call.int("keep_quantizers"))
    }
    return try run.outputs(quantizer)
  }

  // MARK: Others

  private static let sim = StandardPart(
    "sim_vq", aliases: ["SimVQ"], "Vector quantization with a codebook that is a linear map of fixed vectors.",
    inputs: common + [parameters("frozen_codebook, code_transform.weight")], outputs: results,
    options: [
      Field("codebook_size", "codes"), Field("frozen_codebook_dim", "(that of z)"), Field("rotation_trick", "(true)"),
      Field("input_to_quantize_commit_loss_weight", "(0.25)"), Field("commitment_weight", "(1)"), training,
    ]
  ) { call in
    let run = try QuantizerRun(call)
    return try run.outputs(
      SimVectorQuantizer(
        width: run.width ?? run.rows("code_transform.weight"), codebookSize: call.demandInt("codebook_size"),
        codeWidth: call.int("frozen_codebook_dim"),
        estimator: call.bool("rotation_trick", true) ? .rotation : .straightThrough,
        commitmentWeight: call.double("input_to_quantize_commit_loss_weight", 0.25),
        weight: call.double("commitment_weight", 1),
        run.scope))
  }

  private static let latent = StandardPart(
    "latent_quantize", aliases: ["LatentQuantize"], "Every dimension becomes the nearest of a few learned values.",
    inputs: [Field("z", "float [batch, width, ...]")] + common.dropFirst() + [parameters("values_per_latent.N")],
    outputs: results,
    options: [
      Field("levels", "list of how many values each dimension has"), Field("dim", "as many as levels"),
      Field("commitment_loss_weight", "(0.1)"), Field("quantization_loss_weight", "(0.1)"), training,
    ]
  ) { call in
    let run = try QuantizerRun(call, .channels)
    guard let levels = try call.ints("levels"), try call.int("dim", levels.count) == levels.count else {
      throw call.refuse("the option 'levels' is missing, or 'dim' is not their number")
    }
    return try run.outputs(
      LatentQuantizer(
        levels: levels, commitmentWeight: call.double("commitment_loss_weight", 0.1),
        quantizationWeight: call.double("quantization_loss_weight", 0.1), run.scope))
  }

  private static let mapper = StandardPart(
    "binary_mapper", aliases: ["BinaryMapper", "binary"],
    "Bits drawn from logits, as a one-hot vector with a soft gradient.",
    inputs: common, outputs: results,
    options: [
      Field("bits", "(the width of z)"), Field("kl_loss_threshold", "nats (log 2)"),
      Field("deterministic", "the likelier bits (true)"), seed, training,
    ]
  ) { call in
    let run = try QuantizerRun(call)
    return try run.outputs(
      BinaryMapper(
        bits: call.int("bits") ?? run.width ?? 1, threshold: call.double("kl_loss_threshold", 0.693_147_180_559_945_3),
        deterministic: call.bool("deterministic", true), seed: UInt64(bitPattern: Int64(call.int("seed", 0)))))
  }

  private static let perDimension = StandardPart(
    "per_dimension", aliases: ["tokenbridge"],
    "Every number becomes the nearest mean of an equally likely part of a normal distribution.",
    inputs: common, outputs: results.dropLast() + [Field("levels", "float [2^bits], on the normal axis")],
    options: [Field("bits", "(6)"), Field("range", "what three standard deviations stand for (5)"), training]
  ) { call in
    let run = try QuantizerRun(call)
    let quantizer = try NormalScalarQuantizer(
      width: run.width ?? 1, bits: call.int("bits", 6), range: call.double("range", 5))
    var outputs = try run.outputs(quantizer)
    outputs["levels"] = try Tensor(quantizer.levels.map(Float.init))
    return outputs
  }

  private static let gaussian = StandardPart(
    "kl", aliases: ["DiagonalGaussianDistribution"], "The bottleneck of variational autoencoders.",
    inputs: [
      Field("z", "float: means, then logarithms of variances, along an axis"),
      Field("noise", "standard normal, half as long along the axis; without it the mean is taken", optional: true),
      Field("cotangent", "asks for the gradient of Σ vectors · cotangent + loss", optional: true),
    ],
    outputs: [
      Field("vectors", "the latents"), Field("mode", "the means"),
      Field("loss", "weight · divergence, averaged over the batch"),
      Field("z_gradient", "of the shape of z", optional: true),
    ],
    options: [
      Field("axis", "(-1)"), Field("weight", "(1e-6)"), Field("training", "draw (default: false takes the mean)"),
    ]
  ) { call in
    let cotangent = call.optional("cotangent")
    let noise = call.optional("noise")
    let z = try cotangent == nil ? call.tensor("z") : call.tensor("z").withGradient()
    let bottleneck = GaussianBottleneck(axis: try call.int("axis", -1), weight: try call.double("weight", 1e-6))
    let posterior = try bottleneck(z)
    let draws = try call.bool("training", false)
    guard !draws || noise != nil else { throw call.refuse("a draw needs the input 'noise'") }
    let vectors = try draws && noise != nil ? posterior.sample(noise: noise ?? posterior.mean) : posterior.mode
    let loss = try bottleneck.loss(posterior)
    var outputs = ["vectors": vectors, "mode": posterior.mode, "loss": loss]
    if let cotangent {
      try ((vectors * cotangent).sum() + loss).backward()
      outputs["z_gradient"] = z.gradient
    }
    return outputs
  }
}
