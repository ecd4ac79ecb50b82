"""The neural half beside eager PyTorch of the same libtorch: small operations, forward passes, training steps, memory.

    python3 Benchmarks/networks.py [--rounds 5] [--steps 10] [--threads 1]

Both sides run in turns, in processes of their own, on the same folder with the same inputs; figures are the lowest of all
repetitions, and the ratio is Tessera / PyTorch. The loss after the steps is compared, so that both sides did the same work.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPS = ROOT / ".deps"
PYTHON = DEPS / "reference" / "bin" / "python"
TESSERA = ROOT / ".build" / "release" / "tessera"
FOLDERS = DEPS / "bench" / "networks"

IMPORTS = """
import sys, torch
for operator in ("nms", "qnms"):
    torch.library.define(f"torchvision::{operator}", "(Tensor boxes, Tensor scores, float threshold) -> Tensor")
import transformers
from safetensors.torch import save_file
"""

MAKE = """
root = sys.argv[1]
torch.manual_seed(0)
vit = transformers.ViTConfig(hidden_size=192, num_hidden_layers=6, num_attention_heads=3, intermediate_size=768, image_size=64,
    patch_size=8, num_labels=100, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
transformers.ViTForImageClassification(vit).save_pretrained(root + "/vit")
save_file({"pixel_values": torch.randn(32, 3, 64, 64)}, root + "/vit/inputs.safetensors")
llama = transformers.LlamaConfig(vocab_size=1000, hidden_size=192, num_hidden_layers=6, num_attention_heads=6,
    num_key_value_heads=2, intermediate_size=512, max_position_embeddings=256, tie_word_embeddings=True)
transformers.LlamaForCausalLM(llama).save_pretrained(root + "/llama")
save_file({"input_ids": torch.randint(0, 1000, (16, 128))}, root + "/llama/inputs.safetensors")
gpt2 = transformers.GPT2Config(vocab_size=1000, n_embd=192, n_layer=6, n_head=6, n_positions=256, resid_pdrop=0.0, embd_pdrop=0.0,
    attn_pdrop=0.0)
transformers.GPT2LMHeadModel(gpt2).save_pretrained(root + "/gpt2")
save_file({"input_ids": torch.randint(0, 1000, (16, 128))}, root + "/gpt2/inputs.safetensors")
"""

CASES = [("vit", "ViTForImageClassification"), ("llama", "LlamaForCausalLM"), ("gpt2", "GPT2LMHeadModel")]


def prepare():
    if not PYTHON.exists():
        print("setting up the reference libraries", file=sys.stderr)
        venv.create(DEPS / "reference", with_pip=True)
        requirements = ROOT / "Benchmarks" / "networks_requirements.txt"
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--requirement", requirements], check=True)
    if not all((FOLDERS / name / "inputs.safetensors").exists() for name, _ in CASES):
        FOLDERS.mkdir(parents=True, exist_ok=True)
        subprocess.run([PYTHON, "-c", IMPORTS + MAKE, str(FOLDERS)], check=True)


def output(command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stderr}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def peer(*arguments):
    return output([PYTHON, ROOT / "Benchmarks" / "networks_peer.py", *arguments])


def operations(rounds):
    sides = [(output([TESSERA, "bench", "operations", "--json"]), peer("operations")) for _ in range(rounds)]
    print(f"\n| operation, one thread | Tessera ns | PyTorch ns | ratio |\n|---|---|---|---|")
    for name in sides[0][0]:
        own, other = (min(side[place][name] for side in sides) for place in (0, 1))
        print(f"| {name} | {own:.0f} | {other:.0f} | {own / other:.2f} |")


def networks(rounds, steps, threads):
    print(f"\n| network, {threads} thread(s) | Tessera ms | PyTorch ms | ratio | loss, both |\n|---|---|---|---|---|")
    for name, architecture in CASES:
        folder = FOLDERS / name
        common = ["--model", folder, "--inputs", folder / "inputs.safetensors", "--output", "logits", "--steps", steps,
                  "--threads", threads]
        sides = []
        for _ in range(rounds):
            sides.append((output([TESSERA, "bench", "network", *common, "--train", "--json"]),
                          peer("network", "--architecture", architecture, *common)))
        for kind in ("forward", "step"):
            own, other = (min(min(side[place][kind]) for side in sides) * 1000 for place in (0, 1))
            losses = f"{sides[0][0]['loss']:.6f} {sides[0][1]['loss']:.6f}" if kind == "step" else ""
            print(f"| {name} {kind} | {own:.1f} | {other:.1f} | {own / other:.3f} | {losses} |", flush=True)


def memory(steps):
    """A loop that leaks shows as a peak that grows with the steps."""
    folder = FOLDERS / "tiny"
    if not (folder / "inputs.safetensors").exists():
        code = IMPORTS + """
config = transformers.GPT2Config(vocab_size=50, n_embd=16, n_layer=1, n_head=2, n_positions=16)
transformers.GPT2LMHeadModel(config).save_pretrained(sys.argv[1])
save_file({"input_ids": torch.randint(0, 50, (1, 8))}, sys.argv[1] + "/inputs.safetensors")
"""
        subprocess.run([PYTHON, "-c", code, str(folder)], check=True)
    print("\n| training steps of a tiny GPT-2 | peak MB | live tensors |\n|---|---|---|")
    for count in (steps // 100, steps):
        result = output([TESSERA, "bench", "network", "--model", folder, "--inputs", folder / "inputs.safetensors", "--output",
                         "logits", "--steps", count, "--train", "--json"])
        print(f"| {count} | {result['peak_bytes'] / 1e6:.1f} | {result['live_tensors']:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="processes of each side")
    parser.add_argument("--steps", type=int, default=10, help="timed steps in each process")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=["operations", "networks", "memory"])
    arguments = parser.parse_args()
    prepare()
    if arguments.only in (None, "operations"):
        operations(arguments.rounds)
    if arguments.only in (None, "networks"):
        networks(arguments.rounds, arguments.steps, arguments.threads)
    if arguments.only in (None, "memory"):
        memory(10_000)


if __name__ == "__main__":
    main()
