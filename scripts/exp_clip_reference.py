#!/usr/bin/env python3
"""Exp-CLIP's training step in PyTorch, for comparison with mien's.

Written from the paper (arXiv 2405.19100) and the specification of its loss; needs PyTorch only. Reads what
tests/parity's exp_clip_dump writes (weights, batches with the teacher's vectors, losses, the projection after two
steps, the result of the engine for the last batch), takes the same steps with torch.optim.SGD and reads the last batch with
the prompts of every class.
"""
import argparse
import sys
import time

import torch
from torch.nn import functional

import clip_reference

FACTOR = 100
PROMPTS = 10


def unit(rows):
    return rows / rows.norm(dim=-1, keepdim=True)


def loss_of(model, head, pixels, teacher):
    with torch.no_grad():
        images = model.visual(pixels)
    scores = FACTOR * unit(head(images)) @ unit(teacher).t()
    own = torch.arange(len(scores))
    return 0.5 * functional.cross_entropy(scores, own) + 0.5 * functional.cross_entropy(scores.t(), own)


def take_steps(dump, model, head):
    optimiser = torch.optim.SGD(head.parameters(), lr=1e-2, momentum=0.9, weight_decay=1e-4)
    fits, step = True, 0
    while f"step{step}/loss" in dump:
        at = f"step{step}/"
        start = time.monotonic()
        value = loss_of(model, head, dump[at + "pixels"], dump[at + "teacher"])
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        spent = 1e3 * (time.monotonic() - start)
        found = float(dump[at + "loss"])
        close = abs(found - value.item()) <= 1e-4 * max(1, abs(found))
        fits &= close
        print(f"step {step + 1}: loss {found:.6f}, reference {value.item():.6f}{'' if close else ' TOO FAR'} "
              f"({float(dump[at + 'ms']):.0f} ms, reference {spent:.0f} ms)")
        step += 1
    return fits and step == 2


def compare(dump, max_abs=2e-5, max_embedding=1e-5, max_logit=2e-3):
    weights = {k[6:]: v for k, v in dump.items() if k.startswith("start/")}
    start = weights.pop("projection")
    weights["logit_scale"] = torch.zeros([])
    model = clip_reference.Clip(weights, "quick_gelu").eval()
    head = torch.nn.Linear(start.shape[1], start.shape[0], bias=False)
    head.load_state_dict({"weight": start})
    fits = take_steps(dump, model, head)
    found = dump["after/projection"]
    moved, far = ((found - other).abs().max().item() for other in (start, head.weight.detach()))
    rows = [("projection", far, max_abs)]
    fits &= moved > 20 * max_abs and abs(float(dump["engine/scale"]) - FACTOR) < 1e-3
    print(f"projection moved by up to {moved:.2e}")
    with torch.no_grad():
        images = unit(head(model.visual(dump["step1/pixels"])))
        prompts = unit(head(model.encode_text(dump["engine/tokens"])))
        logits = (FACTOR * images @ prompts.t()).unflatten(1, (-1, PROMPTS)).mean(2)
    rows.append(("engine embeddings", (dump["engine/embeddings"] - images).abs().max().item(), max_embedding))
    rows.append(("engine logits", (dump["engine/logits"] - logits).abs().max().item(), max_logit))
    for name, far, most in rows:
        fits &= far <= most
        print(f"{name}: max abs to the reference {far:.2e}{'' if far <= most else ' TOO FAR'}")
    return fits


def publish(dump, path):
    """The published file: a bare map with only the projection."""
    torch.save({"mlp.weight": dump["after/projection"].clone()}, path)
    return "projection"


def compare_converted(dump, tensors, info, max_abs=1e-5):
    head = dump["after/projection"].double()
    fits = info["method"] == "exp-clip" and info["reduce"] == "mean-cosine" and info["sampling"]["rule"] == "exp_clip"
    fits &= all(step["kind"] != "normalize" for step in info["preprocess"]["steps"])
    for name in ("visual.proj", "text_projection"):
        far = (tensors[name] - dump["start/" + name].double() @ head.t()).abs().max().item()
        fits &= far <= max_abs
        print(f"converted {name}: max abs to the reference {far:.2e}{'' if far <= max_abs else ' TOO FAR'}")
    weights = {k[6:]: v for k, v in dump.items() if k.startswith("start/") and k != "start/projection"}
    model = clip_reference.Clip(dict(weights, logit_scale=torch.zeros([])), "quick_gelu").eval()
    # The prompt of P3 is the second of the ten; for sadness the ninth.
    rows = [PROMPTS * c + (8 if c == 1 else 1) for c in range(len(info["labels"]))]
    with torch.no_grad():
        wanted = unit(model.encode_text(dump["engine/tokens"][rows]) @ head.float().t())
    far = (tensors["label_features"] - wanted).abs().max().item()
    fits &= far <= max_abs
    print(f"converted: class features, max abs to the reference {far:.2e}{'' if fits else ' DOES NOT FIT'}")
    return fits


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dump")
    args = parser.parse_args()
    sys.exit(0 if compare(clip_reference.read_safetensors(args.dump)) else 1)


if __name__ == "__main__":
    main()
