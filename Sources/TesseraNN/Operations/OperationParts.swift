import Foundation
import TesseraTensor

extension StandardParts {
  static let operations: [StandardPart] = [matching, pursuit, guidance, timeShift, respacing]

  private static let matching = StandardPart(
    "bipartite_soft_matching", aliases: ["tome"], "Merges the most similar tokens (Token Merging).",
    inputs: [
      Field("metric", "float [batch, tokens, width]: what similarity is measured by"),
      Field("x", "float [batch, tokens, any width]: what is merged (default: metric)", optional: true),
      Field("size", "float [batch, tokens, 1]: how much each token stands for (default: 1)", optional: true),
      Field("source", "float [batch, tokens, original]: what each token stands for (default: itself)", optional: true),
    ],
    outputs: [
      Field("x", "float [batch, tokens - r, any width]: averages weighted by size; kept even tokens, then odd ones"),
      Field("size", "float [batch, tokens - r, 1]"),
      Field("source", "float [batch, tokens - r, original], zeros and ones"),
      Field("unmerged", "float [batch, tokens, any width]: x copied back to the tokens' places"),
      Field("unm_idx", "int64 [batch, kept]: kept tokens among the even ones"),
      Field("src_idx", "int64 [batch, r]: merged ones"),
      Field("dst_idx", "int64 [batch, r]: what they go into, among the odd ones"),
    ],
    options: [
      Field("r", "tokens to merge; at most half of those that may be"), Field("class_token", "token 0 stays (false)"),
      Field("distill_token", "token 1 stays (false)"),
    ]
  ) { call in
    let metric = try call.tensor("metric")
    let (x, size, source) = (call.optional("x") ?? metric, call.optional("size"), call.optional("source"))
    let m = try BipartiteMatching(
      metric: metric, merging: call.demandInt("r"), classToken: call.bool("class_token", false),
      distillationToken: call.bool("distill_token", false))
    let merged = try m.averaged(x, size)
    return [
      "x": merged.x, "size": merged.sizes, "source": try m.sourceMatrix(source), "unmerged": try m.unmerged(merged.x),
      "unm_idx": m.kept, "src_idx": m.sources, "dst_idx": m.destinations,
    ]
  }

  private static let pursuit = StandardPart(
    "orthogonal_matching_pursuit", aliases: ["omp"], "Approximates vectors by few atoms of a dictionary each.",
    inputs: [
      Field("dictionary", "float [atoms, width]"), Field("targets", "float [targets, width]"),
      Field("base", "float [atoms, any width]: other vectors to combine in the same way", optional: true),
    ],
    outputs: [
      Field("indices", "int64 [targets, k], in the order of choice"), Field("coefficients", "float [targets, k]"),
      Field("reconstruction", "float [targets, width]"), Field("residual", "float [targets, width]"),
      Field("transferred", "float [targets, any width]: the combinations of base", optional: true),
    ],
    options: [Field("k", "atoms for each target")]
  ) { call in
    let (dictionary, targets, base) = (try call.tensor("dictionary"), try call.tensor("targets"), call.optional("base"))
    let result = try OrthogonalMatchingPursuit(dictionary: dictionary, targets: targets, atoms: call.demandInt("k"))
    var outputs = [
      "indices": result.indices, "coefficients": result.coefficients, "residual": result.residual,
      "reconstruction": try result.combined(dictionary),
    ]
    if let base {
      guard base.rank == 2, base.size(0) == dictionary.size(0) else {
        throw call.refuse("'base' is \(base.summary), and \(dictionary.size(0)) rows are expected")
      }
      outputs["transferred"] = try result.combined(base)
    }
    return outputs
  }

  private static let guidance = StandardPart(
    "classifier_free_guidance", aliases: ["cfg"], "u + scale · (c - u).",
    inputs: [Field("conditional", "float [batch, channels, ...]"), Field("unconditional", "the same shape")],
    outputs: [Field("output", "the same shape")],
    options: [
      Field("scale", "1 is the conditional model"), Field("guided_channels", "leading channels that are guided (all)"),
      Field("rescale", "share whose deviation is brought back (0)"),
    ]
  ) { call in
    let guide = ClassifierFreeGuidance(
      scale: try call.double("scale", 1), guidedChannels: try call.int("guided_channels"),
      rescale: try call.double("rescale", 0))
    return [
      "output": try guide(conditional: call.tensor("conditional"), unconditional: call.tensor("unconditional"))
    ]
  }

  private static let timeShift = StandardPart(
    "time_shift", "Times of a rectified flow, 0 data and 1 noise: shifted, or drawn from a logit-normal distribution.",
    inputs: [
      Field("sigmas", "float: times to shift", optional: true),
      Field("normal", "float: standard normal numbers, in the place of sigmas", optional: true),
    ],
    outputs: [Field("sigmas", "float")],
    options: [
      Field("shift", "(1)"), Field("mu", "exponent of a dynamic shift"), Field("tokens", "in the place of mu"),
      Field("mean", "(0)"), Field("std", "(1)"),
    ]
  ) { call in
    let normal = call.optional("normal")
    var times =
      try normal.map {
        try FlowTime.logitNormal($0, mean: call.double("mean", 0), deviation: call.double("std", 1))
      } ?? call.tensor("sigmas")
    if let shift = try call.double("shift") { times = try FlowTime.shifted(times, by: shift) }
    let dynamic = try call.double("mu") ?? call.int("tokens").map { FlowTime.dynamicMu(tokens: $0) }
    if let dynamic { times = try FlowTime.shifted(times, mu: dynamic) }
    return ["sigmas": times]
  }

  private static let respacing = StandardPart(
    "respacing", "A diffusion process with fewer steps.", inputs: [],
    outputs: [Field("timesteps", "int64 [steps]: those kept, rising"), Field("betas", "double [steps]: between them")],
    options: [
      Field("num_inference_steps", "how many are kept"), Field("num_train_timesteps", "(1000)"),
      Field("beta_start", "(0.0001)"), Field("beta_end", "(0.02)"), Field("kind", "strided (default) or ddim"),
    ]
  ) { call in
    let steps = try call.int("num_train_timesteps", 1000)
    guard (1...1_000_000).contains(steps) else {
      throw call.refuse("'num_train_timesteps' \(steps) is not in 1...1000000")
    }
    let betas = TimestepGrid.line(try call.double("beta_start", 1e-4), try call.double("beta_end", 0.02), steps)
    let count = try call.demandInt("num_inference_steps")
    let kind = try call.string("kind", "strided")
    guard kind == "strided" || kind == "ddim" else { throw call.refuse("'kind' is strided or ddim, not '\(kind)'") }
    let result = try kind == "ddim" ? Respacing.ddim(betas, count: count) : Respacing.strided(betas, count: count)
    return ["timesteps": try Tensor(result.timesteps), "betas": try Tensor(result.betas)]
  }
}
