"""Fixtures of the optimizers and of safetensors from the reference libraries: torch 2.13.0, safetensors 0.8.0.

    python Tests/Fixtures/tensor/make.py
"""

import pathlib

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
torch.manual_seed(7)


def trajectory(make):
    """Ten steps on fixed gradients from a fixed start: two parameters, a matrix and a vector."""
    torch.manual_seed(11)
    matrix = torch.nn.Parameter(torch.randn(6, 4))
    vector = torch.nn.Parameter(torch.randn(5))
    gradients = [(torch.randn(6, 4), torch.randn(5)) for _ in range(10)]
    optimizer = make([matrix, vector])
    tensors = {"start.matrix": matrix.detach().clone(), "start.vector": vector.detach().clone()}
    for i, (a, b) in enumerate(gradients):
        tensors[f"gradient.{i}.matrix"], tensors[f"gradient.{i}.vector"] = a, b
        matrix.grad, vector.grad = a.clone(), b.clone()
        optimizer.step()
        tensors[f"value.{i}.matrix"], tensors[f"value.{i}.vector"] = matrix.detach().clone(), vector.detach().clone()
    return tensors


def muon():
    """torch.optim.Muon in the form of Jordan's script: Nesterov, five iterations in float32, scale by the shape."""
    torch.manual_seed(12)
    torch.Tensor.bfloat16 = lambda self: self  # the iteration in full precision
    matrix = torch.nn.Parameter(torch.randn(8, 6))
    optimizer = torch.optim.Muon([matrix], lr=0.02, momentum=0.95, nesterov=True, weight_decay=0.1, ns_steps=5)
    tensors = {"start": matrix.detach().clone()}
    for i in range(5):
        gradient = torch.randn(8, 6)
        matrix.grad = gradient.clone()
        optimizer.step()
        tensors[f"gradient.{i}"], tensors[f"value.{i}"] = gradient, matrix.detach().clone()
    return tensors


save_file(trajectory(lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)), HERE / "adamw.safetensors")
save_file(trajectory(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05)), HERE / "sgd.safetensors")
save_file(trajectory(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)), HERE / "nesterov.safetensors")
save_file(muon(), HERE / "muon.safetensors")

kinds = {
    "float32": torch.float32, "float64": torch.float64, "float16": torch.float16, "bfloat16": torch.bfloat16,
    "int64": torch.int64, "int32": torch.int32, "int16": torch.int16, "int8": torch.int8, "uint8": torch.uint8,
}
types = {name: (torch.arange(7) * 17 % 11).to(kind) for name, kind in kinds.items()}
types |= {"bool": torch.tensor([True, False, True]), "scalar": torch.tensor(3.5), "empty": torch.zeros(0, 4)}
save_file(types, HERE / "types.safetensors", metadata={"format": "pt"})
