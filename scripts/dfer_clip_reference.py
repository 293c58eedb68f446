#!/usr/bin/env python3
"""DFER-CLIP's training step in PyTorch, for comparison with mien's.

Written from the paper (arXiv 2308.13382) and the specification of its layers; needs PyTorch only. Reads what
tests/parity's dfer_clip_dump writes (weights at the start, batches, losses, weights after two steps, the result of the
engine for the last batch), takes the same steps with torch.optim.SGD and reads the last batch again.
"""
import argparse
import sys
import time

import torch
from torch.nn import functional

import clip_reference

FACTOR = 100
RATES = {"temporal.": 1e-2, "visual.": 1e-3, "contexts": 1e-1}


def encode_texts(model, ids, contexts):
    """Unit class features: start token, contexts, then the rest of "X X X X X X X X <text>" padded to the context."""
    rows, tokens = contexts.shape[:2]
    padded = torch.zeros(rows, model.positional_embedding.shape[0], dtype=torch.long)
    padded[:, :ids.shape[1]] = ids
    embedded = model.token_embedding(padded).detach()
    x = torch.cat([embedded[:, :1], contexts, embedded[:, 1 + tokens:]], 1) + model.positional_embedding
    x = model.ln_final(model.transformer(x.transpose(0, 1)).transpose(0, 1))
    out = x[torch.arange(rows), padded.argmax(-1)] @ model.text_projection
    return out / out.norm(dim=-1, keepdim=True)


def logits_of(model, temporal, ids, contexts, pixels, clips):
    frames = model.visual(pixels).view(clips, -1, model.text_projection.shape[1])
    video = temporal(frames)
    video = video / video.norm(dim=-1, keepdim=True)
    return FACTOR * video @ encode_texts(model, ids, contexts).t()


def take_steps(dump, model, temporal, contexts):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    groups = [(RATES["temporal."], list(temporal.parameters())), (RATES["visual."], list(model.visual.parameters())),
              (RATES["contexts"], [contexts])]
    for _, parameters in groups:
        for parameter in parameters:
            parameter.requires_grad_(True)
    optimiser = torch.optim.SGD([{"params": p, "lr": lr} for lr, p in groups], lr=0, momentum=0.9, weight_decay=1e-4)
    fits, step = True, 0
    while f"step{step}/loss" in dump:
        at = f"step{step}/"
        start = time.monotonic()
        labels = dump[at + "labels"]
        value = functional.cross_entropy(
            logits_of(model, temporal, dump["ids"], contexts, dump[at + "pixels"], len(labels)), labels)
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


def compare_weights(dump, model, temporal, contexts, max_abs):
    """Compares every tensor after the steps; the text tower must not have moved at all."""
    after = {"contexts": contexts, **model.state_dict()}
    after.update({"temporal." + k: v for k, v in temporal.state_dict().items()})
    fits = True
    for part, largest, moved in [(p, 0.0, 0.0) for p in RATES]:
        for name in [n for n in after if n.startswith(part)]:
            found = dump["after/" + name]
            largest = max(largest, (found - after[name]).abs().max().item())
            moved = max(moved, (found - dump["start/" + name]).abs().max().item())
        close = largest <= max_abs and moved > 20 * max_abs
        fits &= close
        print(f"{part:10} moved by up to {moved:.2e}, max abs to the reference {largest:.2e}"
              f"{'' if close else ' TOO FAR'}")
    for name in after:
        if name != "logit_scale" and not name.startswith(tuple(RATES)):
            if not dump["after/" + name].equal(dump["start/" + name]):
                print(f"{name}: changed")
                fits = False
    return fits


def compare(dump, max_abs=2e-5, max_logit=2e-3):
    weights = {k[6:]: v for k, v in dump.items() if k.startswith("start/")}
    contexts = weights.pop("contexts").clone()
    inner = {k[len("temporal."):]: weights.pop(k) for k in list(weights) if k.startswith("temporal.")}
    weights["logit_scale"] = torch.zeros([])
    model, temporal = clip_reference.Clip(weights, "quick_gelu").train(), clip_reference.Temporal(inner).train()
    fits = take_steps(dump, model, temporal, contexts)
    fits &= compare_weights(dump, model, temporal, contexts.detach(), max_abs)
    with torch.no_grad():
        clips = len(dump["step1/labels"])
        wanted = logits_of(model, temporal, dump["ids"], contexts, dump["step1/pixels"], clips)
    far = (dump["engine/logits"] - wanted).abs().max().item()
    fits &= far <= max_logit
    print(f"engine: logits of {clips} clips, max abs to the reference {far:.2e}{'' if far <= max_logit else ' TOO FAR'}")
    return fits


class Recorder:
    """Represents the object of the training script that the published files also contain."""


def publish(dump, path):
    """The trained model as in the published files: one map under `module.`, CLIP twice, other objects beside it."""
    after = {k[6:]: v for k, v in dump.items() if k.startswith("after/")}
    contexts, tokens = after.pop("contexts"), after["token_embedding.weight"]
    padded = torch.zeros(len(contexts), len(after["positional_embedding"]), dtype=torch.long)
    padded[:, :dump["ids"].shape[1]] = dump["ids"]
    state = {"prompt_learner.ctx": contexts, "prompt_learner.token_prefix": tokens[padded[:, :1]],
             "prompt_learner.token_suffix": tokens[padded[:, 1 + contexts.shape[1]:]],
             "clip_model_.logit_scale": torch.tensor(3.0)}
    for name, value in after.items():
        if name.startswith("temporal."):
            state["temporal_net." + name[len("temporal."):]] = value
            continue
        state["clip_model_." + name] = value
        if name.startswith("visual."):
            state["image_encoder." + name[len("visual."):]] = value
        elif name != "token_embedding.weight":
            state["text_encoder." + name] = value
    torch.save({"epoch": 3, "state_dict": {"module." + k: v.clone() for k, v in state.items()}, "best_acc": 71.2,
                "optimizer": {"state": {}, "param_groups": []}, "recorder": Recorder()}, path)
    return ""


def compare_converted(dump, tensors, info, max_feature=1e-5):
    weights = {k[6:]: v for k, v in dump.items() if k.startswith("after/")}
    contexts = weights.pop("contexts")
    fits = True
    for name, value in weights.items():
        if not tensors[name].equal(value):
            print(f"converted {name}: differs")
            fits = False
    weights = {k: v for k, v in weights.items() if not k.startswith("temporal.")}
    model = clip_reference.Clip(dict(weights, logit_scale=torch.zeros([])), "quick_gelu").eval()
    with torch.no_grad():
        far = (tensors["label_features"] - encode_texts(model, dump["ids"], contexts)).abs().max().item()
    names = [label["name"] for label in info["labels"]]
    fits &= far <= max_feature and info["method"] == "dfer-clip" and info["logit_scale"] == 100
    fits &= info["sampling"]["rule"] == "dfer_clip" and info["sampling"]["frames"] == 4
    fits &= names == ["happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear"]
    fits &= all(step["kind"] != "normalize" for step in info["preprocess"]["steps"])
    print(f"converted: class features, max abs to the reference {far:.2e}{'' if fits else ' DOES NOT FIT'}")
    return fits


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dump")
    args = parser.parse_args()
    sys.exit(0 if compare(clip_reference.read_safetensors(args.dump)) else 1)


if __name__ == "__main__":
    main()
