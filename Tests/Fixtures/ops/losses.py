"""Losses, discriminators and metrics from their definitions (torch where it has them, float64 for the metrics)."""

import math

import torch
import torch.nn.functional as F
from torch import nn
from cases import randn, write


def graded(op, case, inputs, names, function, **options):
    """Writes a case of a loss with its gradients for the inputs in `names`."""
    inputs = {k: v.clone().requires_grad_(k in names) if v.is_floating_point() else v for k, v in inputs.items()}
    result = function(**inputs)
    result = result if isinstance(result, dict) else {"loss": result}
    result["loss"].backward()
    write(op, case, inputs, {**result, **{f"{n}_gradient": inputs[n].grad for n in names}}, **options)


def classification():
    logits, target = randn(1, 6, 9), torch.tensor([0, 3, 8, -100, 2, 5])
    graded("cross_entropy", "plain", dict(logits=logits, target=target), ["logits"],
           lambda logits, target: F.cross_entropy(logits, target))
    graded("cross_entropy", "smoothed", dict(logits=logits, target=target), ["logits"],
           lambda logits, target: F.cross_entropy(logits, target, label_smoothing=0.1), label_smoothing=0.1)
    weight = torch.rand(9, generator=torch.Generator().manual_seed(2)) + 0.5
    graded("cross_entropy", "weighted", dict(logits=logits, target=torch.tensor([0, 3, 8, 1, 2, 5]), weight=weight), ["logits"],
           lambda logits, target, weight: F.cross_entropy(logits, target, weight, label_smoothing=0.2, ignore_index=1),
           label_smoothing=0.2, ignore_index=1)
    graded("cross_entropy", "sum", dict(logits=randn(3, 2, 5, 4), target=torch.tensor([[0, 1, 2, 3], [4, 0, 7, 1]])), ["logits"],
           lambda logits, target: F.cross_entropy(logits, target, ignore_index=7, reduction="sum"),
           ignore_index=7, reduction="sum")
    for temperature, case in ((1.0, "plain"), (4.0, "warm")):
        graded("distillation_kl", case, dict(student=randn(5, 2, 4, 7), teacher=randn(6, 2, 4, 7)), ["student"],
               lambda student, teacher: F.kl_div(
                   F.log_softmax(student / temperature, -1).flatten(0, 1), F.log_softmax(teacher / temperature, -1).flatten(0, 1),
                   log_target=True, reduction="batchmean") * temperature ** 2, temperature=temperature)


def reconstruction():
    x, y = randn(10, 2, 3, 5, 5), randn(11, 2, 3, 5, 5)
    for kind, function in (("l1", F.l1_loss), ("l2", F.mse_loss), ("smooth_l1", F.smooth_l1_loss), ("huber", F.huber_loss)):
        graded("reconstruction", kind, dict(prediction=x, target=y), ["prediction"],
               lambda prediction, target: function(prediction, target), kind=kind)

    def gradients(prediction, target, scales=3):
        total = 0
        for scale in range(scales):
            if scale:
                prediction, target = F.avg_pool2d(prediction, 2), F.avg_pool2d(target, 2)
            difference = prediction - target
            total = total + difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()
        return total / scales

    graded("multi_scale_gradient", "three", dict(prediction=randn(12, 2, 3, 16, 20), target=randn(13, 2, 3, 16, 20)),
           ["prediction"], gradients, scales=3)


