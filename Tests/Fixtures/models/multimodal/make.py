"""Parity fixtures of models that see: tiny random checkpoints with what the reference library answers for them.

Made with torch 2.13.0+cpu, transformers 5.24.0, timm 1.0.31, safetensors 0.8.0, Python 3.11:

    python make.py             # rewrites every folder beside this script
    python make.py clip detr-  # only folders whose name contains one of the words

Every folder holds config.json and weights under the keys of a checkpoint; inputs.safetensors (the reference's argument
names), options.json (its keyword options that are no tensors), expected.safetensors (its output names, those of nested
outputs joined by dots). Where greedy.safetensors stands, it holds what greedy generation with a key/value cache gives
for the same inputs: `sequences` and `step_logits` [batch, steps, vocabulary].
"""

import json
import re
import shutil
import sys
from pathlib import Path

import torch

# A torchvision that was built for another torch can't register its operators; timm only wants its Python side.
_operators = torch.library.Library("torchvision", "FRAGMENT")
for _name in ("nms", "qnms"):
    _operators.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import timm
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig
from transformers.utils import ModelOutput

HERE = Path(__file__).parent
torch.set_num_threads(1)
transformers.logging.set_verbosity_error()


def randomise(model, generator):
    """Nothing keeps its initial value: a norm that is all ones would hide a norm that is never applied."""
    for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
        if not tensor.is_floating_point() or name.endswith("inv_freq"):
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            value = 0.5 + noise.abs()
        elif name.endswith("logit_scale"):
            value = torch.tensor(2.3)
        elif tensor.ndim == 1 and name.endswith("weight"):
            value = 1 + 0.3 * noise
        elif tensor.ndim == 1:
            value = 0.2 * noise
        elif "embed" in name and tensor.ndim == 2:
            value = 0.6 * noise
        else:
            value = 1.3 * noise / tensor[0].numel() ** 0.5
        tensor.data.copy_(value)


def save_weights(folder, weights, sharded):
    weights = {key: value.contiguous().clone() for key, value in weights.items()}
    if not sharded:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        return
    keys = sorted(weights)
    halves = [keys[::2], keys[1::2]]
    index = {"metadata": {"total_size": sum(v.numel() * v.element_size() for v in weights.values())}, "weight_map": {}}
    for number, half in enumerate(halves, 1):
        name = f"model-{number:05d}-of-{len(halves):05d}.safetensors"
        save_file({key: weights[key] for key in half}, folder / name, metadata={"format": "pt"})
        index["weight_map"] |= {key: name for key in half}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")


def flatten(output, prefix=""):
    """Every tensor of a model output under its name; lists are numbered, nested outputs joined by dots."""
    flat = {}
    pairs = output.items() if isinstance(output, (dict, ModelOutput)) else enumerate(output)
    for key, value in pairs:
        if isinstance(value, torch.Tensor):
            flat[f"{prefix}{key}"] = value.detach().contiguous().clone()
        elif isinstance(value, (dict, list, tuple)):
            flat |= flatten(value, f"{prefix}{key}.")
    return flat


