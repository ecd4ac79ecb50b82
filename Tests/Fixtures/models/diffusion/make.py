"""Parity fixtures of the diffusion models: DiT, SiT, PixArt, the MMDiT of Stable Diffusion 3, AutoencoderKL.

    python make.py            # writes one folder per case beside this file

Made with torch 2.13.0, diffusers 0.42.1, safetensors 0.8 or later. Every parameter is drawn from a seeded generator, also those that
start at zero or one, so that nothing hides. A folder holds

    config.json                                   the library's own configuration
    diffusion_pytorch_model.safetensors           weights (one case is split in several files with an index)
    inputs.safetensors                            tensors by the names of the reference's arguments
    options.json                                  keyword options that are no tensors (only where there are any)
    expected.safetensors                          what the reference answers

`hidden_states.0` is what enters the first block, `hidden_states.i` what leaves block i - 1: the library has no numbering of its own.
AutoencoderKL answers `sample` by `forward`, `x` by `encode`, `z` by `decode`.
"""

import importlib.util
import json
import math
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

# diffusers imports torchvision where it is installed. No case needs it, but a wheel built for another torch would stop the import.
if importlib.util.find_spec("torchvision"):
    stand_in = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        stand_in.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import diffusers  # noqa: E402

HERE = pathlib.Path(__file__).parent


def generator(name):
    """A stream that depends on the case's name alone."""
    return torch.Generator().manual_seed(int.from_bytes(name.encode(), "little") % (2**31 - 1))


def randomise(model, random):
    """Draws every parameter and persistent buffer: matrices keep the scale of their input, norms lie around one."""
    state = model.state_dict()
    for key in sorted(state):
        value = state[key]
        noise = torch.randn(value.shape, generator=random)
        if "pos_embed" in key and value.dim() == 3:
            value.copy_(0.5 * noise)
        elif value.dim() == 1 and key.endswith("weight"):
            value.copy_(1 + 0.3 * noise)
        elif value.dim() == 1:
            value.copy_(0.2 * noise)
        elif "embedding_table" in key or "scale_shift_table" in key:
            value.copy_(0.5 * noise)
        else:
            value.copy_(noise / math.sqrt(value[0].numel()))
    return model.eval()


def recorded(blocks, run, second=False):
    """Runs the model and keeps what enters the first block and what leaves each."""
    states = []

    def before(module, arguments, keywords):
        if not states:
            states.append((arguments[0] if arguments else keywords["hidden_states"]).clone())

    def after(module, arguments, keywords, output):
        states.append((output[1] if second else output).clone())

    handles = [blocks[0].register_forward_pre_hook(before, with_kwargs=True)]
    handles += [block.register_forward_hook(after, with_kwargs=True) for block in blocks]
    output = run()
    for handle in handles:
        handle.remove()
    return output, {f"hidden_states.{index}": state for index, state in enumerate(states)}


def write(name, configuration, weights, inputs, expected, options=None, weight_name="diffusion_pytorch_model.safetensors"):
    folder = HERE / name
    if folder.exists() and weights is not None:
        shutil.rmtree(folder)
    folder.mkdir(exist_ok=True)
    configuration = {key: value for key, value in configuration.items() if key not in ("_name_or_path", "_use_default_values")}
    (folder / "config.json").write_text(json.dumps(configuration, indent=2, sort_keys=True) + "\n")
    if weights is not None:
        save_file({key: value.contiguous().clone() for key, value in weights.items()}, folder / weight_name)
    save_file({key: value.contiguous().clone() for key, value in inputs.items()}, folder / "inputs.safetensors")
    save_file({key: value.detach().contiguous().clone() for key, value in expected.items()}, folder / "expected.safetensors")
    if options:
        (folder / "options.json").write_text(json.dumps(options) + "\n")
    size = sum(path.stat().st_size for path in folder.iterdir())
    scale = {key: f"{value.float().abs().max():.2f}" for key, value in expected.items() if "hidden" not in key}
    assert all(torch.isfinite(value).all() for value in expected.values()), name
    print(f"{name:28} {size / 1000:6.1f} kB  {scale}")


