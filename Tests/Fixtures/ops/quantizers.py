"""Quantizers against vector-quantize-pytorch 1.32.0 (random choices replaced by given ones)."""

import torch
import vector_quantize_pytorch as vqp
import vector_quantize_pytorch.vector_quantize_pytorch as core
from cases import randn, write

torch.set_num_threads(1)


def first_samples(samples, num):
    """Replaces the random choice of vectors: the first ones, repeated when there are too few."""
    index = torch.arange(num) % samples.shape[1]
    return samples[:, index]


core.batched_sample_vectors = first_samples


def run(op, case, module, inputs, calls, training, cotangent=None, state=lambda: {}, weights=None, **options):
    """Runs `module` on each of `calls`; records codes, vectors, losses and, for the last call, gradients."""
    module.train(training)
    inputs, expected = dict(inputs), {}
    for index, z in enumerate(calls):
        name = "" if len(calls) == 1 else f".{index}"
        inputs["z" + name] = z
        last = index == len(calls) - 1
        z = z.clone().requires_grad_(training)
        module.zero_grad()
        out = module(z, **({"mask": inputs["mask"]} if "mask" in inputs else {}))
        vectors, codes = out[0], out[1]
        expected["codes" + name], expected["vectors" + name] = codes, vectors
        loss = out[2] if len(out) > 2 else None
        if loss is not None:
            expected["loss" + name] = loss
        if last and cotangent is not None:
            inputs["cotangent"] = cotangent
            objective = (vectors * cotangent).sum() + (loss.sum() if loss is not None else 0)
            objective.backward()
            expected["z_gradient"] = z.grad
            for key, parameter in (weights or {}).items():
                expected[key + "_gradient"] = parameter.grad
    expected.update(state())
    write(op, case, inputs, expected, training=training, **options)


def parameters(module, wanted=True):
    """The module's parameters and buffers by the reference's own names."""
    if not wanted:
        return {}
    return {key: value.detach().clone() for key, value in module.state_dict().items() if value.is_floating_point()}


def vq(case, training, steps=1, seed=1, shape=(2, 12), dim=8, size=16, mask=None, gradient=True, **options):
    torch.manual_seed(seed)
    module = core.VectorQuantize(dim=dim, codebook_size=size, **options)
    book = module._codebook
    if not options.get("kmeans_init"):
        embed = randn(seed + 100, *book.embed.shape)
        if options.get("use_cosine_sim"):
            embed = core.l2norm(embed)
        book.embed.data.copy_(embed)
        book.embed_avg.data.copy_(embed * 1.5)
        book.cluster_size.data.copy_(1.5 + randn(seed + 200, *book.cluster_size.shape).abs())
    for name in ("project_in", "project_out"):
        layer = getattr(module, name)
        for key, value in layer.named_parameters():
            value.data.copy_(randn(seed + 300 + len(key), *value.shape) * 0.4)
    inputs = {} if options.get("kmeans_init") else parameters(module)
    if mask is not None:
        inputs["mask"] = mask
    calls = [randn(seed + 10 + i, *shape, dim) for i in range(steps)]
    cotangent = randn(seed + 50, *shape, dim) if training and gradient else None
    weights = {"_codebook.embed": book.embed} if book.embed.requires_grad else {}
    run("vq", case, module, inputs, calls, training, cotangent, lambda: parameters(module, training), weights,
        codebook_size=size, **({"sampling": "first"} if case.startswith(("revival", "kmeans")) else {}), **options)


