import TesseraTensor

extension StandardParts {
  static let losses: [StandardPart] = [
    crossEntropy, distillation, reconstruction, multiScaleGradient, adversarial, leCam, adaptiveWeight, entropy,
    flowLoss,
    denoisingLoss, patchDiscriminator, blurDiscriminator,
  ]

  private static let loss = Field("loss", "float []")
  private static func gradient(_ name: String) -> Field {
    Field("\(name)_gradient", "of the shape of \(name)", optional: true)
  }
  private static let pictures = [
    Field("prediction", "float [batch, channels, height, width]"), Field("target", "the same shape"),
  ]

  private static let crossEntropy = StandardPart(
    "cross_entropy", "Cross-entropy of logits and classes.",
    inputs: [
      Field("logits", "float [batch, classes, ...]"), Field("target", "int64 [batch, ...]"),
      Field("weight", "float [classes]", optional: true),
    ],
    outputs: [loss, gradient("logits")],
    options: [
      Field("label_smoothing", "(0)"), Field("ignore_index", "(-100)"),
      Field("reduction", "mean (default), sum or none"),
    ]
  ) { call in
    let kinds: [String: CrossEntropy.Reduction] = ["mean": .mean, "sum": .sum, "none": .none]
    let name = try call.string("reduction", "mean")
    guard let reduction = kinds[name] else { throw call.refuse("'reduction' is mean, sum or none, not '\(name)'") }
    let function = CrossEntropy(
      labelSmoothing: try call.double("label_smoothing", 0), ignoreIndex: try call.int("ignore_index", -100),
      reduction: reduction)
    let (target, weight) = (try call.tensor("target"), call.optional("weight"))
    _ = try call.tensor("logits")
    return try call.graded(["logits"]) { ["loss": try function($0["logits"] ?? target, target, weights: weight)] }
  }

  private static let distillation = StandardPart(
    "distillation_kl", "T² · KL(teacher ‖ student) of softened distributions, averaged over the rows.",
    inputs: [Field("student", "float [..., classes], logits"), Field("teacher", "the same shape")],
    outputs: [loss, gradient("student")], options: [Field("temperature", "(1)")]
  ) { call in
    let (teacher, temperature) = (try call.tensor("teacher"), try call.double("temperature", 1))
    let student = try call.tensor("student")
    return try call.graded(["student"]) {
      ["loss": try distillationDivergence($0["student"] ?? student, teacher, temperature: temperature)]
    }
  }

  private static let reconstruction = StandardPart(
    "reconstruction", "The mean difference of two tensors.",
    inputs: [Field("prediction", "float [...]"), Field("target", "the same shape")],
    outputs: [loss, gradient("prediction")],
    options: [Field("kind", "l1, l2 (default), smooth_l1 or huber")]
  ) { call in
    let kind = try call.choice("kind", ReconstructionLoss.l2)
    return try compared(call) { ["loss": try kind($0, $1)] }
  }

  private static let multiScaleGradient = StandardPart(
    "multi_scale_gradient", "Differences of the slopes of two pictures at several sizes.",
    inputs: pictures, outputs: [loss, gradient("prediction")], options: [Field("scales", "(3)")]
  ) { call in
    let scales = try call.int("scales", 3)
    return try compared(call) { ["loss": try multiScaleGradientLoss($0, $1, scales: scales)] }
  }

  static func compared(
    _ call: PartCall, _ body: (Tensor, Tensor) throws -> [String: Tensor]
  ) throws -> [String: Tensor] {
    let (prediction, target) = (try call.tensor("prediction"), try call.tensor("target"))
    return try call.graded(["prediction"]) { try body($0["prediction"] ?? prediction, target) }
  }

  private static let adversarial = StandardPart(
    "adversarial", "Adversarial losses from a discriminator's logits.",
    inputs: [Field("real", "float [...], for the discriminator's side", optional: true), Field("fake", "float [...]")],
    outputs: [loss, gradient("real"), gradient("fake")],
    options: [
      Field("kind", "hinge (default) or non_saturating"), Field("side", "discriminator or generator (default)"),
    ]
  ) { call in
    let kind = try call.choice("kind", AdversarialLoss.hinge)
    let side = try call.string("side", "generator")
    guard side == "generator" || side == "discriminator" else {
      throw call.refuse("'side' is generator or discriminator")
    }
    let fake = try call.tensor("fake")
    if side == "discriminator" { _ = try call.tensor("real") }
    return try call.graded(["real", "fake"]) { leaves in
      let logits = leaves["fake"] ?? fake
      return [
        "loss": side == "generator"
          ? try kind.generator(fake: logits) : try kind.discriminator(real: leaves["real"] ?? logits, fake: logits)
      ]
    }
  }