# DiT


def dit(name, inputs, legacy=False, **configuration):
    random = generator(name)
    model = randomise(diffusers.DiTTransformer2DModel(**configuration), random)
    latents = torch.randn(inputs.pop("shape"), generator=random)
    inputs = {"hidden_states": latents, **inputs}
    tokens = []
    model.proj_out_2.register_forward_hook(lambda module, arguments, output: tokens.append(output.clone()))
    height, width = (size // model.config.patch_size for size in latents.shape[-2:])

    def run():
        try:
            return model(**inputs).sample
        except RuntimeError:
            if height == width:
                raise
            return None  # The library cuts every output into a square; the tokens are right.

    sample, states = recorded(model.transformer_blocks, run)
    if height != width:
        patch = model.config.patch_size
        grid = tokens[0].reshape(len(latents), height, width, patch, patch, model.out_channels)
        sample = grid.permute(0, 5, 1, 3, 2, 4).reshape(len(latents), model.out_channels, height * patch, width * patch)
    written = dict(model.config)
    if legacy:
        written["_class_name"] = "Transformer2DModel"
        written.update(cross_attention_dim=None, num_vector_embeds=None, only_cross_attention=False,
                       use_linear_projection=False)
    else:
        written["_class_name"] = "DiTTransformer2DModel"
    write(name, written, model.state_dict(), inputs, {"sample": sample, **states})


class OfficialDiT(nn.Module):
    """The layout of the published DiT and SiT files, written from the papers: one conditioning network for all blocks, joint qkv."""

    def __init__(self, input_size=32, patch_size=2, in_channels=4, hidden_size=1152, depth=28, num_heads=16, mlp_ratio=4.0,
                 class_dropout_prob=0.1, num_classes=1000, learn_sigma=True):
        super().__init__()
        self.patch, self.heads, self.channels = patch_size, num_heads, in_channels * (2 if learn_sigma else 1)
        width, inner = hidden_size, int(hidden_size * mlp_ratio)

        def holder(**modules):
            module = nn.Module()
            for key, value in modules.items():
                setattr(module, key, value)
            return module

        self.x_embedder = holder(proj=nn.Conv2d(in_channels, width, patch_size, patch_size))
        self.t_embedder = holder(mlp=nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width)))
        self.y_embedder = holder(embedding_table=nn.Embedding(num_classes + (class_dropout_prob > 0), width))
        self.register_buffer("pos_embed", torch.zeros(1, (input_size // patch_size) ** 2, width))
        self.blocks = nn.ModuleList(
            holder(
                attn=holder(qkv=nn.Linear(width, 3 * width), proj=nn.Linear(width, width)),
                mlp=holder(fc1=nn.Linear(width, inner), fc2=nn.Linear(inner, width)),
                adaLN_modulation=nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width)),
            )
            for _ in range(depth)
        )
        self.final_layer = holder(
            linear=nn.Linear(width, patch_size**2 * self.channels),
            adaLN_modulation=nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width)),
        )

    def forward(self, x, t, y):
        batch, _, height, width = x.shape
        rows, columns, states = height // self.patch, width // self.patch, []
        frequencies = torch.exp(-math.log(10000) * torch.arange(128, dtype=torch.float32) / 128)
        angles = t[:, None].float() * frequencies
        condition = self.t_embedder.mlp(torch.cat([angles.cos(), angles.sin()], 1)) + self.y_embedder.embedding_table(y)
        x = self.x_embedder.proj(x).flatten(2).mT + self.pos_embed
        states.append(x)
        for block in self.blocks:
            s1, g1, a1, s2, g2, a2 = block.adaLN_modulation(condition)[:, None].chunk(6, -1)
            h = F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + g1) + s1
            q, k, v = block.attn.qkv(h).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
            weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)
            x = x + a1 * block.attn.proj((weights @ v).transpose(1, 2).flatten(2))
            h = F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + g2) + s2
            x = x + a2 * block.mlp.fc2(F.gelu(block.mlp.fc1(h), approximate="tanh"))
            states.append(x)
        shift, scale = self.final_layer.adaLN_modulation(condition)[:, None].chunk(2, -1)
        x = self.final_layer.linear(F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift)
        x = x.reshape(batch, rows, columns, self.patch, self.patch, self.channels).permute(0, 5, 1, 3, 2, 4)
        return x.reshape(batch, self.channels, height, width), states


