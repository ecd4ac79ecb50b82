"""Operations on tokens and vectors: bipartite soft matching and orthogonal matching pursuit, from their definitions."""

import torch
from cases import randn, write


def matching(metric, x, size, r, class_token, distill_token):
    """Token Merging (arXiv 2210.09461), one image after the other, in words rather than in tensor operations."""
    batch, n, _ = metric.shape
    protected = int(class_token) + int(distill_token)
    r = max(0, min(r, (n - protected) // 2))
    if r == 0:
        return x, size, torch.eye(n).expand(batch, n, n), x
    results = []
    for b in range(batch):
        unit = metric[b] / metric[b].norm(dim=-1, keepdim=True)
        scores = unit[0::2] @ unit[1::2].T
        if class_token:
            scores[0] = -torch.inf
        if distill_token:
            scores[:, 0] = -torch.inf
        best, partner = scores.max(-1)
        order = best.argsort(descending=True, stable=True)
        merged, kept = order[:r], order[r:]
        if class_token:
            kept = kept.sort().values
        evens, odds = [[2 * int(i)] for i in kept], [[2 * j + 1] for j in range(n // 2)]
        for i in merged:
            odds[int(partner[i])].append(2 * int(i))
        groups = evens[:1] + odds[:1] + evens[1:] + odds[1:] if distill_token else evens + odds
        rows = torch.stack([(x[b][g] * size[b][g]).sum(0) / size[b][g].sum(0) for g in groups])
        source = torch.zeros(len(groups), n)
        for row, g in enumerate(groups):
            source[row, g] = 1
        restored = torch.stack([rows[next(i for i, g in enumerate(groups) if token in g)] for token in range(n)])
        results.append((rows, torch.stack([size[b][g].sum(0) for g in groups]), source, restored))
    return [torch.stack(part) for part in zip(*results)]


def matchings():
    angles = torch.deg2rad(torch.tensor([0.0, 5, 90, 60, 180, 170]))
    card = torch.stack([angles.cos(), angles.sin()], -1)[None]
    cases = [("card", card, card, None, 2, False, False)]
    cases += [(name, randn(i, 2, n, 5), randn(i + 1, 2, n, 4), None if i % 2 else randn(i + 2, 2, n, 1).abs() + 0.5, r, c, d)
              for name, i, n, r, c, d in (("plain", 10, 10, 3, False, False), ("class", 21, 11, 3, True, False),
                                          ("class_even", 30, 12, 4, True, False), ("distilled", 41, 12, 4, True, True),
                                          ("most", 50, 9, 100, True, False), ("none", 61, 8, 0, False, False))]
    for name, metric, x, size, r, c, d in cases:
        given = {"metric": metric, "x": x, **({"size": size} if size is not None else {})}
        rows, sizes, source, restored = matching(metric, x, size if size is not None else torch.ones_like(x[..., :1]), r, c, d)
        write("bipartite_soft_matching", name, given, {"x": rows, "size": sizes, "source": source, "unmerged": restored},
              r=r, class_token=c, distill_token=d)


def pursuit(atoms, targets, k):
    indices, coefficients = [], []
    for t in targets.double():
        chosen, residual = [], t
        for _ in range(k):
            scores = (atoms.double() @ residual).abs()
            scores[chosen] = -1
            chosen.append(int(scores.argmax()))
            basis = atoms.double()[chosen].T
            solution = torch.linalg.lstsq(basis, t[:, None], driver="gelsd").solution[:, 0]
            residual = t - basis @ solution
        indices.append(chosen)
        coefficients.append(solution)
    indices, coefficients = torch.tensor(indices), torch.stack(coefficients).float()
    rebuilt = torch.einsum("tk,tkd->td", coefficients, atoms[indices])
    return {"indices": indices, "coefficients": coefficients, "reconstruction": rebuilt, "residual": targets - rebuilt}


def pursuits():
    for name, atoms, targets, k in (
            ("card", torch.tensor([[1.0, 0], [0, 1], [0.6, 0.8]]), torch.tensor([[3.0, 4]]), 1),
            ("raw", torch.tensor([[10.0, 0], [0, 1]]), torch.tensor([[1.0, 2]]), 1),
            ("random", randn(70, 40, 12), randn(71, 5, 12), 6),
            ("complete", randn(72, 20, 6), randn(73, 3, 6), 6)):
        write("orthogonal_matching_pursuit", name, {"dictionary": atoms, "targets": targets}, pursuit(atoms, targets, k), k=k)
    atoms, base = randn(74, 30, 10), randn(75, 30, 14)
    targets = randn(76, 4, 10)
    result = pursuit(atoms, targets, 4)
    result["transferred"] = torch.einsum("tk,tkd->td", result["coefficients"], base[result["indices"]])
    write("orthogonal_matching_pursuit", "transferred", {"dictionary": atoms, "targets": targets, "base": base}, result, k=4)


def all_cases():
    matchings()
    pursuits()
