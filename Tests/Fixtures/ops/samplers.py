"""Samplers against diffusers 0.42.1: each scheduler walks its schedule with given model outputs and given noise."""

import torch
import diffusers.schedulers.scheduling_ddim as ddim
import diffusers.schedulers.scheduling_ddpm as ddpm
import diffusers.schedulers.scheduling_dpmsolver_multistep as dpm
import diffusers.schedulers.scheduling_euler_discrete as euler
import diffusers.schedulers.scheduling_flow_match_euler_discrete as flow_euler
import diffusers.schedulers.scheduling_flow_match_heun_discrete as flow_heun
import diffusers.schedulers.scheduling_heun_discrete as heun
from cases import randn, write

KINDS = {
    "ddim": (ddim, "DDIMScheduler"),
    "ddpm": (ddpm, "DDPMScheduler"),
    "dpm_solver_multistep": (dpm, "DPMSolverMultistepScheduler"),
    "euler": (euler, "EulerDiscreteScheduler"),
    "heun": (heun, "HeunDiscreteScheduler"),
    "flow_match_euler": (flow_euler, "FlowMatchEulerDiscreteScheduler"),
    "flow_match_heun": (flow_heun, "FlowMatchHeunDiscreteScheduler"),
}


def walk(op, case, steps, seed=1, shape=(2, 3, 4, 4), call=None, step=None, scale=1.0, double=False, **config):
    """Steps through the whole schedule; `call` are set_timesteps' options, `step` those of step()."""
    module, name = KINDS[op]
    scheduler = getattr(module, name)(**config)
    scheduler.set_timesteps(steps, **(call or {}))
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)  # a schedule whose first time stands twice is otherwise entered at its second step
    count = len(scheduler.timesteps)
    width = shape[1] * (2 if double else 1)
    outputs = randn(seed, count, shape[0], width, *shape[2:]) * scale
    noise = randn(seed + 1, count, *shape)
    sample = first = randn(seed + 2, *shape)
    position = {"i": 0}
    module.randn_tensor = lambda *a, **k: noise[position["i"]]
    previous, originals = [], []
    for index, t in enumerate(scheduler.timesteps):
        position["i"] = index
        if hasattr(scheduler, "is_scale_input_called"):
            scheduler.scale_model_input(sample, t)
        result = scheduler.step(outputs[index], t, sample, **(step or {}))
        sample = result.prev_sample
        previous.append(sample)
        if getattr(result, "pred_original_sample", None) is not None:
            originals.append(result.pred_original_sample)
    expected = {"timesteps": scheduler.timesteps, "prev_sample": torch.stack(previous), "sample": sample}
    if hasattr(scheduler, "sigmas"):
        expected["sigmas"] = scheduler.sigmas
    if originals:
        expected["pred_original_sample"] = torch.stack(originals)
    assert all(torch.isfinite(v).all() for v in expected.values()), (op, case)
    write(op, case, {"sample": first, "model_outputs": outputs, "noise": noise}, expected,
          num_inference_steps=steps, **config, **(call or {}), **(step or {}))


def diffusion(op):
    walk(op, "defaults", 5)
    walk(op, "leading_offset", 7, seed=10, timestep_spacing="leading", steps_offset=1, beta_schedule="scaled_linear",
         beta_start=0.00085, beta_end=0.012)
    walk(op, "trailing", 6, seed=20, timestep_spacing="trailing", prediction_type="v_prediction")
    walk(op, "linspace", 4, seed=30, timestep_spacing="linspace", prediction_type="sample")
    walk(op, "cosine", 5, seed=40, beta_schedule="squaredcos_cap_v2")
    walk(op, "few_training_steps", 3, seed=50, num_train_timesteps=20, beta_start=0.001, beta_end=0.2)