  private static let leCam = StandardPart(
    "lecam", "Holds a discriminator's logits near moving averages of the other side.",
    inputs: [
      Field("real", "float [...], logits"), Field("fake", "float [...], logits"),
      Field("ema_real", "float [] (0)", optional: true),
      Field("ema_fake", "float [] (0)", optional: true),
    ],
    outputs: [
      loss, gradient("real"), gradient("fake"), Field("ema_real", "new averages"), Field("ema_fake", "new averages"),
    ],
    options: [Field("decay", "(0.999)"), Field("update_first", "averages are updated before they are used (false)")]
  ) { call in
    var regularizer = LeCamRegularizer(
      real: try call.optional("ema_real")?.item() ?? 0, fake: try call.optional("ema_fake")?.item() ?? 0,
      decay: try call.double("decay", 0.999), updatesFirst: try call.bool("update_first", false))
    let (real, fake) = (try call.tensor("real"), try call.tensor("fake"))
    return try call.graded(["real", "fake"]) { leaves in
      let value = try regularizer(real: leaves["real"] ?? real, fake: leaves["fake"] ?? fake)
      return [
        "loss": value, "ema_real": try Tensor(Float(regularizer.real)), "ema_fake": try Tensor(Float(regularizer.fake)),
      ]
    }
  }

  private static let adaptiveWeight = StandardPart(
    "adaptive_weight", "The weight at which the adversarial gradient is as large as the reconstruction's.",
    inputs: [
      Field("reconstruction_gradient", "float [...], at the last layer"), Field("adversarial_gradient", "float [...]"),
    ],
    outputs: [Field("weight", "float []")], options: [Field("maximum", "(10000)"), Field("epsilon", "(0.0001)")]
  ) { call in
    [
      "weight": try adaptiveAdversarialWeight(
        reconstructionGradient: call.tensor("reconstruction_gradient"),
        adversarialGradient: call.tensor("adversarial_gradient"),
        maximum: call.double("maximum", 1e4), epsilon: call.double("epsilon", 1e-4))
    ]
  }

  private static let entropy = StandardPart(
    "entropy_loss", "Mean entropy of single codes minus the entropy of all; bit by bit without a codebook.",
    inputs: [Field("z", "float [..., width]"), Field("codebook", "float [codes, width]", optional: true)],
    outputs: [
      loss, gradient("z"), gradient("codebook"), Field("sample_entropy", "float [], nats"),
      Field("batch_entropy", "float [], nats"),
    ],
    options: [Field("temperature", "(0.01)"), Field("scale", "codes are ±scale, without a codebook (1)")]
  ) { call in
    let z = try call.tensor("z")
    let (temperature, scale) = (try call.double("temperature", 0.01), try call.double("scale", 1))
    guard temperature > 0, z.rank > 0 else {
      throw call.refuse("a temperature above 0 and numbers with an axis are needed")
    }
    return try call.graded(["z", "codebook"]) { leaves in
      let points = leaves["z"] ?? z
      let result =
        try leaves["codebook"].map { try EntropyLoss.over($0, points, temperature: temperature) }
        ?? EntropyLoss.bitwise(points, scale: scale, temperature: temperature)
      return ["loss": try result.value(), "sample_entropy": result.sample, "batch_entropy": result.batch]
    }
  }

  private static let flowLoss = StandardPart(
    "rectified_flow_loss", "mean (prediction - (noise - data))² at (1 - s) · data + s · noise.",
    inputs: [
      Field("sample", "float [batch, ...]: data"), Field("noise", "the same shape"),
      Field("sigmas", "float [batch], 0 is data"),
      Field("model_output", "the same shape: the velocity"),
    ],
    outputs: [
      loss, gradient("model_output"), Field("noisy_sample", "what the model is asked about"),
      Field("target", "what it should say"),
    ]
  ) { call in
    let (data, noise) = (try call.tensor("sample"), try call.tensor("noise"))
    guard data.shape == noise.shape else { throw call.refuse("'noise' is \(noise.summary), not \(data.summary)") }
    let noisy = try RectifiedFlow.noised(data, noise, at: call.tensor("sigmas"))
    let output = try call.tensor("model_output")
    return try call.graded(["model_output"]) {
      [
        "loss": try RectifiedFlow.loss($0["model_output"] ?? output, data, noise), "noisy_sample": noisy,
        "target": try RectifiedFlow.target(data, noise),
      ]
    }
  }

