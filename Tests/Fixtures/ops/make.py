"""Makes the fixtures of the standard parts.

Versions: torch 2.13.0+cpu, vector-quantize-pytorch 1.32.0, diffusers 0.42.1, safetensors 0.6 or newer.

    python Tests/Fixtures/ops/make.py [quantizers] [samplers] [losses] [operations]

Every case is a folder OP/CASE with inputs.safetensors, expected.safetensors and options.json, which are exactly what
`tessera inspect --op OP --inputs inputs.safetensors --outputs out.safetensors --set KEY=JSON ...` takes and gives.
"""

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

for name in sys.argv[1:] or ["quantizers", "samplers", "losses", "operations"]:
    importlib.import_module(name).all_cases()