def official(name, inputs, kind, **configuration):
    random = generator(name)
    model = randomise(OfficialDiT(**configuration), random)
    inputs = {"x": torch.randn(inputs.pop("shape"), generator=random), **inputs}
    sample, states = model(**inputs)
    if kind == "SiT" and configuration.get("learn_sigma", True):
        sample = sample.chunk(2, 1)[0]  # The velocity alone.
    states = {f"hidden_states.{index}": state for index, state in enumerate(states)}
    write(name, {"_class_name": kind, **configuration}, model.state_dict(), inputs, {"sample": sample, **states},
          weight_name="model.safetensors")


def make_dit():
    small = dict(num_attention_heads=2, attention_head_dim=8, num_layers=2, sample_size=8, in_channels=4, patch_size=2)
    labels = dict(timestep=torch.tensor([0, 17, 999]), class_labels=torch.tensor([0, 12, 7]))
    dit("dit", dict(shape=(3, 4, 8, 8), **labels), **small, out_channels=8, num_embeds_ada_norm=12)
    dit("dit-legacy-class", dict(shape=(2, 4, 8, 8), timestep=torch.tensor([3, 500]), class_labels=torch.tensor([4, 1])),
        legacy=True, **{**small, "num_layers": 1}, num_embeds_ada_norm=4)
    dit("dit-wide-latent", dict(shape=(3, 4, 6, 14), **labels), **{**small, "num_layers": 1}, out_channels=8,
        num_embeds_ada_norm=12)
    dit("dit-affine", dict(shape=(2, 3, 24, 24), timestep=torch.tensor([0.25, 998.5]), class_labels=torch.tensor([9, 0])),
        num_attention_heads=3, attention_head_dim=4, num_layers=2, sample_size=16, in_channels=3, patch_size=4,
        attention_bias=False, norm_elementwise_affine=True, norm_eps=1e-2, activation_fn="gelu", num_embeds_ada_norm=9)
    for activation in ("geglu", "geglu-approximate", "swiglu", "linear-silu"):
        dit(f"dit-{activation}", dict(shape=(1, 4, 4, 4), timestep=torch.tensor([40]), class_labels=torch.tensor([1])),
            num_attention_heads=1, attention_head_dim=8, num_layers=1, sample_size=4, patch_size=1, activation_fn=activation,
            num_embeds_ada_norm=1)
    published = dict(input_size=8, patch_size=2, in_channels=4, hidden_size=24, depth=2, num_heads=3, num_classes=6)
    official("dit-official", dict(shape=(3, 4, 8, 8), t=torch.tensor([0, 250, 999]), y=torch.tensor([0, 6, 3])), "DiT", **published)
    official("sit-official", dict(shape=(2, 4, 8, 8), t=torch.tensor([0.125, 1.0]), y=torch.tensor([5, 2])), "SiT", **published)
    official("dit-official-plain", dict(shape=(2, 3, 8, 8), t=torch.tensor([10, 20]), y=torch.tensor([1, 0])), "DiT",
             **{**published, "in_channels": 3, "hidden_size": 16, "num_heads": 2, "depth": 1}, mlp_ratio=2.0,
             class_dropout_prob=0.0, learn_sigma=False)


# PixArt


