#!/usr/bin/env python3
"""HESP's training step in PyTorch, for comparison with mien's.

Written from the specification of the method (arXiv 2404.17100); needs PyTorch only. Reads what tests/parity's hesp_dump
writes (towers, prompts, clips, losses, prompts after two steps) and takes the same steps with torch.optim.SGD.
"""
import argparse
import sys
import time

import torch
from torch.nn import functional

import clip_reference

MEAN, STD, SCALE, STEP = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), 100.0, 50.0
LOSSES = ("L_KN(CE)", "L_KN(CL)", "L_NE(CE)", "L_NE(CLIP)", "L_H")


def contrastive(features, labels, tau=0.5):
    h = features / features.norm(dim=1, keepdim=True)
    rows = []
    for i, y in enumerate(labels.tolist()):
        others = [k for k in range(len(labels)) if k != i]
        same = [j for j in others if labels[j] == y]
        if not same:
            continue
        log_total = torch.stack([h[i] @ h[k] / tau for k in others]).logsumexp(0)
        rows.append(-torch.stack([h[i] @ h[j] / tau - log_total for j in same]).mean())
    return tau * torch.stack(rows).mean() if rows else features.sum() * 0


def distances(features, points):
    return torch.stack([((features - u) ** 2).sum(1) / features.shape[1] for u in points], 1)


def check_vectors():
    """The worked examples of the specification."""
    f, u = torch.tensor([[1., 2.]]), torch.tensor([[0., 0.], [1., 1.]])
    z = distances(f, u) - f @ u.t()
    assert torch.allclose(z, torch.tensor([[2.5, -2.5]])), z
    found = functional.cross_entropy(z, torch.tensor([0])).item()
    assert abs(found - 0.0067153) < 1e-6, found
    found = contrastive(torch.tensor([[1., 0.], [.8, .6], [0., 1.]]), torch.tensor([0, 0, 1])).item()
    assert abs(found - 0.1742290) < 1e-6, found


def encode_ids(model, ids, contexts=None):
    """The unit embedding of one text, with learned vectors after the start token."""
    padded = torch.zeros(1, model.positional_embedding.shape[0], dtype=torch.long)
    padded[0, :len(ids)] = ids
    x = model.token_embedding(padded).clone()
    if contexts is not None:
        x[0, 1:1 + len(contexts)] = contexts
    x = model.ln_final(model.transformer((x + model.positional_embedding).transpose(0, 1)).transpose(0, 1))
    out = x[0, padded[0].argmax()] @ model.text_projection
    return out / out.norm()


def prompted(frames, patch, place):
    row, col, half = int(place[0]), int(place[1]), patch.shape[-1] // 2
    pixels = frames.clone()
    pixels[..., row - half:row + half, col - half:col + half] += patch
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
    return ((pixels - mean) / std).flatten(0, 1)


def score(model, dump, frames, prompts):
    features = model.visual(prompted(frames, prompts["patch"], dump["place"]))
    features = features.unflatten(0, frames.shape[:2]).mean(1)
    count = len(prompts["contexts"])
    texts = torch.stack([encode_ids(model, dump[f"ids/{c}"], prompts["contexts"][c]) for c in range(count)])
    points = model.visual(prompts["negatives"])
    p = SCALE * functional.normalize(features, dim=1) @ texts.t()
    z = distances(features, points) - features @ points.t()
    return features, points, p, z


def take_step(model, dump, at, prompts, optimiser, learned):
    labels = dump[at + "labels"]
    start = time.monotonic()
    features, points, p, z = score(model, dump, dump[at + "frames"], prompts)
    margin = ((features - points[labels]) ** 2).sum(1) / features.shape[1] - prompts["radius"] + 1
    negative = torch.stack([encode_ids(model, dump[f"negative_ids/{c}"]) for c in range(len(points))])
    losses = (functional.cross_entropy(p, labels), contrastive(features, labels),
              functional.cross_entropy(z, labels) + 0.1 * margin.clamp_min(0).mean(),
              functional.cross_entropy(SCALE * functional.normalize(points, dim=1) @ negative.t(),
                                       torch.arange(len(points))),
              functional.cross_entropy((p + z) / 2, labels))
    optimiser.zero_grad()
    sum(losses).backward()
    with torch.no_grad():
        h = prompts["negatives"].grad.mean(0)
        prompts["negatives"] -= STEP * h / (h.norm() + 1e-10)
        e = prompts["patch"].grad
        prompts["patch"] -= STEP * e / (e.norm() + 1e-10)
        prompts["patch"].grad = None
        if not learned:
            prompts["contexts"].grad.zero_()
    optimiser.step()
    spent = 1e3 * (time.monotonic() - start)
    fits = True
    for name, found, wanted in zip(LOSSES, dump[at + "losses"].tolist(), losses):
        close = abs(found - wanted.item()) <= 1e-4 * max(1, abs(found))
        fits &= close
        print(f"{at[:-1]}: {name} {found:.6f}, reference {wanted.item():.6f}{'' if close else ' TOO FAR'}")
    print(f"{at[:-1]}: {float(dump[at + 'ms']):.0f} ms, reference {spent:.0f} ms")
    return fits


def compare(dump, learned):
    check_vectors()
    weights = {k[len("tower/"):]: v for k, v in dump.items() if k.startswith("tower/")}
    weights["logit_scale"] = torch.zeros([])
    model = clip_reference.Clip(weights, "quick_gelu").eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    prompts = {name: dump["start/" + name].clone().requires_grad_(True)
               for name in ("contexts", "patch", "negatives", "radius")}
    optimiser = torch.optim.SGD([prompts[n] for n in ("contexts", "negatives", "radius")], lr=0.01, momentum=0.9,
                                weight_decay=1e-4)
    fits, step = True, 0
    while f"step{step}/losses" in dump:
        fits &= take_step(model, dump, f"step{step}/", prompts, optimiser, learned)
        step += 1
    for name, wanted in prompts.items():
        found, before = dump["after/" + name], dump["start/" + name]
        error, moved = (found - wanted).abs().max().item(), (found - before).abs().max().item()
        close = error <= 2e-3 * max(moved, 1e-3) and moved > 0
        fits &= close
        print(f"{name}: moved by up to {moved:.2e}, max abs to the reference {error:.2e}{'' if close else ' TOO FAR'}")
    for name, before in dump.items():
        if name.startswith("tower/") and not dump["kept/" + name[len("tower/"):]].equal(before):
            print(f"{name}: changed")
            fits = False
    with torch.no_grad():
        _, _, p, z = score(model, dump, dump["test/frames"], prompts)
    error = (dump["test/joint"] - (p + z) / 2).abs().max().item()
    fits &= error <= 1e-2
    print(f"scores of {len(p)} other clips: max abs to the reference {error:.2e} of values up to {p.abs().max():.1f}")
    return fits and step > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dump")
    parser.add_argument("--text-ctx", choices=("learned", "decay"), default="learned")
    args = parser.parse_args()
    sys.exit(0 if compare(clip_reference.read_safetensors(args.dump), args.text_ctx == "learned") else 1)


if __name__ == "__main__":
    main()