def adversarial():
    real, fake = randn(20, 2, 1, 3, 3) * 2, randn(21, 2, 1, 3, 3) * 2
    for kind in ("hinge", "non_saturating"):
        def discriminator(real, fake):
            if kind == "hinge":
                return 0.5 * (F.relu(1 - real).mean() + F.relu(1 + fake).mean())
            return 0.5 * (F.softplus(-real).mean() + F.softplus(fake).mean())

        def generator(fake):
            return -fake.mean() if kind == "hinge" else F.softplus(-fake).mean()
        graded("adversarial", f"{kind}_discriminator", dict(real=real, fake=fake), ["real", "fake"], discriminator,
               kind=kind, side="discriminator")
        graded("adversarial", f"{kind}_generator", dict(fake=fake), ["fake"], generator, kind=kind, side="generator")

    for first in (False, True):
        def lecam(real, fake, ema_real, ema_fake):
            new_real = 0.999 * ema_real + 0.001 * real.detach().mean()
            new_fake = 0.999 * ema_fake + 0.001 * fake.detach().mean()
            r, f = (new_real, new_fake) if first else (ema_real, ema_fake)
            loss = F.relu(real - f).pow(2).mean() + F.relu(r - fake).pow(2).mean()
            return {"loss": loss, "ema_real": new_real, "ema_fake": new_fake}
        graded("lecam", "update_first" if first else "use_first",
               dict(real=real, fake=fake, ema_real=torch.tensor(0.4), ema_fake=torch.tensor(-0.3)), ["real", "fake"], lecam,
               decay=0.999, update_first=first)
    a, b = randn(22, 4, 3, 3, 3), randn(23, 4, 3, 3, 3)
    write("adaptive_weight", "plain", dict(reconstruction_gradient=a, adversarial_gradient=b),
          {"weight": (a.norm() / (b.norm() + 1e-4)).clamp(0, 1e4)})
    write("adaptive_weight", "clamped", dict(reconstruction_gradient=a, adversarial_gradient=b * 0),
          {"weight": torch.tensor(50.0)}, maximum=50.0)


def entropies():
    z, codebook = randn(30, 2, 5, 4) * 0.1, randn(31, 6, 4) * 0.3

    def codes(z, codebook):
        logits = 2 * torch.einsum("bnd,kd->bnk", z, codebook) / 0.5
        p = logits.softmax(-1)
        sample = -(p * (p + 1e-5).log()).sum(-1).mean()
        mean = p.flatten(0, 1).mean(0)
        batch = -(mean * (mean + 1e-5).log()).sum()
        return {"loss": sample - batch, "sample_entropy": sample, "batch_entropy": batch}
    graded("entropy_loss", "codebook", dict(z=z, codebook=codebook), ["z", "codebook"], codes, temperature=0.5)

    def bits(z):
        logits = 4 * z / 0.5
        p = torch.sigmoid(logits)
        def h(p):
            return -(p * torch.log(p) + (1 - p) * torch.log(1 - p))
        sample = h(p).sum(-1).mean()
        batch = h(p.flatten(0, 1).mean(0)).sum()
        return {"loss": sample - batch, "sample_entropy": sample, "batch_entropy": batch}
    graded("entropy_loss", "bits", dict(z=z), ["z"], bits, temperature=0.5)


def window(channels):
    x = torch.arange(11, dtype=torch.float64) - 5
    g = torch.exp(-x ** 2 / (2 * 1.5 ** 2))
    g = g / g.sum()
    return torch.outer(g, g).expand(channels, 1, 11, 11).contiguous()


def ssim_maps(x, y, span):
    c = x.shape[1]
    w = window(c).to(x)
    f = lambda t: F.conv2d(t, w, groups=c)
    mx, my = f(x), f(y)
    vx, vy, cov = f(x * x) - mx ** 2, f(y * y) - my ** 2, f(x * y) - mx * my
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    cs = (2 * cov + c2) / (vx + vy + c2)
    return cs * (2 * mx * my + c1) / (mx ** 2 + my ** 2 + c1), cs