def published_pixart_keys(state):
    """The keys of the published PixArt files, from the library's."""
    plain = {
        "pos_embed.proj": "x_embedder.proj",
        "caption_projection.linear_1": "y_embedder.y_proj.fc1",
        "caption_projection.linear_2": "y_embedder.y_proj.fc2",
        "adaln_single.emb.timestep_embedder.linear_1": "t_embedder.mlp.0",
        "adaln_single.emb.timestep_embedder.linear_2": "t_embedder.mlp.2",
        "adaln_single.emb.resolution_embedder.linear_1": "csize_embedder.mlp.0",
        "adaln_single.emb.resolution_embedder.linear_2": "csize_embedder.mlp.2",
        "adaln_single.emb.aspect_ratio_embedder.linear_1": "ar_embedder.mlp.0",
        "adaln_single.emb.aspect_ratio_embedder.linear_2": "ar_embedder.mlp.2",
        "adaln_single.linear": "t_block.1",
        "attn1.to_out.0": "attn.proj",
        "attn2.to_q": "cross_attn.q_linear",
        "attn2.to_out.0": "cross_attn.proj",
        "ff.net.0.proj": "mlp.fc1",
        "ff.net.2": "mlp.fc2",
        "proj_out": "final_layer.linear",
    }
    output, joined = {}, {}
    for key, value in state.items():
        for part, group, place in (("attn1.to_q", "attn.qkv", 0), ("attn1.to_k", "attn.qkv", 1), ("attn1.to_v", "attn.qkv", 2),
                                   ("attn2.to_k", "cross_attn.kv_linear", 0), ("attn2.to_v", "cross_attn.kv_linear", 1)):
            if f".{part}." in key:
                target = key.replace(part, group).replace("transformer_blocks", "blocks")
                joined.setdefault(target, {})[place] = value
                break
        else:
            if key == "scale_shift_table":
                key = "final_layer.scale_shift_table"
            for source, target in plain.items():
                if key.startswith(source + ".") or f".{source}." in key and key.startswith("transformer_blocks"):
                    key = key.replace(source, target)
                    break
            output[key.replace("transformer_blocks", "blocks")] = value
    for key, parts in joined.items():
        output[key] = torch.cat([parts[place] for place in sorted(parts)])
    output["y_embedder.y_embedding"] = torch.zeros(4, 8)
    output["pos_embed"] = torch.zeros(1, 16, 8)
    return output


def pixart(name, shape, inputs, text=None, legacy=False, half=False, published=False, dotted=False, **configuration):
    random = generator(name)
    model = randomise(diffusers.PixArtTransformer2DModel(**configuration), random)
    if half:
        model.load_state_dict({key: value.half().float() for key, value in model.state_dict().items()})
    inputs = {"hidden_states": torch.randn(shape, generator=random), **inputs}
    if text:
        inputs["encoder_hidden_states"] = torch.randn(text, generator=random)
    conditions = {key: inputs[key] for key in ("resolution", "aspect_ratio") if key in inputs}
    plain = {key: value for key, value in inputs.items() if key not in conditions}
    sample, states = recorded(model.transformer_blocks, lambda: model(**plain, added_cond_kwargs=conditions or None).sample)
    if dotted:
        inputs = {**plain, **{f"added_cond_kwargs.{key}": value for key, value in conditions.items()}}
    state = model.state_dict()
    if published:
        state = published_pixart_keys(state)
    if half:
        state = {key: value.half() for key, value in state.items()}
    written = {**model.config, "_class_name": "Transformer2DModel" if legacy else "PixArtTransformer2DModel"}
    write(name, written, state, inputs, {"sample": sample, **states})