def all_cases():
    diffusion("ddim")
    walk("ddim", "eta", 5, seed=60, step=dict(eta=1.0), clip_sample=False)
    walk("ddim", "eta_half", 5, seed=61, step=dict(eta=0.5, use_clipped_model_output=True), clip_sample_range=0.8)
    walk("ddim", "last_alpha", 5, seed=62, clip_sample=False, set_alpha_to_one=False, steps_offset=1)
    walk("ddim", "thresholding", 4, seed=63, thresholding=True, dynamic_thresholding_ratio=0.9, sample_max_value=1.5, scale=2.0)
    walk("ddim", "zero_snr", 5, seed=64, rescale_betas_zero_snr=True, timestep_spacing="trailing",
         prediction_type="v_prediction", clip_sample=False)
    walk("ddim", "given_betas", 4, seed=65, num_train_timesteps=12, trained_betas=[0.01 * (i + 1) for i in range(12)])

    diffusion("ddpm")
    for kind in ("fixed_small_log", "fixed_large"):
        walk("ddpm", kind, 5, seed=70, variance_type=kind, clip_sample=False)
    walk("ddpm", "learned_range", 5, seed=71, variance_type="learned_range", double=True, scale=0.5)
    walk("ddpm", "thresholding", 4, seed=72, thresholding=True, dynamic_thresholding_ratio=0.9, sample_max_value=1.5)
    walk("ddpm", "sigmoid", 4, seed=73, beta_schedule="sigmoid")

    diffusion("dpm_solver_multistep")
    p = "dpm_solver_multistep"
    walk(p, "many", 20, seed=80, shape=(1, 2, 3, 3))
    walk(p, "many_leading_euler_final", 16, seed=81, shape=(1, 2, 3, 3), timestep_spacing="leading", euler_at_final=True)
    walk(p, "first_order", 6, seed=82, solver_order=1)
    walk(p, "third_order", 8, seed=83, solver_order=3, shape=(1, 2, 3, 3))
    walk(p, "heun", 8, seed=84, solver_type="heun")
    walk(p, "sigma_min", 6, seed=85, final_sigmas_type="sigma_min")
    walk(p, "sigma_min_higher_order", 17, seed=86, final_sigmas_type="sigma_min", lower_order_final=False, shape=(1, 2, 3, 3))
    walk(p, "karras", 8, seed=87, use_karras_sigmas=True)
    walk(p, "karras_cosine", 8, seed=88, use_karras_sigmas=True, beta_schedule="squaredcos_cap_v2")
    walk(p, "lambdas", 8, seed=89, use_lu_lambdas=True)
    walk(p, "exponential", 6, seed=90, use_exponential_sigmas=True)
    walk(p, "thresholding", 6, seed=91, thresholding=True, dynamic_thresholding_ratio=0.9, sample_max_value=1.5)
    walk(p, "stochastic", 6, seed=92, algorithm_type="sde-dpmsolver++")
    walk(p, "noise_prediction", 6, seed=93, algorithm_type="dpmsolver", final_sigmas_type="sigma_min")
    walk(p, "flow", 6, seed=94, use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0)
    walk(p, "zero_snr", 6, seed=95, rescale_betas_zero_snr=True, timestep_spacing="trailing", prediction_type="v_prediction")
    walk(p, "clipped_lambda", 6, seed=96, lambda_min_clipped=-5.1, beta_schedule="squaredcos_cap_v2")
    walk(p, "learned_variance", 5, seed=97, variance_type="learned_range", double=True)

    diffusion("euler")
    walk("euler", "karras", 6, seed=100, use_karras_sigmas=True)
    walk("euler", "sigma_min", 6, seed=101, final_sigmas_type="sigma_min")
    walk("euler", "churn", 6, seed=102, step=dict(s_churn=2.0, s_noise=1.1), timestep_spacing="trailing")
    walk("euler", "exponential", 6, seed=103, use_exponential_sigmas=True)
    diffusion("heun")
    walk("heun", "karras", 5, seed=110, use_karras_sigmas=True)
    walk("heun", "clipped", 5, seed=111, clip_sample=True, clip_sample_range=0.7)

    f = "flow_match_euler"
    walk(f, "defaults", 5, seed=120)
    walk(f, "shift", 7, seed=121, shift=3.0)
    walk(f, "dynamic", 6, seed=122, use_dynamic_shifting=True, call=dict(mu=0.8))
    walk(f, "dynamic_linear", 6, seed=123, use_dynamic_shifting=True, time_shift_type="linear", call=dict(mu=1.7))
    walk(f, "terminal", 6, seed=124, use_dynamic_shifting=True, shift_terminal=0.1, call=dict(mu=1.15))
    walk(f, "karras", 6, seed=125, use_karras_sigmas=True)
    walk(f, "exponential", 6, seed=126, use_exponential_sigmas=True)
    walk(f, "inverted", 6, seed=127, invert_sigmas=True)
    walk(f, "stochastic", 6, seed=128, stochastic_sampling=True)
    walk(f, "given_sigmas", 4, seed=129, shift=2.0, call=dict(sigmas=[1.0, 0.7, 0.4, 0.1]))
    walk("flow_match_heun", "defaults", 5, seed=130)
    walk("flow_match_heun", "shift", 6, seed=131, shift=3.0)
