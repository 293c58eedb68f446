#!/usr/bin/env python3
"""CLIPER's training step in PyTorch, for comparison with mien's.

Written from the paper (arXiv 2303.00193) and the specification of its losses; needs PyTorch only. Reads what
tests/parity's cliper_dump writes (weights at the start, batches, losses, weights after each stage) and takes the same
steps with torch.optim.AdamW.
"""
import argparse
import sys
import time

import torch
from torch.nn import functional

import clip_reference

TEMPERATURE = 0.01
STAGES = ({"lr": 0.01, "weight_decay": 0.0}, {"lr": 1e-3, "weight_decay": 0.1})


def modulation(scores, labels):
    """The weight of every sample, by how many samples of its class choose the same descriptor."""
    classes, each = scores.shape[1:]
    chosen = [int(scores[i, y].argmax()) for i, y in enumerate(labels.tolist())]
    counts = torch.zeros(classes, each, dtype=scores.dtype)
    for y, k in zip(labels.tolist(), chosen):
        counts[y, k] += 1
    counts[counts == 0] = -1 / 99
    alpha = []
    for y, k in zip(labels.tolist(), chosen):
        share = (1 / counts[y]).softmax(0)
        alpha.append(counts[y].sum() * share[k] / counts[y, k])
    return torch.stack(alpha)


def full_loss(scores, labels):
    margin, fine = [], []
    alpha = modulation(scores.detach(), labels)
    for i, y in enumerate(labels.tolist()):
        rows = [scores[i, c].min() if c == y else scores[i, c].max() for c in range(scores.shape[1])]
        margin.append(functional.cross_entropy(torch.stack(rows)[None], labels[i:i + 1]))
        others = [scores[i, c] for c in range(scores.shape[1]) if c != y]
        logits = torch.cat([scores[i, y].max()[None]] + others)
        fine.append(alpha[i] * functional.cross_entropy(logits[None], torch.zeros(1, dtype=torch.long)))
    return torch.stack(margin).mean() + torch.stack(fine).mean()


def mean_loss(scores, labels):
    return functional.cross_entropy(scores.mean(2), labels)


LOSSES = {"full": full_loss, "mean_ce": mean_loss}


def check_losses():
    """The worked example of the specification."""
    scores = torch.tensor([[[2, 1], [0, .5]], [[1, 3], [2, -1]], [[0, 1], [1.5, 2.5]]], dtype=torch.float64)
    found = full_loss(scores, torch.tensor([0, 0, 1])).item()
    assert abs(found - 1.0526704) < 1e-6, found


def encode_prompts(model, ids, first, prompts):
    """Unit embeddings [rows, embed] of the template with `prompts` [rows, tokens, width] at the learned positions."""
    rows, tokens = prompts.shape[:2]
    padded = torch.zeros(rows, model.positional_embedding.shape[0], dtype=torch.long)
    padded[:, :len(ids)] = ids
    x = model.token_embedding(padded).clone()
    x[:, first:first + tokens] = prompts
    x = model.ln_final(model.transformer((x + model.positional_embedding).transpose(0, 1)).transpose(0, 1))
    out = x[torch.arange(rows), padded.argmax(-1)] @ model.text_projection
    return out / out.norm(dim=-1, keepdim=True)


def take_stage(model, dump, number, prompts, loss):
    trained = [prompts] if number == 0 else list(model.visual.parameters())
    for parameter in list(model.parameters()) + [prompts]:
        parameter.requires_grad_(False)
    for parameter in trained:
        parameter.requires_grad_(True)
    optimiser = torch.optim.AdamW(trained, betas=(0.9, 0.999), eps=1e-4, **STAGES[number])
    ids, first = dump["ids"], int(dump["first"])
    fits, step = True, 0
    while f"stage{number}/step{step}/loss" in dump:
        at = f"stage{number}/step{step}/"
        start = time.monotonic()
        texts = encode_prompts(model, ids, first, prompts)
        images = model.visual(dump[at + "pixels"])
        images = images / images.norm(dim=-1, keepdim=True)
        scores = (images @ texts.t()).unflatten(1, (-1, dump["per_class"])) / TEMPERATURE
        value = LOSSES[loss](scores, dump[at + "labels"])
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        spent = 1e3 * (time.monotonic() - start)
        found = float(dump[at + "loss"])
        close = abs(found - value.item()) <= 1e-4 * max(1, abs(found))
        fits &= close
        print(f"stage {number + 1}, step {step + 1}: loss {found:.6f}, reference {value.item():.6f}"
              f"{'' if close else ' TOO FAR'} ({float(dump[at + 'ms']):.0f} ms, reference {spent:.0f} ms)")
        step += 1
    return fits


def compare_weights(model, dump, number, prompts, before, max_abs):
    """Compares every tensor after a stage; tensors that the stage does not train must not have moved at all."""
    fits, largest, moved = True, 0.0, 0
    after = dict(model.state_dict(), prompts=prompts)
    for name, wanted in after.items():
        if name == "logit_scale":
            continue
        found = dump[f"after{number}/{name}"]
        trains = name == "prompts" if number == 0 else name.startswith("visual.")
        if not trains:
            if not found.equal(before[name]):
                print(f"{name}: changed in stage {number + 1}")
                fits = False
            continue
        moved += int(not found.equal(before[name]))
        largest = max(largest, (found - wanted).abs().max().item())
    fits &= largest <= max_abs and moved > 0
    print(f"stage {number + 1}: {moved} tensors moved, max abs to the reference {largest:.2e}"
          f"{'' if fits else ' TOO FAR'}")
    return fits


def compare(dump, loss, per_class, max_abs=2e-5):
    check_losses()
    dump = dict(dump, per_class=per_class)
    weights = {k[6:]: v for k, v in dump.items() if k.startswith("start/") and k != "start/prompts"}
    weights["logit_scale"] = torch.zeros([])
    model = clip_reference.Clip(weights, "quick_gelu").train()
    prompts = dump["start/prompts"].clone()
    fits = True
    before = dict(weights, prompts=dump["start/prompts"])
    for number in range(len(STAGES)):
        fits &= take_stage(model, dump, number, prompts, loss)
        fits &= compare_weights(model, dump, number, prompts.detach(), before, max_abs)
        before = {k[len("after0/"):]: v for k, v in dump.items() if k.startswith(f"after{number}/")}
    return fits


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dump")
    parser.add_argument("--loss", choices=sorted(LOSSES), default="full")
    parser.add_argument("--per-class", type=int, default=3)
    args = parser.parse_args()
    sys.exit(0 if compare(clip_reference.read_safetensors(args.dump), args.loss, args.per_class) else 1)


if __name__ == "__main__":
    main()