def make_pixart():
    small = dict(num_attention_heads=2, attention_head_dim=12, num_layers=2, in_channels=4, out_channels=8, sample_size=8,
                 cross_attention_dim=24, caption_channels=10)
    times = dict(timestep=torch.tensor([3, 870]))
    sizes = dict(resolution=torch.tensor([[512.0, 512.0], [768.0, 384.0]]), aspect_ratio=torch.tensor([[1.0], [2.0]]))
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    pixart("pixart-alpha", (2, 4, 8, 8), {**times, "encoder_attention_mask": mask}, (2, 5, 10), **small)
    pixart("pixart-conditions", (2, 4, 12, 6), {**times, **sizes, "encoder_attention_mask": mask.flip(1)}, (2, 5, 10),
           use_additional_conditions=True, interpolation_scale=2, **{**small, "num_layers": 1})
    bias = (1 - mask.float())[:, None] * -10000.0
    kept = torch.ones(2, 24)
    kept[0, 3:9], kept[1, -1] = 0, 0
    pixart("pixart-sigma", (2, 4, 8, 12), {**times, "encoder_attention_mask": bias, "attention_mask": kept}, (2, 5, 10),
           legacy=True, use_additional_conditions=False, interpolation_scale=0.5, **{**small, "num_layers": 1})
    pixart("pixart-128", (2, 4, 4, 8), {**times, **sizes}, (2, 3, 10), dotted=True, **{**small, "sample_size": 128, "num_layers": 1})
    pixart("pixart-plain-text", (2, 3, 8, 4), {**times, "encoder_attention_mask": mask.bool()}, (2, 5, 7),
           num_attention_heads=3, attention_head_dim=4, num_layers=2, in_channels=3, out_channels=None, sample_size=8,
           cross_attention_dim=7, patch_size=1, attention_bias=False, norm_elementwise_affine=True, norm_eps=1e-2,
           activation_fn="gelu")
    pixart("pixart-no-text", (1, 4, 8, 8), dict(timestep=torch.tensor([77.5])), **{**small, "cross_attention_dim": None,
           "caption_channels": None, "num_layers": 1})
    pixart("pixart-own-keys", (2, 4, 8, 8), times, num_attention_heads=2, attention_head_dim=8, num_layers=1, sample_size=8,
           cross_attention_dim=16, half=True)
    pixart("pixart-published-keys", (2, 4, 8, 6), {**times, **sizes, "encoder_attention_mask": mask}, (2, 5, 10), published=True,
           use_additional_conditions=True, **{**small, "attention_head_dim": 6, "cross_attention_dim": 12})


# Stable Diffusion 3


def mmdit(name, shape, text, timestep, controls=0, options=None, sharded=False, **configuration):
    random = generator(name)
    model = randomise(diffusers.SD3Transformer2DModel(**configuration), random)
    config = model.config
    width = config.num_attention_heads * config.attention_head_dim
    inputs = {
        "hidden_states": torch.randn(shape, generator=random),
        "encoder_hidden_states": torch.randn(shape[0], text, config.joint_attention_dim, generator=random),
        "pooled_projections": torch.randn(shape[0], config.pooled_projection_dim, generator=random),
        "timestep": timestep,
    }
    tokens = shape[2] // config.patch_size * (shape[3] // config.patch_size)
    extra = [torch.randn(shape[0], tokens, width, generator=random) for _ in range(controls)]
    keywords = {**inputs, **(options or {})}
    if controls:
        keywords["block_controlnet_hidden_states"] = extra
    inputs |= {f"block_controlnet_hidden_states.{index}": value for index, value in enumerate(extra)}
    if controls or options:
        expected = {"sample": model(**keywords).sample}
    else:
        sample, states = recorded(model.transformer_blocks, lambda: model(**keywords).sample, second=True)
        expected = {"sample": sample, **states}
    written = {**config, "_class_name": "SD3Transformer2DModel"}
    if sharded:
        shutil.rmtree(HERE / name, ignore_errors=True)
        model.save_pretrained(HERE / name, max_shard_size="40KB")
        assert (HERE / name / "diffusion_pytorch_model.safetensors.index.json").exists()
        write(name, written, None, inputs, expected, options)
    else:
        write(name, written, model.state_dict(), inputs, expected, options)