def vqs():
    vq("evaluation", False)
    vq("straight_through", True, rotation_trick=False)
    vq("rotation_trick", True, seed=2)
    vq("moving_average", True, steps=4, seed=3, decay=0.8)
    vq("moving_average_slow", True, steps=3, seed=4, decay=0.99, eps=1e-3, rotation_trick=False)
    vq("cosine", True, steps=3, seed=5, use_cosine_sim=True)
    vq("cosine_evaluation", False, seed=6, use_cosine_sim=True)
    vq("learnable", True, seed=7, learnable_codebook=True, ema_update=False, commitment_weight=0.25, rotation_trick=False)
    vq("learnable_rotation", True, seed=8, learnable_codebook=True, ema_update=False)
    vq("projected", True, steps=2, seed=9, codebook_dim=4)
    vq("heads_shared", True, steps=2, seed=10, heads=2, codebook_dim=4)
    vq("heads_separate", True, steps=2, seed=11, heads=2, codebook_dim=4, separate_codebook_per_head=True)
    vq("heads_separate_evaluation", False, seed=12, heads=4, codebook_dim=2, separate_codebook_per_head=True)
    vq("heads_projected", True, seed=13, heads=2, codebook_dim=3, separate_codebook_per_head=True)
    vq("orthogonal", True, seed=14, orthogonal_reg_weight=10.0, ema_update=False, learnable_codebook=True,
       rotation_trick=False)
    # Frozen: the reference updates its averages in the memory that the backward pass of these two losses still reads.
    vq("diversity", True, seed=15, codebook_diversity_loss_weight=0.1, codebook_diversity_temperature=10.0, freeze_codebook=True)
    vq("cross_entropy", True, seed=25, commitment_use_cross_entropy_loss=True, freeze_codebook=True)
    vq("cross_entropy_heads", True, seed=26, commitment_use_cross_entropy_loss=True, freeze_codebook=True, heads=2,
       codebook_dim=4, separate_codebook_per_head=True)
    mask = torch.ones(2, 12, dtype=torch.bool)
    mask[0, 9:] = False
    mask[1, 4:] = False
    vq("masked", True, steps=2, seed=16, mask=mask)
    vq("masked_evaluation", False, seed=17, mask=mask)
    vq("revival", True, steps=3, seed=18, threshold_ema_dead_code=2, size=10)
    vq("revival_cosine", True, steps=3, seed=19, threshold_ema_dead_code=2, size=10, use_cosine_sim=True)
    vq("kmeans", True, steps=2, seed=20, kmeans_init=True, kmeans_iters=5, size=6)
    vq("kmeans_cosine", True, seed=21, kmeans_init=True, kmeans_iters=4, size=6, use_cosine_sim=True)


def images():
    for case, seed, options in (("image", 31, {}), ("image_heads", 32, dict(heads=2, codebook_dim=4,
                                                                           separate_codebook_per_head=True))):
        torch.manual_seed(seed)
        module = core.VectorQuantize(dim=8, codebook_size=12, accept_image_fmap=True, **options)
        embed = randn(seed, *module._codebook.embed.shape)
        module._codebook.embed.data.copy_(embed)
        module.eval()
        z = randn(seed + 1, 2, 8, 3, 4)
        vectors, codes, _ = module(z)
        write("vq", case, {"z": z, **parameters(module)}, {"codes": codes, "vectors": vectors},
              training=False, codebook_size=12, accept_image_fmap=True, **options)


def residual(case, training, steps=1, seed=1, shape=(2, 10), dim=8, size=8, quantizers=3, groups=1, keep=None, **options):
    torch.manual_seed(seed)
    kind = vqp.ResidualVQ if groups == 1 else vqp.GroupedResidualVQ
    extra = {} if groups == 1 else {"groups": groups}
    sizes = options.get("codebook_size", size)
    arguments = dict(options)
    arguments["codebook_size"] = tuple(sizes) if isinstance(sizes, list) else sizes
    module = kind(dim=dim, num_quantizers=quantizers, **extra, **arguments)
    stacks = [module] if groups == 1 else list(module.rvqs)
    seen = set()
    for g, stack in enumerate(stacks):
        for q, layer in enumerate(stack.layers):
            book = layer._codebook
            if id(book) not in seen:
                seen.add(id(book))
                embed = randn(seed + 100 + 10 * g + q, *book.embed.shape) * 0.7 ** q
                book.embed.data.copy_(core.l2norm(embed) if options.get("use_cosine_sim") else embed)
                book.embed_avg.data.copy_(book.embed * 1.5)
                book.cluster_size.data.fill_(1.5)
        for name in ("project_in", "project_out"):
            for key, value in getattr(stack, name).named_parameters():
                value.data.copy_(randn(seed + 300 + len(key) + g, *value.shape) * 0.4)
    inputs = parameters(module)
    if keep is not None:
        import random
        wanted = keep - 1
        fixed = next(s for s in range(1000) if random.Random(s).randrange(0, quantizers) == wanted)
        import vector_quantize_pytorch.residual_vq as rv
        rv.get_maybe_sync_seed = lambda device, max_size=10_000: fixed
        options = dict(options, keep_quantizers=keep)
    calls = [randn(seed + 10 + i, *shape, dim) for i in range(steps)]
    cotangent = randn(seed + 50, *shape, dim) if training else None

    options.setdefault("codebook_size", size)
    run("residual_vq" if groups == 1 else "grouped_residual_vq", case, module, inputs, calls, training, cotangent,
        lambda: parameters(module, training), None, num_quantizers=quantizers, **extra, **options)


