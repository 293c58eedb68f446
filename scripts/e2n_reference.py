#!/usr/bin/env python3
"""Training steps of E2N-FER in PyTorch, for comparison with mien's (tests/parity).

Written from the paper (arXiv 2409.08598) and its description in this project. Reads what tests/parity's e2n_steps
wrote: pictures (PPM), the order of the samples, weights before and after. Needs PyTorch only.
"""
import json
import pathlib

import numpy
import torch
from torch.nn import functional as F

import tower_reference
from clip_reference import read_safetensors


def losses(e, n, texts, labels, scale, neutral, pairwise):
    """L_s, L_t and L_c, written out sample by sample."""
    unit = lambda x: x / x.norm(dim=-1, keepdim=True)
    similarity = F.cross_entropy(scale * unit(e) @ unit(texts).t(), labels)
    some = [i for i, label in enumerate(labels.tolist()) if label != neutral]
    turned = [1 - F.cosine_similarity(e[i] - n[i], texts[labels[i]] - texts[neutral], dim=0) for i in some]
    pairs = [(i, j) for i in some for j in some if pairwise or i == j]
    contrast = [unit(texts[labels[i]]) @ unit(n[j]) - unit(texts[labels[i]]) @ unit(e[j]) + 2 for i, j in pairs]
    return similarity, torch.stack(turned).mean(), torch.stack(contrast).mean()


def read_ppm(path, grey):
    data = pathlib.Path(path).read_bytes()
    magic, width, height, most = data.split(maxsplit=4)[:4]
    assert magic == b"P6" and most == b"255"
    size = int(width) * int(height) * 3
    pixels = numpy.frombuffer(data[-size:], numpy.uint8).reshape(int(height), int(width), 3)
    if grey:  # ITU-R 601 luma, rounded as Pillow does
        red, green, blue = pixels.astype(numpy.int64).transpose(2, 0, 1)
        luma = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
        return (torch.tensor(luma.astype(numpy.float32) / 255)[None] - 0.5) / 0.25
    x = torch.tensor(pixels.astype(numpy.float32) / 255).permute(2, 0, 1)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (x - mean[:, None, None]) / std[:, None, None]


def tower_of(facts):
    s = facts["sizes"]
    if facts["encoder"] == "swin":
        return tower_reference.Swin(facts["side"], s["patch"], s["width"], s["depths"], s["heads"], s["window"],
                                    facts["embed"])
    return tower_reference.ResNet(s["widths"], s["blocks"], 1, s["stem_width"], 3, 1, False, 2, None)


class Network(torch.nn.Sequential):
    def __init__(self, embed, hidden):
        super().__init__(torch.nn.Linear(embed, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, embed))


def load(module, tensors, prefix):
    own = {k[len(prefix):]: v for k, v in tensors.items() if k.startswith(prefix)}
    missing, unexpected = module.load_state_dict(own, strict=False)
    missing = [m for m in missing if not m.endswith(("num_batches_tracked", "relative_position_index"))]
    assert not missing and not unexpected, (missing, unexpected)


def compare(folder):
    """Whether losses and weights after all steps are the same; prints the largest differences."""
    folder = pathlib.Path(folder)
    facts = json.loads((folder / "facts.json").read_text())
    before, after = (read_safetensors(folder / f"{name}.safetensors") for name in ("before", "after"))
    tower, network = tower_of(facts), Network(facts["embed"], facts["hidden"])
    load(tower, before, "visual.")
    load(network, before, "neutral.")
    tower.train()
    parameters = list(tower.parameters()) + list(network.parameters())
    optimiser = torch.optim.SGD(parameters, lr=facts["lr"], momentum=0.9, weight_decay=5e-4)
    worst = 0.0
    for step in facts["steps"]:
        pixels = torch.stack([read_ppm(folder / name, facts["encoder"] != "swin") for name in step["ids"]])
        e = tower(pixels)
        parts = losses(e, network(e), before["texts"], torch.tensor(step["labels"]), facts["scale"], facts["neutral"],
                       facts["pairwise"])
        loss = sum(parts)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        worst = max(worst, abs(loss.item() - step["loss"]) / max(1.0, abs(step["loss"])))
    largest = 0.0
    for prefix, module in (("visual.", tower), ("neutral.", network)):
        for name, value in module.state_dict().items():
            if prefix + name in after:
                largest = max(largest, (value - after[prefix + name]).abs().max().item())
    moved = max((after[k] - before[k]).abs().max().item() for k in after)
    print(f"{facts['encoder']}: {len(facts['steps'])} steps, loss differs by {worst:.2e}, weights by {largest:.2e} "
          f"(they moved by {moved:.2e})")
    return worst < 1e-4 and largest < 1e-4 and moved > 1e-3