def make_mmdit():
    small = dict(num_attention_heads=2, attention_head_dim=8, num_layers=3, in_channels=4, out_channels=4, sample_size=8,
                 joint_attention_dim=12, caption_projection_dim=16, pooled_projection_dim=10, pos_embed_max_size=9)
    mmdit("sd3", (2, 4, 8, 14), 5, torch.tensor([1, 977]), **small)
    mmdit("sd35", (2, 4, 12, 6), 3, torch.tensor([250.5, 12.25]), qk_norm="rms_norm", dual_attention_layers=(0, 1),
          **{**small, "num_layers": 2, "attention_head_dim": 8})
    mmdit("sd35-dual-last", (1, 6, 3, 5), 4, torch.tensor([600]), qk_norm="layer_norm", dual_attention_layers=(1,),
          **{**small, "num_layers": 2, "in_channels": 6, "out_channels": None, "patch_size": 1})
    mmdit("sd3-one-layer", (2, 4, 4, 8), 2, torch.tensor([5, 6]), qk_norm="fp32_layer_norm",
          **{**small, "num_layers": 1, "pos_embed_max_size": None})
    mmdit("sd3-control-skip", (2, 4, 4, 6), 3, torch.tensor([40, 41]), controls=2, options={"skip_layers": [1]},
          qk_norm="rms_norm", **small)
    mmdit("sd3-sharded", (1, 4, 8, 8), 3, torch.tensor([999]), sharded=True, **{**small, "num_layers": 2})


# AutoencoderKL


def autoencoder(name, shape, argument, old=False, clamp=False, options=None, **configuration):
    random = generator(name)
    model = randomise(diffusers.AutoencoderKL(**configuration), random)
    value = torch.randn(shape, generator=random)
    if clamp:
        latents = model.config.latent_channels
        last = model.quant_conv or model.encoder.conv_out
        with torch.no_grad():
            last.bias[latents], last.bias[latents + 1] = 30.0, -40.0
    if argument == "z":
        expected = {"sample": model.decode(value).sample}
    elif argument == "x":
        posterior = model.encode(value).latent_dist
        expected = {f"latent_dist.{key}": getattr(posterior, key) for key in ("parameters", "mean", "logvar")}
    else:
        expected = {"sample": model(value).sample}
    state = model.state_dict()
    if old:
        names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
        for key in list(state):
            for new, before in names.items():
                if f".{new}." in key:
                    state[key.replace(new, before)] = state.pop(key)
    written = {**model.config, "_class_name": "AutoencoderKL"}
    write(name, written, state, {argument: value}, expected, options)


def make_autoencoder():
    def blocks(*channels, attention=False):
        prefix = "Attn" if attention else ""
        return dict(block_out_channels=channels, down_block_types=(f"{prefix}DownEncoderBlock2D",) * len(channels),
                    up_block_types=(f"{prefix}UpDecoderBlock2D",) * len(channels))

    autoencoder("kl", (2, 3, 16, 24), "sample", **blocks(8, 12), norm_num_groups=4, layers_per_block=1)
    autoencoder("kl-encode", (2, 3, 16, 12), "x", clamp=True, **blocks(8, 12), norm_num_groups=2)
    autoencoder("kl-decode", (2, 4, 3, 5), "z", **blocks(8, 12), norm_num_groups=2)
    autoencoder("kl-old-keys", (1, 3, 16, 16), "sample", old=True, **blocks(4, 8, 8), norm_num_groups=4, layers_per_block=2)
    autoencoder("kl-no-quant", (1, 3, 12, 20), "sample", **blocks(4, 8), norm_num_groups=4, latent_channels=16,
                use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.0609, scaling_factor=1.5305)
    autoencoder("kl-no-quant-encode", (1, 3, 8, 8), "x", **blocks(8), norm_num_groups=4, use_quant_conv=False, clamp=True,
                sample_size=(8, 8))
    autoencoder("kl-odd", (1, 1, 19, 27), "sample", **blocks(4, 6, 8), norm_num_groups=2, in_channels=1, out_channels=2,
                act_fn="relu", mid_block_add_attention=False)
    autoencoder("kl-attention-blocks", (1, 3, 10, 14), "sample", **blocks(6, 8, attention=True), norm_num_groups=2, act_fn="gelu",
                use_post_quant_conv=False)
    autoencoder("kl-mish", (1, 3, 6, 6), "sample", **blocks(4), norm_num_groups=1, act_fn="mish", layers_per_block=3)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.no_grad():
        make_dit()
        make_pixart()
        make_mmdit()
        make_autoencoder()
    total = sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file())
    print(f"{total / 1e6:.2f} MB")