def residuals():
    residual("evaluation", False)
    residual("training", True, steps=3, seed=2)
    residual("straight_through", True, seed=3, rotation_trick=False)
    residual("dropout", True, steps=2, seed=4, quantize_dropout=True, keep=2, quantizers=4)
    residual("shared", True, steps=2, seed=5, shared_codebook=True)
    residual("projected", True, seed=6, codebook_dim=4)
    residual("cosine", True, steps=2, seed=7, use_cosine_sim=True)
    residual("sizes", False, seed=8, codebook_size=[8, 6, 4])
    residual("one", True, seed=9, quantizers=1)
    residual("evaluation", False, seed=11, groups=2)
    residual("training", True, steps=2, seed=12, groups=2)


def finite(case, levels, training=True, seed=1, shape=(2, 9), dim=None, scale=2.0, op="fsq", **options):
    torch.manual_seed(seed)
    arguments = dict(levels=levels, **options)
    if dim is not None:
        arguments["dim"] = dim
    module = (vqp.FSQ if op == "fsq" else vqp.ResidualFSQ)(**arguments)
    width = dim or len(levels) * options.get("num_codebooks", 1)
    inputs = {}
    for key, value in module.named_parameters():
        value.data.copy_(randn(seed + 300 + len(key), *value.shape) * 0.6)
        inputs[key] = value.detach().clone()
    if options.get("orthogonal_rotation"):
        inputs["orthogonal_rot"] = module.orthogonal_rot.clone()
    z = randn(seed + 10, *shape, width) * scale if len(shape) == 2 else randn(seed + 10, shape[0], width, *shape[1:]) * scale
    cotangent = randn(seed + 50, *z.shape) if training else None
    run(op, case, module, inputs, [z], training, cotangent, **arguments)
    return module


def finites():
    finite("odd_and_even", [8, 5, 5, 5])
    finite("large", [8, 8, 8, 5, 5, 5], seed=2, training=False)
    finite("symmetric", [8, 6, 5], seed=3, preserve_symmetry=True)
    finite("binary_levels", [2, 2, 3, 4], seed=4, preserve_symmetry=True, training=False)
    finite("projected", [8, 5, 5], seed=5, dim=8)
    finite("projected_without_bias", [7, 5], seed=6, dim=6, projection_has_bias=False, training=False)
    finite("codebooks", [5, 4, 3], seed=7, num_codebooks=2)
    finite("codebooks_projected", [5, 4, 3], seed=8, num_codebooks=2, dim=10)
    finite("image", [8, 6, 5], seed=9, shape=(2, 3, 4))
    finite("image_symmetric", [8, 6, 5], seed=10, shape=(2, 3, 4), preserve_symmetry=True, training=False)
    finite("rotated", [5, 5, 5, 5], seed=11, orthogonal_rotation=True)
    finite("hard_clamp", [8, 5, 4], seed=12, preserve_symmetry=True, bound_hard_clamp=True, scale=0.7)
    # all codes and their vectors
    module = vqp.FSQ(levels=[8, 8, 8, 5, 5, 5])
    codes = torch.tensor([0, 1, 7, 8, 511, 512, 32036, 63998, 63999])
    write("fsq", "vectors", {"codes": codes}, {"vectors": module.indices_to_codes(codes)}, levels=[8, 8, 8, 5, 5, 5])
    module = vqp.FSQ(levels=[4, 3, 2], preserve_symmetry=True)
    codes = torch.arange(24).reshape(2, 12)
    write("fsq", "vectors_symmetric", {"codes": codes}, {"vectors": module.indices_to_codes(codes)},
          levels=[4, 3, 2], preserve_symmetry=True)
    finite("training", [5, 5, 5], seed=21, op="residual_fsq", num_quantizers=3, scale=1.0)
    finite("evaluation", [8, 5, 4], seed=22, op="residual_fsq", num_quantizers=2, training=False, scale=1.0)
    finite("projected", [5, 5, 3], seed=23, op="residual_fsq", num_quantizers=3, dim=8, scale=1.0)
    finite("soft", [8, 6, 5], seed=24, op="residual_fsq", num_quantizers=2, bound_hard_clamp=False, training=False)


