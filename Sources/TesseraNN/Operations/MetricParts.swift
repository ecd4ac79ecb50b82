import TesseraTensor

extension StandardParts {
  static let metrics: [StandardPart] = [ssim, multiScaleSSIM, psnr, frechet, kernel, inception]

  private static let pictures = [
    Field("prediction", "float [batch, channels, height, width]"), Field("target", "the same shape"),
  ]
  private static let range = Field("data_range", "the largest value minus the smallest that pixels can have (1)")

  private static let ssim = StandardPart(
    "ssim", "Structural similarity, and 1 minus its mean as a loss.", inputs: pictures,
    outputs: [
      Field("ssim", "float [batch]"), Field("loss", "float []"),
      Field("prediction_gradient", "of the loss", optional: true),
    ], options: [range]
  ) { call in
    let similarity = StructuralSimilarity(dataRange: try call.double("data_range", 1))
    return try compared(call) {
      let value = try similarity($0, $1)
      return ["ssim": value, "loss": try 1 - value.mean()]
    }
  }

  private static let multiScaleSSIM = StandardPart(
    "ms_ssim", "Structural similarity at several scales, and 1 minus its mean as a loss.", inputs: pictures,
    outputs: [
      Field("ms_ssim", "float [batch]"), Field("loss", "float []"),
      Field("prediction_gradient", "of the loss", optional: true),
    ], options: [range, Field("weights", "of the scales, the largest first (those of the paper: five)")]
  ) { call in
    let similarity = StructuralSimilarity(dataRange: try call.double("data_range", 1))
    let weights = try call.doubles("weights")
    return try compared(call) {
      let (x, y) = ($0, $1)
      let value = try weights.map { try similarity.multiScale(x, y, weights: $0) } ?? similarity.multiScale(x, y)
      return ["ms_ssim": value, "loss": try 1 - value.mean()]
    }
  }

  private static let psnr = StandardPart(
    "psnr", "Peak signal-to-noise ratio; infinite for equal pictures.",
    inputs: [Field("prediction", "float [batch, ...]"), Field("target", "the same shape")],
    outputs: [Field("psnr", "double [batch], decibels")], options: [range]
  ) { call in
    [
      "psnr": try peakSignalToNoiseRatio(
        call.tensor("prediction"), call.tensor("target"), dataRange: call.double("data_range", 1))
    ]
  }

  private static let frechet = StandardPart(
    "frechet_distance", aliases: ["fid"],
    "The Fréchet distance of two sets of features, or of their moments, in double precision.",
    inputs: [
      Field("real", "float [count, width]", optional: true), Field("fake", "float [count, width]", optional: true),
      Field("real_mean", "float [width], in the place of real", optional: true),
      Field("real_covariance", "float [width, width]", optional: true),
      Field("fake_mean", "float [width]", optional: true),
      Field("fake_covariance", "float [width, width]", optional: true),
    ],
    outputs: [Field("distance", "double []")]
  ) { call in
    func moments(_ side: String) throws -> (mean: Tensor, covariance: Tensor) {
      guard let features = call.optional(side) else {
        return (try call.tensor(side + "_mean"), try call.tensor(side + "_covariance"))
      }
      var moments = FeatureMoments()
      try moments.add(features)
      return try moments.values()
    }
    return ["distance": try Tensor(frechetDistance(moments("real"), moments("fake")))]
  }

  private static let kernel = StandardPart(
    "kernel_distance", aliases: ["kid"],
    "The unbiased squared maximum mean discrepancy with a cubic kernel, in double precision.",
    inputs: [Field("real", "float [count, width]"), Field("fake", "float [count, width]")],
    outputs: [Field("distance", "double []")]
  ) { call in ["distance": try Tensor(kernelDistance(call.tensor("real"), call.tensor("fake")))] }

  private static let inception = StandardPart(
    "inception_score", "exp(mean KL(p(y|x) ‖ p(y))) of class probabilities.",
    inputs: [Field("probabilities", "float [count, classes]")], outputs: [Field("score", "double []")]
  ) { call in ["score": try Tensor(inceptionScore(call.tensor("probabilities")))] }
}