def case(name, architecture, config, inputs, *, options=None, keys=None, extra=None, sharded=False, greedy=0,
         labels=None, drop=()):
    words = sys.argv[1:]
    if words and not any(word in name for word in words):
        return
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    config = {"architectures": [architecture]} | config
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    generator = torch.Generator().manual_seed(sum(map(ord, name)))

    cls = getattr(transformers, architecture)
    reference = cls.config_class.from_pretrained(folder)
    model = cls(reference)
    randomise(model, generator)
    weights = {key: value for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    if getattr(reference, "tie_word_embeddings", False) and "llava" in name:
        weights.pop("lm_head.weight")
    if keys is not None:
        weights = {keys(key): value for key, value in weights.items()}
    weights |= extra(weights) if extra else {}
    save_weights(folder, weights, sharded)

    # What is expected is what the reference answers for the folder, not for the model it was made from.
    loaded, report = cls.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not report["missing_keys"] and not report["mismatched_keys"], (name, report)
    loaded.eval()
    given = inputs(generator)
    if labels:
        # The loss would need the matcher's library; what is wanted are the predictions of the layers before the last.
        loaded.loss_function = lambda logits, _, device, boxes, config, classes, coordinates: (
            None, None, [{"logits": a, "pred_boxes": b} for a, b in zip(classes[:-1], coordinates[:-1])])
    with torch.no_grad():
        out = loaded(**given, **(options or {}), **(labels or {}), output_hidden_states=True)
    expected = flatten({key: value for key, value in out.items() if key not in ("cache", "past_key_values")})
    if "llava" in name:
        features = [value for key, value in expected.items() if key.startswith("image_outputs.pooler_output.")]
        if features:
            expected["image_hidden_states"] = torch.stack(features)
        expected = {key: value for key, value in expected.items() if not key.startswith("image_outputs.")}
    expected = {key: value for key, value in expected.items() if not any(re.match(pattern, key) for pattern in drop)}
    assert all(torch.isfinite(value).all() for value in expected.values()), name
    save_file({key: value.contiguous() for key, value in given.items()}, folder / "inputs.safetensors")
    save_file(expected, folder / "expected.safetensors")
    if options:
        (folder / "options.json").write_text(json.dumps(options) + "\n")

    if greedy:
        generated = loaded.generate(
            **given, max_new_tokens=greedy, do_sample=False, eos_token_id=None, pad_token_id=0,
            output_logits=True, return_dict_in_generate=True)
        save_file(
            {"sequences": generated.sequences.contiguous(), "step_logits": torch.stack(generated.logits, 1).contiguous()},
            folder / "greedy.safetensors")
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{name:32} {size / 1000:7.1f} kB  {len(expected)} outputs")


# CLIP

EOS, PAD = 49, 1


def sentences(generator, rows=3, length=9, vocabulary=50, eos=EOS, pad=PAD, left=False):
    """Rows of different lengths that end in `eos`; the highest id, so that the old rule and the new one can both be met."""
    ids = torch.randint(2, vocabulary - 3, (rows, length), generator=generator)
    mask = torch.ones(rows, length, dtype=torch.int64)
    for row in range(rows):
        width = length - 2 * row
        ids[row, width - 1] = eos
        ids[row, width:] = pad
        mask[row, width:] = 0
    if left:
        for row in range(1, rows):
            ids[row], mask[row] = ids[row].roll(2 * row), mask[row].roll(2 * row)
    return ids, mask


def pixels(generator, rows, height, width=None, channels=3):
    return torch.randn(rows, channels, height, width or height, generator=generator)


def text_config(**changes):
    return {
        "model_type": "clip_text_model", "vocab_size": 50, "hidden_size": 24, "intermediate_size": 32,
        "projection_dim": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 12,
        "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05, "bos_token_id": 48, "eos_token_id": EOS,
        "pad_token_id": PAD} | changes


def vision_config(**changes):
    return {
        "model_type": "clip_vision_model", "hidden_size": 24, "intermediate_size": 32, "projection_dim": 16,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_channels": 3, "image_size": 24, "patch_size": 8,
        "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05} | changes


def clip_config(text=None, vision=None, **changes):
    return {
        "model_type": "clip", "text_config": text or text_config(), "vision_config": vision or vision_config(),
        "projection_dim": 16, "logit_scale_init_value": 2.6592} | changes


def clip_buffers(weights):
    """Position numbers stand in the checkpoints of the first years."""
    return {
        "text_model.embeddings.position_ids": torch.arange(12)[None],
        "vision_model.embeddings.position_ids": torch.arange(10)[None]}


def clip_inputs(*, positions=False, mask=True, size=(24, 24), images=2, **options):
    def make(generator):
        ids, attention = sentences(generator, **options)
        given = {"input_ids": ids, "pixel_values": pixels(generator, images, *size)}
        if mask:
            given["attention_mask"] = attention
        if positions:
            given["position_ids"] = (torch.arange(ids.shape[1])[None] + torch.arange(ids.shape[0])[:, None]).flip(1)
        return given
    return make


def text_inputs(**options):
    def make(generator):
        return {key: value for key, value in clip_inputs(**options)(generator).items() if key != "pixel_values"}
    return make


def image_inputs(*size, rows=2, channels=3):
    return lambda generator: {"pixel_values": pixels(generator, rows, *size, channels=channels)}


def prefixed(prefix):
    return lambda key: prefix + key


def make_clip():
    # The hub's configuration: the old wrong end token, settings given twice, position numbers among the weights.
    hub = clip_config(text_config(eos_token_id=2), text_config_dict=None, vision_config_dict=None)
    case("clip-hub", "CLIPModel", hub, clip_inputs(), extra=clip_buffers)
    shrunk = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    given_twice = {key: value for key, value in text_config(layer_norm_eps=0.01).items() if key != "model_type"}
    case("clip-config-dict", "CLIPModel",
         clip_config(text_config(**shrunk), vision_config(**shrunk), text_config_dict=given_twice,
                     vision_config_dict=dict(vision_config(**shrunk), patch_size=12, hidden_act="gelu")),
         clip_inputs(), drop=["(text|vision)_model_output"])
    # End of text is also the padding: the first one counts.
    case("clip-gelu", "CLIPModel",
         clip_config(text_config(hidden_act="gelu", layer_norm_eps=0.003, pad_token_id=EOS),
                     vision_config(hidden_act="gelu_new", layer_norm_eps=0.02, num_attention_heads=2)),
         clip_inputs(pad=EOS, positions=True, images=4), sharded=True)
    case("clip-left", "CLIPModel", clip_config(), clip_inputs(left=True, size=(40, 16), images=1),
         options={"interpolate_pos_encoding": True})
    case("clip-loss", "CLIPModel", clip_config(text_config(num_hidden_layers=1), vision_config(num_hidden_layers=1)),
         clip_inputs(images=3, mask=False), options={"return_loss": True}, drop=["(text|vision)_model_output"])
    case("clip-text", "CLIPTextModel", text_config(hidden_act="relu"), text_inputs())
    case("clip-text-prefixed", "CLIPTextModel", text_config(eos_token_id=2, num_hidden_layers=1), text_inputs(mask=False),
         keys=prefixed("text_model."), extra=lambda _: {"text_model.embeddings.position_ids": torch.arange(12)[None]})
    case("clip-text-projection", "CLIPTextModelWithProjection", text_config(projection_dim=20), text_inputs(left=True))
    case("clip-text-old-eos", "CLIPTextModelWithProjection", text_config(eos_token_id=2), text_inputs(left=True))
    case("clip-vision", "CLIPVisionModel", vision_config(), image_inputs(24))
    case("clip-vision-prefixed", "CLIPVisionModel", vision_config(patch_size=6, num_channels=1, num_hidden_layers=1),
         image_inputs(30, channels=1), options={"interpolate_pos_encoding": True}, keys=prefixed("vision_model."))
    # 26 is no multiple of 8: the border is not seen.
    case("clip-vision-projection", "CLIPVisionModelWithProjection", vision_config(projection_dim=20), image_inputs(26, 48),
         options={"interpolate_pos_encoding": True})
    case("clip-vision-uneven", "CLIPVisionModel", vision_config(image_size=28), image_inputs(28))
    case("clip-classifier", "CLIPForImageClassification",
         clip_config(text_config(**shrunk), id2label={"0": "a", "1": "b", "2": "c"}, label2id={"a": 0, "b": 1, "c": 2}),
         image_inputs(24))


# LLaVA

IMAGE = 90


def llava_config(vision=None, text=None, **changes):
    return {
        "model_type": "llava", "image_token_index": IMAGE, "image_seq_length": 9, "projector_hidden_act": "gelu",
        "vision_feature_select_strategy": "default", "vision_feature_layer": -2,
        "vision_config": vision_config(num_hidden_layers=3) | (vision or {}),
        "text_config": {
            "model_type": "llama", "vocab_size": 96, "hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "rms_norm_eps": 1e-05,
            "hidden_act": "silu", "rope_theta": 10000.0, "tie_word_embeddings": False} | (text or {})} | changes


def llava_inputs(rows, size=(24, 24), left=False):
    """Each row is a list of pieces: a number of text tokens, or "image" for as many placeholders as one picture needs."""
    def make(generator, tokens):
        images = sum(row.count("image") for row in rows)
        width = max(sum(tokens if piece == "image" else piece for piece in row) for row in rows)
        ids = torch.zeros(len(rows), width, dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for number, row in enumerate(rows):
            pieces = [
                torch.full((tokens,), IMAGE) if piece == "image" else torch.randint(3, 89, (piece,), generator=generator)
                for piece in row]
            line = torch.cat(pieces)
            place = slice(width - len(line), width) if left else slice(0, len(line))
            ids[number, place], mask[number, place] = line, 1
        given = {"input_ids": ids, "attention_mask": mask}
        if images:
            given["pixel_values"] = pixels(generator, images, *size)
        return given
    return make


def llava_hub_keys(key):
    if key == "lm_head.weight":
        return "language_model.lm_head.weight"
    key = key.removeprefix("model.")
    key = re.sub(r"^language_model\.", "language_model.model.", key)
    return re.sub(r"^vision_tower\.", "vision_tower.vision_model.", key)


def llava_middle_keys(key):
    """What a library version between the two wrote: the new prefixes, the vision model still in its wrapper."""
    return re.sub(r"^model\.vision_tower\.", "model.vision_tower.vision_model.", key)


def make_llava():
    def llava(name, config, rows, tokens=9, options=None, left=False, size=(24, 24), **rest):
        make = llava_inputs(rows, size, left)
        case(name, "LlavaForConditionalGeneration", config, lambda generator: make(generator, tokens), options=options, **rest)

    mixed = [[2, "image", 4], [1, "image", 2]]
    llava("llava-hub", llava_config(), mixed, keys=llava_hub_keys, left=True, greedy=5)
    llava("llava-new-keys", llava_config(), mixed, sharded=True)
    llava("llava-middle-keys", llava_config(projector_hidden_act="quick_gelu"), [[1, "image", "image", 2], [3, "image"]],
          keys=llava_middle_keys, left=True, greedy=3)
    llava("llava-full-layers",
          llava_config(vision_feature_select_strategy="full", vision_feature_layer=[-1, 1, 0], multimodal_projector_bias=False,
                       projector_hidden_act="relu"),
          mixed, tokens=10, keys=llava_hub_keys)
    llava("llava-tied", llava_config(text={"tie_word_embeddings": True, "num_key_value_heads": 4}, vision_feature_layer=1),
          [[2, "image", 3]], greedy=4)
    llava("llava-text-alone", llava_config(text={"rms_norm_eps": 0.01}), [[7], [5]], left=True)
    llava("llava-options", llava_config(), mixed, tokens=10,
          options={"vision_feature_layer": -1, "vision_feature_select_strategy": "full"})


# DETR

def detr_config(**changes):
    return {
        "model_type": "detr", "num_channels": 3, "num_queries": 5, "encoder_layers": 1, "encoder_ffn_dim": 24,
        "encoder_attention_heads": 2, "decoder_layers": 2, "decoder_ffn_dim": 28, "decoder_attention_heads": 4,
        "activation_function": "relu", "d_model": 16, "auxiliary_loss": False, "position_embedding_type": "sine",
        "dilation": False, "id2label": {str(n): f"thing {n}" for n in range(4)},
        "label2id": {f"thing {n}": n for n in range(4)}} | changes


def resnet_config(**changes):
    return {
        "model_type": "resnet", "num_channels": 3, "embedding_size": 8, "hidden_sizes": [8, 8, 12, 16],
        "depths": [1, 2, 1, 1], "layer_type": "bottleneck", "hidden_act": "relu", "out_features": ["stage4"]} | changes


def photos(height, width=None, mask=None, rows=2, channels=3, **more):
    """`mask` gives the size of the second picture inside the batch; the first fills it."""
    def make(generator):
        given = {"pixel_values": pixels(generator, rows, height, width, channels)}
        if mask:
            given["pixel_mask"] = torch.ones(rows, height, width or height, dtype=torch.int64)
            given["pixel_mask"][1, mask[0]:] = 0
            given["pixel_mask"][1, :, mask[1]:] = 0
        for key, build in more.items():
            given[key] = build(generator)
        return given
    return make


def detr_hub_keys(key):
    """The names of the hub's checkpoints, before the library renamed its parts."""
    key = re.sub(r"\.backbone\.model\.", ".backbone.conv_encoder.model.", key)
    key = re.sub(r"attn\.o_proj\.", "attn.out_proj.", key)
    return re.sub(r"\.(layers\.\d+)\.mlp\.(fc[12])\.", r".\1.\2.", key)


class Backbone:
    """Makes timm build a named backbone with fewer channels; the folder says so in `backbone_kwargs`."""

    def __init__(self, **changes):
        self.changes = changes

    def __enter__(self):
        self.create = timm.create_model
        timm.create_model = lambda name, *a, **k: self.create(name, *a, **(k | self.changes))

    def __exit__(self, *_):
        timm.create_model = self.create


def timm_config(backbone, out_indices=(1, 2, 3, 4), **changes):
    return {
        "model_type": "timm_backbone", "backbone": backbone, "num_channels": 3, "features_only": True,
        "use_pretrained_backbone": False, "out_indices": list(out_indices)} | changes


def make_detr():
    def detr(name, config, inputs, architecture="DetrForObjectDetection", **rest):
        case(name, architecture, config, inputs, **rest)

    def small(name, config, inputs, channels=(4, 4, 4, 6), layers=(1, 1, 1, 1), other={}, **rest):
        changes = {"channels": channels, "layers": layers} | other
        with Backbone(**changes):
            detr(name, config, inputs, **rest)
        if (path := HERE / name / "config.json").exists() and "backbone_kwargs" not in config:
            stored = json.loads(path.read_text()) | {"backbone_kwargs": changes}
            path.write_text(json.dumps(stored, indent=1) + "\n")

    resnet = {"backbone_config": resnet_config(), "use_timm_backbone": False}
    detr("detr-resnet", detr_config(**resnet), photos(40, 36, mask=(28, 20)), keys=detr_hub_keys)
    detr("detr-resnet-new-keys", detr_config(**resnet, activation_function="gelu"), photos(33, 70))
    detr("detr-resnet-basic",
         detr_config(backbone_config=resnet_config(
             layer_type="basic", downsample_in_first_stage=True, hidden_act="silu", hidden_sizes=[6, 8, 8],
             depths=[1, 1, 2], out_features=["stage2", "stage3"]), use_timm_backbone=False,
             position_embedding_type="learned"),
         photos(48, 40, mask=(48, 21)), keys=detr_hub_keys)
    detr("detr-resnet-first",
         detr_config(backbone_config=resnet_config(downsample_in_bottleneck=True, out_features=None, out_indices=[3]),
                     use_timm_backbone=False, encoder_layers=2, decoder_layers=1),
         photos(48, mask=(48, 21), decoder_inputs_embeds=lambda g: torch.randn(2, 5, 16, generator=g),
                decoder_attention_mask=lambda g: torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 1]])),
         sharded=True)
    boxes = torch.tensor([[0.4, 0.5, 0.3, 0.2], [0.6, 0.2, 0.1, 0.3]])
    labels = {"labels": [{"class_labels": torch.tensor([1, 3]), "boxes": boxes} for _ in range(2)]}
    detr("detr-auxiliary", detr_config(**resnet, auxiliary_loss=True), photos(40), labels=labels)
    detr("detr-model", detr_config(**resnet, auxiliary_loss=True), photos(40), architecture="DetrModel")
    detr("detr-embeds", detr_config(**resnet),
         lambda g: {"pixel_values": pixels(g, 1, 40), "inputs_embeds": torch.randn(1, 9, 16, generator=g)},
         architecture="DetrModel", keys=lambda key: "model." + detr_hub_keys("model." + key).removeprefix("model."))

    old = {"backbone": "resnet50", "use_timm_backbone": True, "backbone_config": None}
    small("detr-timm-hub", detr_config(**old), photos(40, 36, mask=(28, 20)), channels=(2, 2, 4, 4), layers=(1, 2, 1, 1),
          keys=detr_hub_keys)
    small("detr-timm-dc5", detr_config(**old, dilation=True), photos(40, 36, mask=(28, 20)), channels=(2, 2, 2, 4),
          layers=(1, 1, 1, 2), keys=detr_hub_keys)
    small("detr-timm-basic", detr_config(backbone_config=timm_config("resnet18")), photos(48, 36), layers=(1, 2, 1, 1))
    small("detr-timm-deep", detr_config(backbone_config=timm_config("resnet14t", (2, 3), output_stride=8)), photos(36, 33),
          channels=(2, 2, 2, 4))
    small("detr-timm-average", detr_config(backbone_config=timm_config("resnet26d", (4,))), photos(47, 33),
          channels=(2, 2, 2, 2))
    small("detr-timm-groups", detr_config(backbone_config=timm_config("resnext50_32x4d")), photos(40),
          channels=(4, 4, 4, 4), other={"cardinality": 2, "base_width": 32})


make_clip()
make_llava()
make_detr()