def lookup(case, training=True, seed=1, shape=(2, 7), width=None, op="lfq", mask=None, **options):
    torch.manual_seed(seed)
    module = (vqp.ResidualLFQ if op == "residual_lfq" else vqp.LFQ)(**options)
    width = options.get("dim") or module.dim
    inputs = {}
    for key, value in module.named_parameters():
        value.data.copy_(randn(seed + 300 + len(key), *value.shape) * 0.6)
        inputs[key] = value.detach().clone()
    if options.get("orthogonal_rotation"):
        inputs["orthogonal_rot"] = module.orthogonal_rot.clone()
    if mask is not None:
        inputs["mask"] = mask
    z = randn(seed + 10, *shape, width) if len(shape) == 2 else randn(seed + 10, shape[0], width, *shape[1:])
    cotangent = randn(seed + 50, *z.shape) if training else None
    if mask is not None:
        # With a mask the reference averages over no tokens where it means to average over all, so that the two entropies cancel;
        # the loss is taken from the tokens that count, given alone.
        module.train()
        leaf = z.clone().requires_grad_()
        vectors, codes, _ = module(leaf)
        loss = module(leaf[mask][None])[2]
        ((vectors * cotangent).sum() + loss).backward()
        write(op, case, {**inputs, "z": z, "cotangent": cotangent},
              {"codes": codes, "vectors": vectors, "loss": loss, "z_gradient": leaf.grad}, training=True, **options)
        return
    run(op, case, module, inputs, [z], training, cotangent, **options)


def lookups():
    lookup("training", codebook_size=32, dim=5)
    lookup("evaluation", training=False, seed=2, codebook_size=64, dim=6)
    lookup("commitment", seed=3, codebook_size=16, dim=4, commitment_loss_weight=0.25, diversity_gamma=2.5)
    lookup("projected", seed=4, codebook_size=16, dim=8)
    lookup("codebooks", seed=5, codebook_size=8, dim=6, num_codebooks=2)
    lookup("scaled", seed=6, codebook_size=16, dim=4, codebook_scale=0.5, soft_clamp_input_value=2.0)
    lookup("image", seed=7, codebook_size=16, dim=4, shape=(2, 3, 2))
    lookup("softplus", seed=8, codebook_size=16, dim=4, experimental_softplus_entropy_loss=True)
    lookup("cosine_projection", seed=9, codebook_size=16, dim=8, cosine_sim_project_in=True)
    lookup("rotated", seed=10, codebook_size=16, dim=4, orthogonal_rotation=True)
    mask = torch.ones(2, 7, dtype=torch.bool)
    mask[1, 3:] = False
    lookup("masked", seed=11, codebook_size=16, dim=4, commitment_loss_weight=1.0, mask=mask)
    lookup("spherical", seed=12, codebook_size=32, dim=5, spherical=True)
    lookup("spherical_evaluation", seed=13, codebook_size=256, dim=8, spherical=True, training=False)
    lookup("spherical_projected", seed=14, codebook_size=32, dim=8, spherical=True, commitment_loss_weight=0.25)
    lookup("training", seed=15, op="residual_lfq", dim=4, codebook_size=16, num_quantizers=3)
    lookup("evaluation", seed=16, op="residual_lfq", dim=8, codebook_size=16, num_quantizers=3, training=False)
    module = vqp.LFQ(codebook_size=16, dim=4)
    codes = torch.arange(16)
    write("lfq", "vectors", {"codes": codes}, {"vectors": module.indices_to_codes(codes)}, codebook_size=16, dim=4)
    module = vqp.LFQ(codebook_size=16, dim=4, spherical=True)
    write("lfq", "vectors_spherical", {"codes": codes}, {"vectors": module.indices_to_codes(codes)}, codebook_size=16, dim=4,
          spherical=True)


