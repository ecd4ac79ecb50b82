"""What the reference makes of logits before it draws a token. Made with torch 2.13.0+cpu, transformers 5.24.0, safetensors 0.8.0.

cases.json lists settings; scores.safetensors holds `logits` [vocabulary], `history` and for case i `scores.i`.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers.generation import logits_process as process

HERE = Path(__file__).parent
CASES = [
    {"temperature": 1.0},
    {"temperature": 0.7},
    {"temperature": 1.0, "topK": 5},
    {"temperature": 1.0, "topK": 1000},
    {"temperature": 2.0, "topP": 0.8},
    {"temperature": 1.0, "topP": 0.01},
    {"temperature": 1.0, "minP": 0.1},
    {"temperature": 1.0, "repetitionPenalty": 1.3},
    {"temperature": 0.5, "topK": 20, "topP": 0.9, "minP": 0.05, "repetitionPenalty": 1.1},
    {"temperature": 1.5, "topK": 3, "repetitionPenalty": 0.8},
]
generator = torch.Generator().manual_seed(7)
logits = (3 * torch.randn(50, generator=generator)).round(decimals=2)
logits[10] = logits[20]  # a tie
history = torch.tensor([[3, 10, 10, 41, 7]])
tensors = {"logits": logits, "history": history[0]}
for number, case in enumerate(CASES):
    steps = []
    if "repetitionPenalty" in case:
        steps.append(process.RepetitionPenaltyLogitsProcessor(case["repetitionPenalty"]))
    if case["temperature"] != 1:
        steps.append(process.TemperatureLogitsWarper(case["temperature"]))
    if "topK" in case:
        steps.append(process.TopKLogitsWarper(case["topK"]))
    if "topP" in case:
        steps.append(process.TopPLogitsWarper(case["topP"]))
    if "minP" in case:
        steps.append(process.MinPLogitsWarper(case["minP"]))
    scores = logits[None].clone()
    for step in steps:
        scores = step(history, scores)
    tensors[f"scores.{number}"] = scores[0].contiguous()
save_file(tensors, HERE / "scores.safetensors")
(HERE / "cases.json").write_text(json.dumps(CASES, indent=1) + "\n")
