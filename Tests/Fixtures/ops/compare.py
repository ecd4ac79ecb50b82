"""Compares `tessera inspect --op` with the references on random options, beyond the fixtures.

    python Tests/Fixtures/ops/compare.py --tessera .build/release/tessera [--seed 7] [--rounds 10]

Prints every difference above 1e-4 of the largest value (codes: any), and how many cases there were. Cases that the reference refuses,
or answers with infinities, are left out. Versions as in make.py.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import cases
import quantizers
import samplers
from safetensors.torch import load_file


def attempt(function, *arguments, **options):
    try:
        function(*arguments, **options)
    except Exception as error:  # the reference's own limits
        print("left out:", arguments[0], options, type(error).__name__, file=sys.stderr)


def vector(r, i):
    o = {"decay": r.choice([0.8, 0.9, 0.99])}
    if r.random() < 0.4:
        o["use_cosine_sim"] = True
    elif r.random() < 0.3:
        o.update(learnable_codebook=True, ema_update=False)
    if r.random() < 0.3:
        o.update(heads=2, codebook_dim=r.choice([2, 4]), separate_codebook_per_head=r.random() < 0.5)
    elif r.random() < 0.3:
        o["codebook_dim"] = r.choice([3, 5])
    if r.random() < 0.5:
        o["rotation_trick"] = False
    if r.random() < 0.3:
        o["commitment_weight"] = r.choice([0.0, 0.25, 2.0])
    attempt(quantizers.vq, f"random{i}", r.random() < 0.8, steps=r.choice([1, 2, 5]), seed=1000 + i, size=r.choice([5, 16, 40]), **o)
    attempt(quantizers.residual, f"random{i}", r.random() < 0.7, steps=2, seed=2000 + i, quantizers=r.randrange(1, 5),
            size=r.choice([4, 12]))


def scalar(r, i):
    o = {"levels": [r.randrange(3, 9) for _ in range(r.randrange(1, 5))], "preserve_symmetry": r.random() < 0.5}
    if r.random() < 0.4:
        o["dim"] = 7
    if r.random() < 0.3:
        o["num_codebooks"] = 2
    attempt(quantizers.finite, f"random{i}", training=r.random() < 0.7, seed=3000 + i, **o)
    attempt(quantizers.lookup, f"random{i}", training=r.random() < 0.8, seed=4000 + i, codebook_size=2 ** r.randrange(1, 8),
            dim=r.choice([6, 8]), spherical=r.random() < 0.4, entropy_loss_weight=0.1, commitment_loss_weight=r.choice([0, 0.25]),
            diversity_gamma=r.choice([1.0, 3.0]))


def walk(r, i):
    for op in ("ddim", "ddpm", "dpm_solver_multistep", "euler", "heun"):
        o = dict(beta_schedule=r.choice(["linear", "scaled_linear", "squaredcos_cap_v2"]),
                 prediction_type=r.choice(["epsilon", "sample", "v_prediction"]),
                 timestep_spacing=r.choice(["leading", "trailing", "linspace"]), steps_offset=r.choice([0, 0, 1]))
        step = {"eta": r.choice([0.0, 0.7])} if op == "ddim" else None
        if op in ("ddim", "ddpm"):
            o["clip_sample"] = r.random() < 0.5
            if r.random() < 0.3:
                o.update(thresholding=True, dynamic_thresholding_ratio=0.95, sample_max_value=2.0)
            o["num_train_timesteps"] = r.choice([1000, 1000, 50, 333])
        if op == "ddim":
            o["set_alpha_to_one"] = r.random() < 0.5
        if op == "dpm_solver_multistep":
            o.update(solver_order=r.choice([1, 2, 3]), lower_order_final=r.random() < 0.5, euler_at_final=r.random() < 0.3,
                     final_sigmas_type=r.choice(["zero", "sigma_min"]), solver_type=r.choice(["midpoint", "heun"]),
                     algorithm_type=r.choice(["dpmsolver++", "dpmsolver++", "sde-dpmsolver++"]))
            kind = r.choice([None, "use_karras_sigmas", "use_lu_lambdas", "use_exponential_sigmas"])
            if kind:
                o[kind] = True
        if op in ("euler", "heun") and r.random() < 0.4:
            o[r.choice(["use_karras_sigmas", "use_exponential_sigmas"])] = True
        if r.random() < 0.2 and op != "heun":
            o.update(rescale_betas_zero_snr=True, prediction_type="v_prediction")
        attempt(samplers.walk, op, f"random{i}", r.choice([1, 2, 3, 7, 16, 21]), seed=5000 + i, shape=(1, 2, 3, 3), step=step, **o)
    shift = r.choice([1.0, 2.5, 6.0])
    extra = {"shift_terminal": 0.02} if r.random() < 0.3 else {}
    attempt(samplers.walk, "flow_match_euler", f"random{i}", r.choice([1, 2, 5, 28]), seed=6000 + i, shape=(1, 2, 3, 3), shift=shift,
            **extra)
    attempt(samplers.walk, "flow_match_heun", f"random{i}", r.choice([2, 5, 28]), seed=7000 + i, shape=(1, 2, 3, 3), shift=shift)


def differences(program, case, results):
    options = json.loads((case / "options.json").read_text())
    settings = [part for key, value in options.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    done = subprocess.run([program, "inspect", "--op", case.parent.name, "--inputs", str(case / "inputs.safetensors"),
                           "--outputs", str(results), *settings], capture_output=True, text=True)
    if done.returncode:
        return [done.stderr.strip()]
    found, expected, wrong = load_file(str(results)), load_file(str(case / "expected.safetensors")), []
    for key, value in expected.items():
        own = found.get(key)
        if own is None or own.shape != value.shape:
            wrong.append(f"{key}: missing or of another shape")
        elif value.numel():
            difference = (own.double() - value.double()).abs().max().item()
            limit = 1e-4 * max(1, value.double().abs().max().item()) if value.is_floating_point() else 0
            if not difference <= limit:
                wrong.append(f"{key}: {difference:.3g} above {limit:.3g}")
    return [f"{text} {json.dumps(options)}" for text in wrong]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tessera", required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    r = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        cases.ROOT = Path(folder) / "cases"
        for i in range(arguments.rounds):
            vector(r, i)
            scalar(r, i)
            walk(r, i)
        count = bad = 0
        for case in sorted(cases.ROOT.glob("*/*")):
            count += 1
            for text in differences(arguments.tessera, case, Path(folder) / "out.safetensors"):
                bad += 1
                print(f"{case.parent.name}/{case.name}: {text}")
    print(f"{count} cases, {bad} differences")
    sys.exit(bad > 0)


main()