def pictures():
    g = torch.Generator().manual_seed(40)
    x = torch.rand(2, 3, 24, 20, generator=g)
    y = (x + 0.1 * torch.randn(x.shape, generator=g)).clamp(0, 1)
    graded("ssim", "unit", dict(prediction=x, target=y), ["prediction"],
           lambda prediction, target: {"ssim": (v := ssim_maps(prediction, target, 1.0)[0].mean((1, 2, 3))), "loss": 1 - v.mean()},
           data_range=1.0)
    x255, y255 = (x * 255).round(), (y * 255).round()
    v = ssim_maps(x255.double(), y255.double(), 255.0)[0].mean((1, 2, 3))
    write("ssim", "bytes", dict(prediction=x255, target=y255), {"ssim": v.float(), "loss": (1 - v.mean()).float()}, data_range=255.0)
    big = torch.rand(1, 1, 48, 44, generator=g)
    near = (big + 0.1 * torch.randn(big.shape, generator=g)).clamp(0, 1)
    weights = [0.4, 0.6]
    graded("ms_ssim", "two", dict(prediction=big, target=near), ["prediction"], lambda prediction, target: multi(prediction, target, weights),
           data_range=1.0, weights=weights)
    write("psnr", "unit", dict(prediction=x, target=y), {"psnr": 10 * torch.log10(1 / ((x - y).double() ** 2).mean((1, 2, 3)))},
          data_range=1.0)
    write("psnr", "bytes", dict(prediction=x255, target=y255),
          {"psnr": 10 * torch.log10(255 ** 2 / ((x255 - y255).double() ** 2).mean((1, 2, 3)))}, data_range=255.0)


def multi(x, y, weights):
    value = 1
    for i, weight in enumerate(weights):
        full, cs = ssim_maps(x, y, 1.0)
        last = i == len(weights) - 1
        value = value * (full if last else cs).mean((2, 3)).relu() ** weight
        if not last:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    value = value.mean(1)
    return {"ms_ssim": value, "loss": 1 - value.mean()}


def distances():
    real, fake = randn(50, 40, 6).double(), (randn(51, 30, 6) * 1.3 + 0.2).double()

    def root(m):
        values, vectors = torch.linalg.eigh(m)
        return vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T

    def frechet(m1, s1, m2, s2):
        r = root(s1)
        return ((m1 - m2) ** 2).sum() + s1.trace() + s2.trace() - 2 * torch.linalg.eigvalsh(r @ s2 @ r).clamp_min(0).sqrt().sum()
    d = frechet(real.mean(0), torch.cov(real.T), fake.mean(0), torch.cov(fake.T))
    write("frechet_distance", "features", dict(real=real.float(), fake=fake.float()), {"distance": d})
    write("frechet_distance", "moments", dict(real_mean=real.mean(0), real_covariance=torch.cov(real.T), fake_mean=fake.mean(0),
                                              fake_covariance=torch.cov(fake.T)), {"distance": d})
    write("frechet_distance", "normal", dict(real_mean=torch.zeros(1), real_covariance=torch.ones(1, 1), fake_mean=torch.ones(1),
                                             fake_covariance=torch.full((1, 1), 4.0)), {"distance": torch.tensor(2.0).double()})
    k = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3
    n, m = len(real), len(fake)
    kid = ((k(real, real).sum() - k(real, real).diag().sum()) / (n * (n - 1))
           + (k(fake, fake).sum() - k(fake, fake).diag().sum()) / (m * (m - 1)) - 2 * k(real, fake).mean())
    write("kernel_distance", "features", dict(real=real.float(), fake=fake.float()), {"distance": kid})
    p = randn(52, 12, 5).double().softmax(-1)
    score = (p * (p.log() - p.mean(0).log())).sum(-1).mean().exp()
    write("inception_score", "probabilities", dict(probabilities=p.float()), {"score": score})


class Same(nn.Conv2d):
    def forward(self, x):
        pads = []
        for size, kernel, stride in zip(reversed(x.shape[-2:]), reversed(self.kernel_size), reversed(self.stride)):
            total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


class Blur(nn.Module):
    def forward(self, x):
        k = torch.tensor([1.0, 3, 3, 1])
        kernel = torch.outer(k, k) / 64
        pads = []
        for size in reversed(x.shape[-2:]):
            total = max((math.ceil(size / 2) - 1) * 2 + 4 - size, 0)
            pads += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, pads), kernel.expand(x.shape[1], 1, 4, 4), stride=2, groups=x.shape[1])


