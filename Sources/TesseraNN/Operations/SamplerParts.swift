import Foundation
import TesseraTensor

extension StandardParts {
  static let samplers: [StandardPart] = [
    sampler("ddim", "DDIMScheduler", "Denoising diffusion implicit models.", steps: [eta, clipped]) { c, n, call in
      try DDIMSampler(
        c, steps: n, eta: call.double("eta", 0), usesClippedOutput: call.bool("use_clipped_model_output", false))
    },
    sampler("ddpm", "DDPMScheduler", "Denoising diffusion probabilistic models.") { c, n, _ in
      try DDPMSampler(c, steps: n)
    },
    sampler("dpm_solver_multistep", "DPMSolverMultistepScheduler", "DPM-Solver++ of order 1, 2 and 3.") { c, n, _ in
      try DPMSolver(c, steps: n)
    },
    sampler("euler", "EulerDiscreteScheduler", "Euler's method over noise levels.", steps: churn) { c, n, call in
      let range = (try call.double("s_tmin", 0), try call.double("s_tmax", .infinity))
      guard range.0 <= range.1 else { throw call.refuse("'s_tmin' is above 's_tmax'") }
      return try EulerSampler(
        c, steps: n,
        churn: .init(amount: call.double("s_churn", 0), range: range.0...range.1, noise: call.double("s_noise", 1)))
    },
    sampler(
      "heun", "HeunDiscreteScheduler", "Heun's method over noise levels: two outputs for every step but the last."
    ) { c, n, _ in
      try HeunSampler(c, steps: n)
    },
    sampler(
      "flow_match_euler", "FlowMatchEulerDiscreteScheduler", "Euler's method along a rectified flow.", steps: flow
    ) { c, n, call in
      try FlowEulerSampler(c, steps: n, mu: call.double("mu"), sigmas: call.doubles("sigmas"))
    },
    sampler("flow_match_heun", "FlowMatchHeunDiscreteScheduler", "Heun's method along a rectified flow.") { c, n, _ in
      try FlowHeunSampler(c, steps: n)
    },
  ]

  private static let eta = Field("eta", "0: no noise; 1: that of DDPM (0)")
  private static let clipped = Field("use_clipped_model_output", "(false)")
  private static let churn = [
    Field("s_churn", "(0)"), Field("s_tmin", "(0)"), Field("s_tmax", "(infinite)"), Field("s_noise", "(1)"),
  ]
  private static let flow = [
    Field("mu", "dynamic shift, with use_dynamic_shifting"), Field("sigmas", "list of noise levels before shifting"),
  ]

  private static func sampler(
    _ name: String, _ alias: String, _ summary: String, steps: [Field] = [],
    _ make: @escaping @Sendable (SchedulerConfiguration, Int, PartCall) throws -> any DiffusionSampler
  ) -> StandardPart {
    StandardPart(
      name, aliases: [alias], summary + " Walks a schedule with given model outputs.",
      inputs: [
        Field("sample", "float [batch, channels, ...]: where the walk starts"),
        Field(
          "model_outputs",
          "float [steps, batch, channels, ...]: what the model says at each step; without it only the schedule comes out",
          optional: true),
        Field(
          "noise", "float [steps, batch, channels, ...]: what samplers with noise add at each step", optional: true),
      ],
      outputs: [
        Field("timesteps", "what the model is told at each step"), Field("sigmas", "noise levels", optional: true),
        Field("prev_sample", "float [steps, batch, channels, ...]: after each step"),
        Field("sample", "after the last step"),
        Field("pred_original_sample", "float [steps, ...]: the data each step takes for granted", optional: true),
        Field("init_noise_sigma", "float []: what the starting noise is multiplied by"),
      ],
      options: [Field("num_inference_steps", "steps")] + steps
        + SchedulerConfiguration.CodingKeys.allCases.map { Field($0.rawValue, "as in scheduler_config.json") }
    ) { call in
      let own = Set(["num_inference_steps"] + steps.map(\.name))
      let sampler = try make(configuration(call, without: own), call.demandInt("num_inference_steps"), call)
      return try walk(sampler, call)
    }
  }

  private static func configuration(_ call: PartCall, without own: Set<String>) throws -> SchedulerConfiguration {
    var settings = call.settings.filter { !own.contains($0.key) }
    // Python's JSON writes minus infinity, which is no bound at all.
    if case .string = settings["lambda_min_clipped"] { settings["lambda_min_clipped"] = nil }
    do {
      return try JSONDecoder().decode(SchedulerConfiguration.self, from: JSONEncoder().encode(settings))
    } catch DecodingError.dataCorrupted(let context) {
      throw call.refuse("\(context.codingPath.map(\.stringValue).joined(separator: ".")): \(context.debugDescription)")
    } catch DecodingError.typeMismatch(_, let context) {
      throw call.refuse("\(context.codingPath.map(\.stringValue).joined(separator: ".")): \(context.debugDescription)")
    }
  }

  private static func walk(_ given: any DiffusionSampler, _ call: PartCall) throws -> [String: Tensor] {
    var sampler = given
    let whole = sampler is DDIMSampler || sampler is DDPMSampler || sampler is DPMSolver
    let times = sampler.timesteps
    var outputs = [
      "timesteps": whole ? try Tensor(times.map { Int($0) }) : try Tensor(times.map { Float($0) }),
      "init_noise_sigma": try Tensor(Float(sampler.initialScale)),
    ]
    if let sigmas = levels(sampler) { outputs["sigmas"] = try Tensor(sigmas.map { Float($0) }) }
    let (start, said, noise) = (call.optional("sample"), call.optional("model_outputs"), call.optional("noise"))
    guard let said else { return outputs }
    guard var sample = start, sample.rank > 0 else { throw call.refuse("the input 'sample' is missing") }
    for (name, tensor) in [("model_outputs", said), ("noise", noise ?? said)] {
      guard tensor.rank == sample.rank + 1, tensor.size(0) == times.count else {
        throw call.refuse("'\(name)' is \(tensor.summary), and \(times.count) steps of \(sample.summary) are expected")
      }
    }
    var (samples, originals): ([Tensor], [Tensor]) = ([], [])
    for index in times.indices {
      let fresh = try noise?.selected(index, axis: 0)
      let step = try sampler.step(said.selected(index, axis: 0), sample, noise: fresh)
      sample = step.sample
      samples.append(sample)
      if let original = step.original { originals.append(original) }
    }
    outputs["sample"] = sample
    outputs["prev_sample"] = try .stacked(samples)
    if !originals.isEmpty { outputs["pred_original_sample"] = try .stacked(originals) }
    return outputs
  }

  private static func levels(_ sampler: any DiffusionSampler) -> [Double]? {
    switch sampler {
    case let sampler as DPMSolver: sampler.sigmas
    case let sampler as EulerSampler: sampler.sigmas
    case let sampler as HeunSampler: sampler.sigmas
    case let sampler as FlowEulerSampler: sampler.sigmas
    case let sampler as FlowHeunSampler: sampler.sigmas
    default: nil
    }
  }
}
