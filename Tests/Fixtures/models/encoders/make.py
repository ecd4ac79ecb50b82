"""Makes the parity fixtures of the encoders: small random models of the reference packages, their inputs and outputs.

Versions: torch 2.13.0, transformers 5.24.0, timm 1.0.31, safetensors (any).
Run: python Tests/Fixtures/models/encoders/make.py [CASE ...]

Every case is a folder with config.json, the weights, inputs.safetensors (named as the arguments of the reference's forward),
options.json (arguments that are no tensors, where there are any) and expected.safetensors (named as the reference's outputs;
hidden states are numbered as the reference numbers them). Every parameter is random, so that no norm, bias or scale hides.
"""

import json
import pathlib
import shutil
import sys

import torch

# The published torchvision wheel is built for another torch; timm needs only its Python part.
library = torch.library.Library("torchvision", "DEF")
for operator in ("nms", "qnms"):
    library.define(operator + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import timm  # noqa: E402
import transformers as hf  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from timm.models import save_for_hf  # noqa: E402

HERE = pathlib.Path(__file__).parent
WANTED = sys.argv[1:]
hf.utils.logging.set_verbosity_error()
hf.utils.logging.disable_progress_bar()


def randomise(model):
    """Gives every parameter a value that shows in the output, whatever its initialisation was."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim >= 2:
                fan_in = parameter[0].numel() if "embed" not in name and "token" not in name else 1
                parameter.copy_(noise * (1.0 / fan_in**0.5 if fan_in > 1 else 0.5))
            elif "weight" in name or "gamma" in name:
                parameter.copy_(1 + 0.3 * noise)
            else:
                parameter.copy_(0.2 * noise)
    return model.eval()


def plain(tensors):
    return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def write(name, inputs, outputs, options=None):
    folder = HERE / name
    save_file(plain(inputs), folder / "inputs.safetensors")
    save_file(plain(outputs), folder / "expected.safetensors")
    if options:
        (folder / "options.json").write_text(json.dumps(options) + "\n")


def start(name):
    """Whether the case is to be made; its folder is then empty."""
    if WANTED and name not in WANTED:
        return False
    shutil.rmtree(HERE / name, ignore_errors=True)
    (HERE / name).mkdir()
    return True


def case(name, model, inputs, options=None, keys=None, shard=None, config=None):
    """One case of transformers; `keys` renames or adds weights, `config` changes config.json."""
    if not start(name):
        return
    folder = HERE / name
    randomise(model)
    model.save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    for extra in ("generation_config.json",):
        (folder / extra).unlink(missing_ok=True)
    if keys is not None:
        weights = keys(load_file(folder / "model.safetensors"), model)
        save_file(plain(weights), folder / "model.safetensors", metadata={"format": "pt"})
    document = json.loads((folder / "config.json").read_text())
    document.update(config or {})
    (folder / "config.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    with torch.no_grad():
        target = model if not isinstance(model, hf.T5ForConditionalGeneration) else model.encoder
        result = target(**inputs, **(options or {}), output_hidden_states=True)
    outputs = {key: value for key, value in result.items() if torch.is_tensor(value)}
    outputs.pop("encoder_last_hidden_state", None)
    outputs |= {f"hidden_states.{i}": value for i, value in enumerate(result.hidden_states)}
    write(name, inputs, outputs, options)


def timm_case(name, architecture, images, options=None, change=None, **arguments):
    """One case of timm in its hub form."""
    if not start(name):
        return
    folder = HERE / name
    small = dict(img_size=16, patch_size=4, embed_dim=16, depth=2, num_heads=4, num_classes=5, mlp_ratio=1.5)
    small |= arguments
    built = {key: value for key, value in small.items() if value is not None}
    model = randomise(timm.create_model(architecture, **built))
    save_for_hf(model, str(folder), safe_serialization=True)
    for extra in folder.iterdir():
        if extra.name not in ("config.json", "model.safetensors"):
            extra.unlink()
    if change:
        document = json.loads((folder / "config.json").read_text())
        weights = load_file(folder / "model.safetensors")
        document, weights = change(document, weights)
        (folder / "config.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
        save_file(plain(weights), folder / "model.safetensors", metadata={"format": "pt"})
    with torch.no_grad():
        outputs = {"logits": model(images), "last_hidden_state": model.forward_features(images)}
        outputs["pooler_output"] = model.forward_head(outputs["last_hidden_state"], pre_logits=True)
        _, intermediates = model.forward_intermediates(images, **(options or {}))
        for i, value in enumerate(intermediates):
            outputs[f"hidden_states.{i}"] = value
    write(name, {"pixel_values": images}, outputs, options)


def ids(batch, length, vocabulary=40, low=4, seed=1):
    return torch.randint(low, vocabulary, (batch, length), generator=torch.Generator().manual_seed(seed))


def floats(*shape, seed=2):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def mask(lengths, length, left=False):
    rows = [[int(i >= length - n) if left else int(i < n) for i in range(length)] for n in lengths]
    return torch.tensor(rows)


TEXT = dict(
    vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=20,
    max_position_embeddings=24,
)


def bert_cases():
    config = lambda **more: hf.BertConfig(**(TEXT | more))  # noqa: E731
    types = (ids(2, 9, 2, 0, seed=3)).long()
    padded = dict(input_ids=ids(2, 9), attention_mask=mask([9, 5], 9), token_type_ids=types)
    case("bert-model", hf.BertModel(config()), padded)
    case("bert-no-pooler", hf.BertModel(config(hidden_act="relu", layer_norm_eps=1e-3), add_pooling_layer=False),
         dict(input_ids=ids(2, 7), attention_mask=mask([4, 7], 7, left=True)))

    def prefixed(weights, model):
        return {"bert." + key: value for key, value in weights.items()}

    case("bert-model-prefixed", hf.BertModel(config(hidden_act="gelu_new")), dict(input_ids=ids(1, 6)), keys=prefixed)
    case("bert-inputs-embeds", hf.BertModel(config(type_vocab_size=3)),
         dict(inputs_embeds=floats(2, 6, 16), position_ids=torch.tensor([[3, 4, 5, 9, 1, 0]])))

    def hub(weights, model):
        """The keys of the first published BERT: gamma and beta, unused heads, a stored buffer."""
        weights = {key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
                   for key, value in weights.items()}
        weights["bert.embeddings.position_ids"] = torch.arange(24)[None]
        weights["bert.pooler.dense.weight"], weights["bert.pooler.dense.bias"] = torch.ones(16, 16), torch.ones(16)
        weights["cls.seq_relationship.weight"], weights["cls.seq_relationship.bias"] = torch.ones(2, 16), torch.ones(2)
        return weights

    case("bert-masked-lm-old-keys", hf.BertForMaskedLM(config()), padded, keys=hub, config={"tie_word_embeddings": None})
    case("bert-masked-lm-untied", hf.BertForMaskedLM(config(tie_word_embeddings=False, hidden_act="silu")),
         dict(input_ids=ids(2, 7), attention_mask=mask([4, 7], 7, left=True), position_ids=torch.arange(7)[None] + 5),
         shard="12KB")
    case("bert-pretraining", hf.BertForPreTraining(config(intermediate_size=36)), padded)
    case("bert-causal-lm", hf.BertLMHeadModel(config(is_decoder=True)),
         dict(input_ids=ids(2, 7), attention_mask=mask([4, 7], 7, left=True)))
    case("bert-sequence-classification", hf.BertForSequenceClassification(config(num_labels=3)), padded)
    case("bert-token-classification", hf.BertForTokenClassification(config(num_labels=4, hidden_act="gelu_pytorch_tanh")),
         dict(input_ids=ids(2, 7)))
    case("bert-question-answering", hf.BertForQuestionAnswering(config()), padded)
    case("bert-next-sentence", hf.BertForNextSentencePrediction(config(hidden_act="quick_gelu")), padded)
    case("bert-multiple-choice", hf.BertForMultipleChoice(config()),
         dict(input_ids=ids(6, 5).view(2, 3, 5), attention_mask=mask([5, 4, 3, 5, 2, 1], 5).view(2, 3, 5)))


def roberta_cases():
    config = lambda **more: hf.RobertaConfig(**(TEXT | dict(type_vocab_size=1) | more))  # noqa: E731

    def padded(pad, left):
        tokens, allowed = ids(2, 8), mask([5, 8], 8, left=left)
        return dict(input_ids=torch.where(allowed.bool(), tokens, pad), attention_mask=allowed)

    case("roberta-model", hf.RobertaModel(config(layer_norm_eps=1e-5)), padded(1, left=False))
    case("roberta-masked-lm", hf.RobertaForMaskedLM(config()), padded(1, left=True))
    unmasked = {"input_ids": padded(3, left=True)["input_ids"]}
    case("roberta-padding-id", hf.RobertaModel(config(pad_token_id=3, type_vocab_size=2), add_pooling_layer=False), unmasked)
    case("roberta-sequence-classification", hf.RobertaForSequenceClassification(config(num_labels=3)),
         padded(1, left=False) | dict(position_ids=torch.arange(8)[None].repeat(2, 1) + 2))
    case("roberta-token-classification", hf.RobertaForTokenClassification(config(num_labels=3, hidden_act="gelu_new")),
         dict(inputs_embeds=floats(2, 5, 16)))
    case("roberta-question-answering", hf.RobertaForQuestionAnswering(config()), padded(1, left=True))
    case("roberta-untied", hf.RobertaForMaskedLM(config(tie_word_embeddings=False)), padded(1, left=False))
    case("xlm-roberta-masked-lm", hf.XLMRobertaForMaskedLM(hf.XLMRobertaConfig(**(TEXT | dict(type_vocab_size=1)))),
         padded(1, left=True))


T5 = dict(vocab_size=40, d_model=16, d_kv=8, d_ff=20, num_layers=2, num_heads=3, decoder_start_token_id=0)


def t5_cases():
    tokens = ids(2, 40)
    case("t5-encoder", hf.T5EncoderModel(hf.T5Config(**T5)), dict(input_ids=tokens, attention_mask=mask([40, 23], 40)))
    case("t5-full", hf.T5ForConditionalGeneration(hf.T5Config(**(T5 | dict(num_layers=1, num_decoder_layers=1, d_ff=16)))),
         dict(input_ids=ids(2, 11), attention_mask=mask([4, 11], 11, left=True)))
    case("t5-gated", hf.T5EncoderModel(hf.T5Config(
        **(T5 | dict(d_kv=4, feed_forward_proj="gated-gelu", layer_norm_epsilon=1e-3)), tie_word_embeddings=False)),
        dict(input_ids=tokens, attention_mask=mask([17, 40], 40, left=True)))
    case("t5-gated-silu", hf.T5EncoderModel(hf.T5Config(**(T5 | dict(
        d_kv=12, feed_forward_proj="gated-silu", relative_attention_num_buckets=8, relative_attention_max_distance=20)))),
        dict(inputs_embeds=floats(2, 33, 16)))

    def stack_keys(weights, model):
        """Some exports store the embedding under the encoder's own name alone."""
        return {("encoder.embed_tokens.weight" if key == "shared.weight" else key): value for key, value in weights.items()}

    case("mt5-encoder", hf.MT5EncoderModel(hf.MT5Config(**T5)), dict(input_ids=ids(2, 11)), keys=stack_keys)
    case("umt5-encoder", hf.UMT5EncoderModel(hf.UMT5Config(**T5)),
         dict(input_ids=tokens, attention_mask=mask([40, 23], 40)))


IMAGE = dict(
    hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=20, image_size=16, patch_size=4, num_labels=5)


def vit_cases():
    config = lambda **more: hf.ViTConfig(**(IMAGE | more))  # noqa: E731
    images = dict(pixel_values=floats(2, 3, 16, 16))
    own_keys = lambda weights, model: model.state_dict()  # noqa: E731
    case("vit-classification", hf.ViTForImageClassification(config()), images)
    case("vit-classification-own-keys", hf.ViTForImageClassification(config(layer_norm_eps=1e-6)), images, keys=own_keys)
    case("vit-model", hf.ViTModel(config(pooler_output_size=10, pooler_act="relu")), images)
    case("vit-no-pooler", hf.ViTModel(config(qkv_bias=False, num_channels=1, hidden_act="quick_gelu"), add_pooling_layer=False),
         dict(pixel_values=floats(1, 1, 16, 16)), keys=own_keys)
    case("vit-interpolate", hf.ViTForImageClassification(config()), dict(pixel_values=floats(1, 3, 20, 29)),
         options={"interpolate_pos_encoding": True})
    case("vit-interpolate-same-count", hf.ViTForImageClassification(config()), dict(pixel_values=floats(1, 3, 8, 32)),
         options={"interpolate_pos_encoding": True})
    case("vit-rectangular", hf.ViTForImageClassification(config(image_size=[16, 24], patch_size=[4, 8])),
         dict(pixel_values=floats(2, 3, 16, 24)))
    masked = torch.tensor([[bool(i % 3 == 0) for i in range(16)]] * 2)
    case("vit-masked-positions", hf.ViTModel(config(), add_pooling_layer=False, use_mask_token=True),
         images | dict(bool_masked_pos=masked))
    case("vit-masked-image", hf.ViTForMaskedImageModeling(config(encoder_stride=4)), images)


def deit_cases():
    config = lambda **more: hf.DeiTConfig(**(IMAGE | more))  # noqa: E731
    images = dict(pixel_values=floats(2, 3, 16, 16))
    own_keys = lambda weights, model: model.state_dict()  # noqa: E731
    case("deit-teacher", hf.DeiTForImageClassificationWithTeacher(config()), images)
    case("deit-teacher-own-keys", hf.DeiTForImageClassificationWithTeacher(config(qkv_bias=False)), images, keys=own_keys)
    case("deit-classification", hf.DeiTForImageClassification(config(layer_norm_eps=1e-3)),
         dict(pixel_values=floats(1, 3, 12, 24)), options={"interpolate_pos_encoding": True})
    case("deit-model", hf.DeiTModel(config(image_size=[12, 16])), dict(pixel_values=floats(2, 3, 12, 16)))


def timm_cases():
    square = floats(2, 3, 16, 16)
    tiny = "vit_tiny_patch16_224"
    timm_case("timm-vit", tiny, square)
    timm_case("timm-average", tiny, square, class_token=False, global_pool="avg")
    timm_case("timm-average-no-fc-norm", tiny, square, global_pool="avg", fc_norm=False, qkv_bias=False, proj_bias=False)
    timm_case("timm-map", tiny, square, class_token=False, global_pool="map")
    timm_case("timm-layer-scale", tiny, square, init_values=1e-5, qk_norm=True, act_layer="gelu_tanh")
    timm_case("timm-pre-norm", tiny, square, pre_norm=True, no_embed_class=True, reg_tokens=3, act_layer="quick_gelu",
              options={"output_fmt": "NLC"})
    timm_case("timm-dynamic", tiny, floats(1, 3, 12, 24), dynamic_img_size=True, reg_tokens=2)
    timm_case("timm-dynamic-up", tiny, floats(1, 3, 32, 20), dynamic_img_size=True, no_embed_class=True, class_token=False,
              global_pool="avgmax")
    timm_case("timm-dynamic-padded", tiny, floats(1, 3, 15, 23), dynamic_img_size=True, dynamic_img_pad=True)
    timm_case("timm-rectangular", tiny, floats(2, 4, 12, 16), img_size=[12, 16], patch_size=[4, 8], in_chans=4,
              global_pool="max", options={"norm": True})
    timm_case("timm-scale-norms", tiny, square, scale_attn_norm=True, scale_mlp_norm=True, norm_layer="rmsnorm")
    timm_case("timm-no-positions", tiny, square, pos_embed="none", global_pool="avg", pool_include_prefix=True)
    timm_case("timm-features", tiny, square, num_classes=0, final_norm=False)
    timm_case("timm-no-pooling", tiny, square, global_pool="", num_classes=3, options={"indices": [1]})
    timm_case("timm-clip", "vit_base_patch16_clip_224", square)
    timm_case("timm-dinov2-registers", "vit_small_patch14_reg4_dinov2", floats(1, 3, 21, 28), img_size=21, patch_size=7,
              dynamic_img_size=True)
    timm_case("timm-swiglu", "vit_giant_patch14_reg4_dinov2", floats(1, 3, 21, 21), img_size=21, patch_size=7)
    timm_case("timm-norm-inside", "vit_base_patch16_rpn_224", square)
    timm_case("timm-deit3", "deit3_small_patch16_224", square)
    timm_case("timm-distilled", "deit_tiny_distilled_patch16_224", square)

    def legacy(document, weights):
        """The older hub form: everything in one dictionary, the arguments beside the source's."""
        document = dict(document["pretrained_cfg"], architecture=document["architecture"], model_args=document["model_args"])
        return document, weights

    timm_case("timm-legacy", "deit_small_distilled_patch16_224", floats(1, 3, 12, 20), dynamic_img_size=True, change=legacy)

    def wrapped(document, weights):
        """What transformers writes for a timm model."""
        document["model_type"] = "timm_wrapper"
        return document, {"timm_model." + key: value for key, value in weights.items()}

    timm_case("timm-wrapped", tiny, square, change=wrapped)


for cases in (bert_cases, roberta_cases, t5_cases, vit_cases, deit_cases, timm_cases):
    cases()
