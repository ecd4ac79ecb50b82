"""Parity fixtures of decoder language models: tiny random checkpoints with what the reference library answers for them.

Made with torch 2.13.0+cpu, transformers 5.24.0, safetensors 0.8.0, Python 3.11:

    python make.py            # rewrites every folder beside this script
    python make.py llama yarn # only folders whose name contains one of the words

Every folder holds config.json and weights under the keys of a checkpoint; inputs.safetensors (the reference's argument
names), options.json (its keyword options that are no tensors), expected.safetensors (its output names). Where
greedy.safetensors stands, it holds what greedy generation with a key/value cache gives for the same inputs: `sequences`
and `step_logits` [batch, steps, vocabulary].
"""

import json
import shutil
import sys
from pathlib import Path

import safetensors
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig
from transformers import utils as transformers_utils

# Only text is made here: an unusable torchvision beside torch must not matter.
transformers_utils.is_torchvision_available = lambda: False

HERE = Path(__file__).parent
torch.set_num_threads(1)
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def randomise(model, generator):
    """Nothing keeps its initial value: a norm that is all ones would hide a norm that is never applied."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 1 and name.endswith("weight"):
            value = 1 + 0.3 * noise
        elif parameter.ndim == 1:
            value = 0.2 * noise
        elif "embed" in name or "wte" in name or "wpe" in name:
            value = 0.7 * noise
        else:
            fan_in = parameter.shape[0] if "c_" in name or "q_attn" in name else parameter.shape[1]
            value = 1.4 * noise / fan_in**0.5
        parameter.data.copy_(value)


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


def ids(generator, vocabulary, *shape):
    return torch.randint(3, vocabulary, shape, generator=generator)


def padded_mask(rows, length):
    """One row padded on the right, one on the left, the others whole."""
    mask = torch.ones(rows, length, dtype=torch.int64)
    mask[0, length - 3 :] = 0
    mask[1, :4] = 0
    return mask


def case(name, config, *, inputs=None, options=None, keys=None, extra=None, greedy=0, greedy_inputs=("input_ids", "attention_mask"),
         greedy_options=None, sharded=False, length=11, rows=2, seed=0):
    words = sys.argv[1:]
    if words and not any(word in name for word in words):
        return
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    generator = torch.Generator().manual_seed(sum(map(ord, name)) + seed)

    reference = AutoConfig.from_pretrained(folder)
    cls = getattr(transformers, config["architectures"][0])
    model = cls(reference)
    randomise(model, generator)
    state = {key: value for key, value in model.state_dict().items()}
    if getattr(reference, "tie_word_embeddings", False):
        state.pop("lm_head.weight", None)
    if keys is not None:
        state = {keys(key): value for key, value in state.items()}
    state |= extra(model) if extra else {}
    save_weights(folder, state, sharded)

    # What is expected is what the reference answers for the folder, not for the model it was made from.
    loaded, report = cls.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not report["missing_keys"] and not report["mismatched_keys"], (name, report)
    loaded.eval()
    vocabulary = reference.vocab_size
    given = {"input_ids": ids(generator, vocabulary, rows, length)}
    if inputs is not None:
        given |= inputs(generator, reference, given["input_ids"])
    given = {key: value for key, value in given.items() if value is not None}
    with torch.no_grad():
        out = loaded(**given, **(options or {}), output_hidden_states=True)
    expected = {}
    for key in ("logits", "last_hidden_state", "loss"):
        if key in out and out[key] is not None:
            expected[key] = out[key].contiguous()
    for number, state in enumerate(out.hidden_states):
        expected[f"hidden_states.{number}"] = state.contiguous().clone()
    assert all(torch.isfinite(value).all() for value in expected.values()), name
    save_file({k: v.contiguous() for k, v in given.items()}, folder / "inputs.safetensors")
    save_file(expected, folder / "expected.safetensors")
    if options:
        (folder / "options.json").write_text(json.dumps(options) + "\n")

    if greedy:
        fresh = cls.from_pretrained(folder, dtype=torch.float32).eval()
        settings = fresh.generation_config
        settings.eos_token_id = None
        settings.pad_token_id = 0
        prompt = {key: given[key] for key in greedy_inputs if key in given}
        made = fresh.generate(**prompt, max_new_tokens=greedy, do_sample=False, output_logits=True,
                              return_dict_in_generate=True, **(greedy_options or {}))
        step_logits = torch.stack(made.logits, 1).contiguous()
        # The choice must not hang on the last bit: the best two are well apart.
        best = step_logits.topk(2, -1).values
        assert ((best[..., 0] - best[..., 1]).min() > 1e-3), (name, "near tie")
        save_file({"sequences": made.sequences.contiguous(), "step_logits": step_logits}, folder / "greedy.safetensors")
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{name:36} {size / 1000:7.1f} kB")


# GPT-2 ------------------------------------------------------------------------------------------------------------

GPT2 = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 61, "n_positions": 40, "n_embd": 32,
        "n_layer": 2, "n_head": 4, "n_inner": 48, "bos_token_id": 1, "eos_token_id": 2}


def mask_only(generator, config, tokens):
    return {"attention_mask": padded_mask(*tokens.shape)}


def causal_buffers(model):
    """What the first checkpoints carried beside the weights: the causal mask and its fill value."""
    size = model.config.n_positions
    triangle = torch.ones(size, size).tril().view(1, 1, size, size)
    return {f"h.{i}.attn.bias": triangle.clone() for i in range(model.config.n_layer)} | {
        f"h.{i}.attn.masked_bias": torch.tensor(-1e4) for i in range(model.config.n_layer)}


case("gpt2-padded", GPT2, inputs=mask_only, rows=3, greedy=7)
case("gpt2-hub-keys", GPT2 | {"n_inner": None, "n_embd": 24, "n_layer": 2, "layer_norm_epsilon": 1e-3},
     keys=lambda key: key.removeprefix("transformer."), extra=causal_buffers,
     inputs=lambda g, c, t: {"position_ids": torch.tensor([[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]])})
case("gpt2-base", GPT2 | {"architectures": ["GPT2Model"], "activation_function": "relu", "layer_norm_epsilon": 1e-2,
     "scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True},
     inputs=lambda g, c, t: {"token_type_ids": ids(g, c.vocab_size, *t.shape)})
case("gpt2-base-prefixed", GPT2 | {"architectures": ["GPT2Model"], "activation_function": "gelu", "n_layer": 1},
     keys=lambda key: "transformer." + key,
     inputs=lambda g, c, t: {"input_ids": None, "inputs_embeds": torch.randn(2, 6, 32, generator=g)})
case("gpt2-untied-sharded", GPT2 | {"tie_word_embeddings": False, "scale_attn_weights": False,
     "activation_function": "gelu_pytorch_tanh"}, sharded=True)
case("gpt2-cross-attention", GPT2 | {"add_cross_attention": True, "n_layer": 1, "activation_function": "silu"},
     inputs=lambda g, c, t: {"encoder_hidden_states": torch.randn(2, 5, 32, generator=g),
                             "encoder_attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])})

# Llama ------------------------------------------------------------------------------------------------------------

LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 43, "hidden_size": 32,
         "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
         "hidden_act": "silu", "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
         "rope_theta": 10000.0, "bos_token_id": 1, "eos_token_id": 2}


def without(config, *names):
    return {key: value for key, value in config.items() if key not in names}


def tree(generator, config, tokens):
    """Five tokens of a line, then a tree: two children of the last, each with two children of its own; a boolean mask."""
    parents = [None, 0, 1, 2, 3, 4, 4, 5, 5, 6, 6]
    mask = torch.zeros(len(parents), len(parents), dtype=torch.bool)
    depth = []
    for token, parent in enumerate(parents):
        depth.append(0 if parent is None else depth[parent] + 1)
        mask[token, token] = True
        if parent is not None:
            mask[token] |= mask[parent]
    return {"attention_mask": mask.expand(2, 1, -1, -1), "position_ids": torch.tensor([depth])}


def additive(generator, config, tokens):
    length = tokens.shape[1]
    bias = torch.randn(2, 1, length, length, generator=generator)
    return {"attention_mask": bias.masked_fill(torch.ones(length, length).triu(1).bool(), -1e30)}


def stale_frequencies(model):
    return {f"model.layers.{i}.self_attn.rotary_emb.inv_freq": torch.arange(4.0) for i in range(2)}


case("llama2-padded", without(LLAMA, "num_key_value_heads"), inputs=mask_only, rows=3, greedy=7)
case("llama-grouped", LLAMA, inputs=mask_only, greedy=7)
case("llama-tied-biases", without(LLAMA, "rope_theta") | {"tie_word_embeddings": True, "attention_bias": True,
     "mlp_bias": True, "head_dim": 6, "num_key_value_heads": 1, "hidden_act": "gelu", "rms_norm_eps": 1e-2,
     "rope_parameters": {"rope_type": "default", "rope_theta": 500.0}}, greedy=5)
case("llama-old-buffers", LLAMA | {"rope_scaling": None, "pretraining_tp": 1, "hidden_act": "relu"},
     extra=stale_frequencies,
     inputs=lambda g, c, t: {"position_ids": torch.stack([torch.arange(11), torch.arange(11) + 20])})
case("llama-base", LLAMA | {"architectures": ["LlamaModel"]}, inputs=mask_only)
case("llama-base-prefixed", LLAMA | {"architectures": ["LlamaModel"]}, keys=lambda key: "model." + key,
     inputs=lambda g, c, t: {"input_ids": None, "inputs_embeds": torch.randn(2, 6, 32, generator=g)})
case("llama-tied-unprefixed", LLAMA | {"tie_word_embeddings": True, "partial_rotary_factor": 0.5},
     keys=lambda key: key.removeprefix("model."))
case("llama-tied-own-head", LLAMA | {"tie_word_embeddings": True, "num_hidden_layers": 1},  # the file's head wins
     extra=lambda model: {"lm_head.weight": model.model.embed_tokens.weight.detach().flip(0)})
case("llama-tree-mask", LLAMA, inputs=tree)
case("llama-additive-mask", LLAMA, inputs=additive)
case("llama-packed", LLAMA, options={"use_cache": False},
     inputs=lambda g, c, t: {"position_ids": torch.tensor([[0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 1], list(range(11))])})
case("llama-short-mask", LLAMA, inputs=lambda g, c, t: {"attention_mask": torch.ones(2, 8, dtype=torch.int64)})
case("llama-labels-last-logits", LLAMA, options={"logits_to_keep": 3})
case("llama-labels", LLAMA | {"num_hidden_layers": 1}, inputs=lambda g, c, t: {"labels": torch.where(t % 5 == 0, -100, t)})

# Rotary scalings --------------------------------------------------------------------------------------------------

SCALED = LLAMA | {"intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 31,
                  "tie_word_embeddings": True, "rope_theta": 100.0, "max_position_embeddings": 32}


def far(start):
    return lambda g, c, t: {"position_ids": torch.stack([torch.arange(11) + start, torch.arange(11)])}


def scaled(name, scaling, start=60, new=False, top=None, **more):
    config = SCALED | (top or {})
    config = without(config, "rope_theta") | {"rope_parameters": {"rope_theta": 100.0} | scaling} if new else config | {
        "rope_scaling": scaling}
    case("rope-" + name, config, inputs=far(start), **more)


scaled("linear-old", {"type": "linear", "factor": 2.5})
scaled("linear-new", {"rope_type": "linear", "factor": 4}, new=True)
scaled("dynamic-within", {"type": "dynamic", "factor": 3.0}, start=5)
scaled("dynamic-beyond", {"rope_type": "dynamic", "factor": 3.0}, new=True)
case("rope-dynamic-greedy", SCALED | {"max_position_embeddings": 14, "rope_scaling": {"type": "dynamic", "factor": 2.0}},
     inputs=mask_only, greedy=6)
scaled("yarn", {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8})
scaled("yarn-betas", {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 3,
       "beta_slow": 0.5, "truncate": False}, new=True)
scaled("yarn-attention-factor", {"rope_type": "yarn", "factor": 4.0, "attention_factor": 0.7, "beta_fast": 2}, new=True)
scaled("yarn-mscale", {"rope_type": "yarn", "factor": 8.0, "mscale": 0.7, "mscale_all_dim": 1.3, "beta_fast": 2,
       "beta_slow": 0.25, "original_max_position_embeddings": 16}, new=True)
scaled("yarn-factor-null", {"rope_type": "yarn", "factor": None, "beta_fast": 2, "mscale": 2.0},
       top={"original_max_position_embeddings": 8})
SHORT = [1.0, 1.1, 1.3, 1.7, 2.0, 2.2, 2.5, 3.0]
LONG = [1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0]
LONGROPE = {"short_factor": SHORT, "long_factor": LONG}
scaled("longrope-short", {"type": "longrope", "original_max_position_embeddings": 20} | LONGROPE, start=9)
scaled("longrope-long", {"rope_type": "longrope", "original_max_position_embeddings": 8, "factor": 3.0} | LONGROPE, new=True)
scaled("longrope-attention-factor", {"rope_type": "longrope", "attention_factor": 1.4} | LONGROPE, new=True,
       top={"original_max_position_embeddings": 16}, start=5)
case("rope-longrope-greedy", SCALED | {"rope_scaling": {"type": "longrope", "original_max_position_embeddings": 13} |
     LONGROPE}, inputs=mask_only, greedy=6)
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 16}
scaled("llama3-old", LLAMA3)
scaled("llama3-new", LLAMA3 | {"low_freq_factor": 0.5, "high_freq_factor": 2, "factor": 3}, new=True)
scaled("proportional", {"rope_type": "proportional", "partial_rotary_factor": 0.5, "factor": 2.0}, new=True)

# Mistral, Qwen2, Qwen3 --------------------------------------------------------------------------------------------

MISTRAL = without(LLAMA, "model_type") | {"model_type": "mistral", "architectures": ["MistralForCausalLM"],
                                          "sliding_window": 4}
case("mistral-window", MISTRAL, inputs=mask_only, rows=3, greedy=8)
case("mistral-no-window", MISTRAL | {"sliding_window": None, "head_dim": 10}, inputs=mask_only, greedy=4, sharded=True)
case("mistral-base", without(MISTRAL, "sliding_window", "rope_theta") | {"architectures": ["MistralModel"],
     "layer_types": ["full_attention"] * 2})
case("mistral-packed", MISTRAL, options={"use_cache": False},
     inputs=lambda g, c, t: {"position_ids": torch.tensor([[0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3]])})

QWEN2 = without(LLAMA, "model_type") | {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}
case("qwen2", QWEN2 | {"sliding_window": 3, "use_sliding_window": False}, inputs=mask_only, rows=3, greedy=7)
case("qwen2-sliding", QWEN2 | {"sliding_window": 3, "use_sliding_window": True, "max_window_layers": 1},
     inputs=mask_only, greedy=8)
case("qwen2-layer-types", QWEN2 | {"sliding_window": 5, "use_sliding_window": True, "num_hidden_layers": 2,
     "layer_types": ["sliding_attention", "full_attention"], "tie_word_embeddings": True}, inputs=mask_only, greedy=5)
case("qwen2-yarn-base", QWEN2 | {"architectures": ["Qwen2Model"], "rope_theta": 1000000.0, "rope_scaling":
     {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}, "head_dim": 12},
     inputs=far(40))

QWEN3 = without(LLAMA, "model_type") | {"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "head_dim": 12}
case("qwen3", QWEN3, inputs=mask_only, rows=3, greedy=7)
case("qwen3-biases-sliding", QWEN3 | {"attention_bias": True, "sliding_window": 3, "use_sliding_window": True,
     "max_window_layers": 1, "rms_norm_eps": 1e-2, "tie_word_embeddings": True}, inputs=mask_only, greedy=6)
case("qwen3-default-head", without(QWEN3, "head_dim", "num_key_value_heads") | {"hidden_size": 16,
     "intermediate_size": 16, "num_attention_heads": 1, "num_key_value_heads": 1, "num_hidden_layers": 1,
     "layer_types": ["full_attention"]})
case("qwen3-base", without(QWEN3, "rope_theta") | {"architectures": ["Qwen3Model"], "rope_parameters":
     {"rope_type": "yarn", "rope_theta": 1000, "factor": 2.0, "original_max_position_embeddings": 32}}, inputs=far(50))

print("torch", torch.__version__, "transformers", transformers.__version__, "safetensors", safetensors.__version__)
