"""The other side of networks.py: eager PyTorch on the same folder and inputs; prints JSON. Run by networks.py."""

import argparse
import json
import time
import timeit

import torch
from safetensors.torch import load_file

# A torchvision built for another libtorch lacks these operators and stops the import of transformers.
for operator in ("nms", "qnms"):
    try:
        torch.library.define(f"torchvision::{operator}", "(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    except RuntimeError:
        pass


def operations():
    import einops

    torch.set_num_threads(1)
    x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    leaf = x.clone().requires_grad_()
    batch = torch.ones(2, 3, 4)
    cases = {
        "add": lambda: x + x,
        "add, recorded": lambda: leaf + x,
        "reshape": lambda: batch.reshape(6, 4),
        "exp, by name": lambda: x.exp(),
        "sum over an axis, by name": lambda: batch.sum([1]),
        "rearrange": lambda: einops.rearrange(batch, "a b (c d) -> a c b d", d=2),
    }
    return {name: min(timeit.repeat(body, number=1000, repeat=50)) * 1e6 for name, body in cases.items()}


def network(arguments):
    import transformers

    torch.set_num_threads(arguments.threads)
    model = getattr(transformers, arguments.architecture).from_pretrained(arguments.model, attn_implementation="sdpa")
    model.eval()  # no dropout on either side
    inputs = load_file(arguments.inputs)
    if arguments.architecture.endswith("ForCausalLM"):
        inputs["use_cache"] = False
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    loss = 0.0

    def forward():
        with torch.no_grad():
            model(**inputs)

    def step():
        nonlocal loss
        error = model(**inputs)[arguments.output].square().mean()
        error.backward()
        optimizer.step()
        optimizer.zero_grad()
        loss = error.item()

    def timed(body):
        for _ in range(2):
            body()
        times = []
        for _ in range(arguments.steps):
            start = time.perf_counter()
            body()
            times.append(time.perf_counter() - start)
        return times

    return {"forward": timed(forward), "step": timed(step), "loss": loss}


parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["operations", "network"])
parser.add_argument("--model")
parser.add_argument("--architecture")
parser.add_argument("--inputs")
parser.add_argument("--output")
parser.add_argument("--steps", type=int, default=10)
parser.add_argument("--threads", type=int, default=1)
arguments = parser.parse_args()
print(json.dumps(operations() if arguments.what == "operations" else network(arguments)))