  private static let denoisingLoss = StandardPart(
    "ddpm_loss", "The objective of denoising diffusion, with the bound that teaches a learned range of variances.",
    inputs: [
      Field("sample", "float [batch, channels, ...]: data in -1...1"), Field("noise", "the same shape"),
      Field("timesteps", "int64 [batch]"), Field("model_output", "float [batch, channels or twice as many, ...]"),
    ],
    outputs: [
      loss, gradient("model_output"), Field("noisy_sample", "what the model is asked about"),
      Field("mse", "float [batch]"),
      Field("variational_bound", "float [batch], bits per dimension", optional: true),
    ],
    options: [
      Field("num_train_timesteps", "(1000)"), Field("beta_start", "(0.0001)"), Field("beta_end", "(0.02)"),
      Field("beta_schedule", "linear (default), scaled_linear, squaredcos_cap_v2, ..."),
      Field("prediction_type", "epsilon (default), sample or v_prediction"),
    ]
  ) { call in
    let schedule = try NoiseSchedule(
      call.choice("beta_schedule", NoiseSchedule.Shape.linear), start: call.double("beta_start", 1e-4),
      end: call.double("beta_end", 0.02), steps: call.int("num_train_timesteps", 1000))
    let objective = DenoisingObjective(schedule, prediction: try call.choice("prediction_type", PredictionType.epsilon))
    let (data, noise, times) = (try call.tensor("sample"), try call.tensor("noise"), try call.tensor("timesteps"))
    let noisy = try objective.noised(data, noise, at: times)
    let output = try call.tensor("model_output")
    return try call.graded(["model_output"]) {
      let terms = try objective($0["model_output"] ?? output, data, noise, at: times)
      var outputs = ["loss": try terms.loss(), "mse": terms.squaredError, "noisy_sample": noisy]
      outputs["variational_bound"] = terms.variationalBound
      return outputs
    }
  }

  private static let patchDiscriminator = StandardPart(
    "patch_discriminator", aliases: ["NLayerDiscriminator"], "A discriminator of overlapping patches.",
    inputs: [
      Field("image", "float [batch, channels, height, width]"),
      Field("KEY", "parameters main.N.weight, ...; those left out are drawn at random", optional: true),
    ],
    outputs: [Field("logits", "float [batch, 1, rows, columns]")],
    options: [
      Field("width", "(64)"), Field("layers", "(3)"), Field("training", "statistics of the batch (false)"),
      Field("seed", "(0)"),
    ]
  ) { call in
    let image = try call.tensor("image")
    guard image.rank == 4 else {
      throw call.refuse("'image' is \(image.summary), not [batch, channels, height, width]")
    }
    return try network(call) { scope in
      let net = try PatchDiscriminator(
        .init(channels: image.size(1), width: call.int("width", 64), layers: call.int("layers", 3)), scope)
      return { ["logits": try net(image, training: call.bool("training", false))] }
    }
  }

  private static let blurDiscriminator = StandardPart(
    "blur_discriminator", "A discriminator that halves with a blur and judges at 16x16 places.",
    inputs: [
      Field("image", "float [batch, channels, height, width]"),
      Field("KEY", "parameters block_in.0.weight, ...; those left out are drawn at random", optional: true),
    ],
    outputs: [Field("logits", "float [batch, 1, 16, 16]")],
    options: [Field("width", "(128)"), Field("stages", "(3)"), Field("groups", "(32)"), Field("seed", "(0)")]
  ) { call in
    let image = try call.tensor("image")
    guard image.rank == 4 else {
      throw call.refuse("'image' is \(image.summary), not [batch, channels, height, width]")
    }
    return try network(call) { scope in
      let net = try BlurDiscriminator(
        .init(
          channels: image.size(1), width: call.int("width", 128), stages: call.int("stages", 3),
          groups: call.int("groups", 32)),
        scope)
      return { ["logits": try net(image)] }
    }
  }

  /// Makes a network, gives it the parameters among the inputs, and runs it.
  private static func network(
    _ call: PartCall, _ make: (Scope) throws -> () throws -> [String: Tensor]
  ) throws -> [String: Tensor] {
    let store = ParameterStore(seed: UInt64(bitPattern: Int64(try call.int("seed", 0))), trained: false)
    let run = try make(store.root)
    for key in call.remaining.keys.sorted() {
      guard let value = call.optional(key) else { continue }
      guard let parameter = store[key] else { throw call.refuse("there is no parameter '\(key)'") }
      try parameter.assign(value)
    }
    return try run()
  }
}
