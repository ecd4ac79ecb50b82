"""Writing of fixtures: one folder per case, with the tensors going in, those expected out, and the options."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

ROOT = Path(__file__).parent


def generator(seed):
    return torch.Generator().manual_seed(seed)


def randn(seed, *shape):
    return torch.randn(*shape, generator=generator(seed))


def write(op, case, inputs, expected, **options):
    """Writes Tests/Fixtures/ops/OP/CASE/{inputs,expected}.safetensors and options.json."""
    folder = ROOT / op / case
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name, tensors in (("inputs", inputs), ("expected", expected)):
        clean = {}
        for key, value in tensors.items():
            if value is None:
                continue
            if not isinstance(value, torch.Tensor):
                value = torch.tensor(value)
            value = value.detach().clone().contiguous()
            clean[key] = value.long() if value.dtype == torch.int32 else value
        save_file(clean, str(folder / f"{name}.safetensors"))
    (folder / "options.json").write_text(json.dumps(options, sort_keys=True) + "\n")