def others():
    for case, seed, options in (("training", 1, {}), ("straight_through", 2, dict(rotation_trick=False)),
                                ("weights", 3, dict(commitment_weight=2.0, input_to_quantize_commit_loss_weight=0.5))):
        torch.manual_seed(seed)
        module = vqp.SimVQ(dim=6, codebook_size=10, **options)
        module.code_transform.weight.data.copy_(randn(seed, 6, 6))
        inputs = {"frozen_codebook": module.frozen_codebook, "code_transform.weight": module.code_transform.weight}
        inputs = {key: value.detach().clone() for key, value in inputs.items()}
        run("sim_vq", case, module, inputs, [randn(seed + 10, 2, 9, 6)], True, randn(seed + 50, 2, 9, 6), codebook_size=10,
            weights={"code_transform.weight": module.code_transform.weight}, **options)
    for case, seed, training, options in (("training", 1, True, {}), ("evaluation", 2, False, {}),
                                          ("weights", 3, True, dict(commitment_loss_weight=0.3, quantization_loss_weight=0.7))):
        torch.manual_seed(seed)
        module = vqp.LatentQuantize(levels=[5, 5, 8], dim=3, **options)
        inputs = {}
        for i, value in enumerate(module.values_per_latent):
            value.data.copy_((value + 0.05 * randn(seed + 20 + i, *value.shape)).clamp(-0.5, 0.5))
            inputs[f"values_per_latent.{i}"] = value.detach().clone()
        z = randn(seed + 10, 2, 3, 4) * 0.4
        run("latent_quantize", case, module, inputs, [z], training, randn(seed + 50, 2, 3, 4) if training else None,
            levels=[5, 5, 8], dim=3, **options)
    # reading bits off logits; the draw is replaced by thresholding
    mapper = vqp.BinaryMapper(bits=5) if hasattr(vqp, "BinaryMapper") else None
    if mapper is None:
        from vector_quantize_pytorch.binary_mapper import BinaryMapper
        mapper = BinaryMapper(bits=5)
    logits = (randn(70, 2, 6, 5) * 2).requires_grad_()
    cotangent = randn(71, 2, 6, 32)
    one_hot, codes, loss = mapper(logits, deterministic=True, return_indices=True, straight_through=True, calc_aux_loss=True)
    ((one_hot * cotangent).sum() + loss).backward()
    write("binary_mapper", "training", {"z": logits, "cotangent": cotangent},
          {"vectors": one_hot, "codes": codes, "loss": loss, "z_gradient": logits.grad}, bits=5, training=True)
    # per dimension (TokenBridge): nearest of the conditional means of equal-probability bins of a normal distribution
    for bits, case in ((6, "six_bits"), (3, "three_bits")):
        n = 2 ** bits
        normal = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
        b = normal.icdf(torch.arange(n + 1, dtype=torch.float64) / n).clamp(-3, 3)
        density = torch.exp(normal.log_prob(b))
        values = (density[:-1] - density[1:]) / (normal.cdf(b[1:]) - normal.cdf(b[:-1])).clamp_min(1e-10)
        x = randn(80 + bits, 2, 4, 16) * 2
        u = (x.double() * 0.6).clamp(-3, 3)
        codes = (u[..., None] - values).abs().argmin(-1)
        write("per_dimension", case, {"z": x}, {"codes": codes, "vectors": (values[codes] / 0.6).float(), "levels": values.float()},
              bits=bits, range=5.0)
    # KL bottleneck
    moments = (randn(90, 2, 6, 4) * 3).requires_grad_()
    noise = randn(91, 2, 6, 2)
    mean, logvar = moments.chunk(2, dim=-1)
    logvar = logvar.clamp(-30, 20)
    kl = 0.5 * (mean ** 2 + logvar.exp() - 1 - logvar).sum(dim=(1, 2)).mean()
    vectors = mean + torch.exp(0.5 * logvar) * noise
    (vectors.sum() + kl).backward()
    write("kl", "sampled", {"z": moments, "noise": noise, "cotangent": torch.ones_like(vectors)},
          {"vectors": vectors, "loss": kl, "mode": mean, "z_gradient": moments.grad}, training=True, axis=-1, weight=1.0)
    # channels first, as in AutoencoderKL's DiagonalGaussianDistribution
    moments, noise = randn(92, 2, 8, 3, 4), randn(93, 2, 4, 3, 4)
    mean, logvar = moments.chunk(2, dim=1)
    kl = 0.5 * (mean ** 2 + logvar.exp() - 1 - logvar).sum(dim=(1, 2, 3)).mean()
    write("kl", "image", {"z": moments, "noise": noise},
          {"vectors": mean + torch.exp(0.5 * logvar) * noise, "loss": kl, "mode": mean}, training=True, axis=1, weight=1.0)
    write("kl", "evaluation", {"z": moments}, {"vectors": mean, "loss": kl * 1e-6}, training=False, axis=1)


def all_cases():
    vqs()
    images()
    residuals()
    finites()
    lookups()
    others()
