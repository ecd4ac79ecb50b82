"""Makes Sources/TesseraNN/Models/TimmArchitectures.swift: what timm's names of vision transformers mean.

Versions: timm 1.0.31, torch 2.13.0. Run: python Scripts/make_timm_architectures.py
"""

import collections
import functools
import json
import pathlib
import warnings

import torch

# The published torchvision wheel is built for another torch; timm needs only its Python part.
library = torch.library.Library("torchvision", "DEF")
for operator in ("nms", "qnms"):
    library.define(operator + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import timm  # noqa: E402
from timm.models import _registry, deit, vision_transformer  # noqa: E402

warnings.simplefilter("ignore")


class Captured(Exception):
    pass


def capture(variant, pretrained=False, distilled=False, **arguments):
    raise Captured(dict(arguments, **({"distilled": True} if distilled else {})))


vision_transformer._create_vision_transformer = capture
deit._create_deit = capture
LAYERS = {"Mlp": "mlp", "GluMlp": "glu", "SwiGLU": "swiglu", "LayerNorm": "layernorm", "RmsNorm": "rmsnorm", "SiLU": "silu"}


def plain(arguments):
    """The arguments as JSON: layers by name, the eps of a norm beside it. None: a block that is not known."""
    result = {}
    for key, value in arguments.items():
        if key == "attn_layer" or key == "block_fn" and value.__name__ != "ResPostBlock":
            return None
        if isinstance(value, functools.partial):
            if "eps" in value.keywords:
                result[key + "_eps"] = value.keywords["eps"]
            value = value.func
        result[key] = LAYERS.get(value.__name__, value.__name__) if callable(value) else value
    return result


groups = collections.defaultdict(list)
for module in ("vision_transformer", "deit"):
    for name in sorted(_registry._module_to_models[module]):
        source = timm.models.get_pretrained_cfg(name)
        if source is None:
            continue
        try:
            _registry._model_entrypoints[name]()
        except Captured as captured:
            arguments = plain(captured.args[0])
        if arguments is None:
            continue
        size = arguments.pop("img_size", source.input_size[-1])
        arguments = {key: value for key, value in arguments.items() if value is not None}
        groups[json.dumps(arguments, sort_keys=True, separators=(",", ":"))].append(f"{name} {size}")

lines = []
for arguments, names in sorted(groups.items(), key=lambda item: item[1]):
    for name in names[:-1]:
        lines.append(f"    {name}")
    lines.append(f"    {names[-1]}")
    text = arguments
    while len(text) > 110:
        cut = text.rfind(",", 0, 110) + 1
        lines.append("      " + text[:cut])
        text = text[cut:]
    lines.append("      " + text)

target = pathlib.Path(__file__).parent.parent / "Sources/TesseraNN/Models/TimmArchitectures.swift"
target.write_text('''// Made by Scripts/make_timm_architectures.py from timm 1.0.31; do not edit.

enum TimmArchitectures {
  /// Names with their image sizes, each on a line, followed by the arguments that all of them stand for.
  static let text = """
''' + "\n".join(lines) + '''
    """
}
''')
print(sum(map(len, groups.values())), "names,", len(groups), "groups")