class BlurDiscriminator(nn.Module):
    def __init__(self, hidden, stages, groups):
        super().__init__()
        act = lambda: nn.LeakyReLU(0.1)
        self.block_in = nn.Sequential(Same(3, hidden, 5), act())
        blocks, width = [], hidden
        for i in range(stages):
            out = hidden * 2 ** i
            blocks.append(nn.Sequential(Same(width, out, 3), Blur(), nn.GroupNorm(groups, out), act()))
            width = out
        self.blocks = nn.ModuleList(blocks)
        self.pool = nn.AdaptiveMaxPool2d((16, 16))
        self.to_logits = nn.Sequential(Same(width, width, 1), act(), Same(width, 1, 5))

    def forward(self, x):
        x = self.block_in(x)
        for block in self.blocks:
            x = block(x)
        return self.to_logits(self.pool(x))


class PatchDiscriminator(nn.Module):
    def __init__(self, width, layers):
        super().__init__()
        parts = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        mult = 1
        for n in range(1, layers + 1):
            before, mult = mult, min(2 ** n, 8)
            parts += [nn.Conv2d(width * before, width * mult, 4, 2 if n < layers else 1, 1, bias=False),
                      nn.BatchNorm2d(width * mult), nn.LeakyReLU(0.2)]
        self.main = nn.Sequential(*parts, nn.Conv2d(width * mult, 1, 4, 1, 1))

    def forward(self, x):
        return self.main(x)


def discriminators():
    for op, case, module, size, options in (
            ("patch_discriminator", "training", PatchDiscriminator(4, 3), (32, 40), dict(width=4, layers=3, training=True)),
            ("patch_discriminator", "evaluation", PatchDiscriminator(4, 2), (32, 24), dict(width=4, layers=2, training=False)),
            ("blur_discriminator", "three", BlurDiscriminator(4, 3, 2), (66, 60), dict(width=4, stages=3, groups=2))):
        for i, (key, value) in enumerate(module.state_dict().items()):
            if value.is_floating_point():
                value.copy_(randn(60 + i, *value.shape) * 0.3)
                if key.endswith("running_var"):
                    value.abs_().add_(0.5)
        module.train(options.get("training", True))
        before = {k: v.clone() for k, v in module.state_dict().items() if v.is_floating_point()}
        x = randn(59, 1 if "blur" in op else 2, 3, *size)
        if "blur" in op:
            x = F.interpolate(randn(59, 1, 3, 9, 9), size=size, mode="nearest")
        write(op, case, {"image": x, **before}, {"logits": module(x)}, **options)


def objectives():
    c, u = randn(70, 2, 4, 3, 3), randn(71, 2, 4, 3, 3)
    write("classifier_free_guidance", "all", dict(conditional=c, unconditional=u), {"output": u + 4 * (c - u)}, scale=4.0)
    part = c.clone()
    part[:, :3] = u[:, :3] + 1.5 * (c - u)[:, :3]
    write("classifier_free_guidance", "three", dict(conditional=c, unconditional=u), {"output": part}, scale=1.5, guided_channels=3)
    g = u + 7.5 * (c - u)
    scaled = g * (c.std((1, 2, 3), keepdim=True) / g.std((1, 2, 3), keepdim=True))
    write("classifier_free_guidance", "rescaled", dict(conditional=c, unconditional=u), {"output": 0.7 * scaled + 0.3 * g}, scale=7.5, rescale=0.7)

    def flow(sample, noise, sigmas, model_output):
        s = sigmas[:, None, None, None]
        return {"noisy_sample": (1 - s) * sample + s * noise, "target": noise - sample,
                "loss": (model_output - (noise - sample)).pow(2).mean()}
    graded("rectified_flow_loss", "plain", dict(sample=c, noise=u, sigmas=torch.tensor([0.2, 0.9]), model_output=randn(72, 2, 4, 3, 3)),
           ["model_output"], flow)
    s = torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0])
    write("time_shift", "shift", dict(sigmas=s), {"sigmas": 3 * s / (1 + 2 * s)}, shift=3.0)
    mu = 0.5 + (1024 - 256) * (1.15 - 0.5) / (4096 - 256)
    write("time_shift", "dynamic", dict(sigmas=s), {"sigmas": torch.tensor([0.0] + [math.exp(mu) / (math.exp(mu) + 1 / float(v) - 1) for v in s[1:]])},
          tokens=1024)
    z = randn(73, 6)
    write("time_shift", "logit_normal", dict(normal=z), {"sigmas": torch.sigmoid(0.3 + 1.2 * z)}, mean=0.3, std=1.2)

    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    bar = torch.cumprod(1 - betas, 0)
    before = torch.cat([torch.ones(1).double(), bar[:-1]])
    tilde = betas * (1 - before) / (1 - bar)
    log_tilde = torch.log(torch.cat([tilde[1:2], tilde[1:]]))

    def at(table, t):
        return table[t].float()[:, None, None, None]

    def ddpm(sample, noise, timesteps, model_output):
        t = timesteps
        x = at(bar.sqrt(), t) * sample + at((1 - bar).sqrt(), t) * noise
        eps, v = model_output.chunk(2, dim=1)
        mse = (eps - noise).pow(2).flatten(1).mean(1)
        frac = (v + 1) / 2
        logvar = frac * at(betas.log(), t) + (1 - frac) * at(log_tilde, t)
        x0 = at((1 / bar).sqrt(), t) * x - at((1 / bar - 1).sqrt(), t) * eps.detach()
        c1, c2 = at(betas * before.sqrt() / (1 - bar), t), at((1 - before) * (1 - betas).sqrt() / (1 - bar), t)
        true, mean, true_log = c1 * sample + c2 * x, c1 * x0 + c2 * x, at(log_tilde, t)
        kl = 0.5 * (-1 + logvar - true_log + (true_log - logvar).exp() + (true - mean) ** 2 * (-logvar).exp())
        cdf = lambda y: 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y ** 3)))
        inv, centred = (-0.5 * logvar).exp(), sample - mean
        plus, minus = cdf(inv * (centred + 1 / 255)), cdf(inv * (centred - 1 / 255))
        log_p = torch.where(sample < -0.999, plus.clamp_min(1e-12).log(),
                            torch.where(sample > 0.999, (1 - minus).clamp_min(1e-12).log(), (plus - minus).clamp_min(1e-12).log()))
        vb = torch.where(t == 0, -log_p.flatten(1).mean(1), kl.flatten(1).mean(1)) / math.log(2)
        return {"noisy_sample": x, "mse": mse, "variational_bound": vb, "loss": (mse + vb).mean()}
    graded("ddpm_loss", "learned_range",
           dict(sample=randn(74, 3, 2, 4, 4).clamp(-1, 1), noise=randn(75, 3, 2, 4, 4), timesteps=torch.tensor([0, 500, 999]),
                model_output=randn(76, 3, 4, 4, 4)), ["model_output"], ddpm)
    for kind in ("epsilon", "v_prediction", "sample"):
        def simple(sample, noise, timesteps, model_output):
            a, s = at(bar.sqrt(), timesteps), at((1 - bar).sqrt(), timesteps)
            target = {"epsilon": noise, "sample": sample, "v_prediction": a * noise - s * sample}[kind]
            mse = (model_output - target).pow(2).flatten(1).mean(1)
            return {"noisy_sample": a * sample + s * noise, "mse": mse, "loss": mse.mean()}
        graded("ddpm_loss", kind, dict(sample=randn(77, 2, 2, 3, 3), noise=randn(78, 2, 2, 3, 3), timesteps=torch.tensor([3, 720]),
                                       model_output=randn(79, 2, 2, 3, 3)), ["model_output"], simple, prediction_type=kind)
    # respacing: a subset of the steps with betas between the kept ones
    for case, keep in (("strided", [round(i * 999 / 24) for i in range(25)]), ("ddim", list(range(0, 1000, 20)))):
        last, new = 1.0, []
        for i in keep:
            new.append(1 - float(bar[i]) / last)
            last = float(bar[i])
        write("respacing", case, {}, {"timesteps": torch.tensor(keep), "betas": torch.tensor(new, dtype=torch.float64)},
              num_inference_steps=len(keep), kind=case)


def all_cases():
    classification()
    reconstruction()
    adversarial()
    entropies()
    pictures()
    distances()
    discriminators()
    objectives()
