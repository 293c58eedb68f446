#!/usr/bin/env python3
"""Times a training step of EmoCLIP in PyTorch eager, as bench/train_step.cc does. Prints JSON lines."""
import argparse
import json
import pathlib
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from clip_reference import Clip, load_weights  # noqa: E402
from pytorch import blas, measure  # noqa: E402


class Block(nn.Module):
    def __init__(self, width, heads, head_width, mlp):
        super().__init__()
        self.heads, self.scale = heads, head_width ** -0.5
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * heads * head_width, bias=False)
        self.out = nn.Linear(heads * head_width, width)
        self.mlp = nn.Sequential(nn.Linear(width, mlp), nn.GELU(approximate="tanh"), nn.Linear(mlp, width))

    def forward(self, x):
        b, n, _ = x.shape
        q, k, v = (part.view(b, n, self.heads, -1).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1))
        attention = (q @ k.transpose(-1, -2) * self.scale).softmax(-1)
        x = x + self.out((attention @ v).transpose(1, 2).reshape(b, n, -1))
        return x + self.mlp(self.norm2(x))


class Temporal(nn.Module):
    def __init__(self):
        super().__init__()
        self.cls, self.pos = nn.Parameter(torch.randn(1, 1, 512)), nn.Parameter(torch.randn(1, 1024, 512))
        self.blocks = nn.Sequential(*[Block(512, 8, 2048, 512) for _ in range(2)])

    def forward(self, frames):
        x = torch.cat([self.cls.expand(len(frames), -1, -1), frames], 1) + self.pos[:, :frames.shape[1] + 1]
        return self.blocks(x)[:, 0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--parts", default="frozen,cached")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    tower = Clip(load_weights(args.checkpoint), "quick_gelu").eval().visual
    temporal, tau = Temporal(), nn.Parameter(torch.tensor(4.6))
    optimiser = torch.optim.SGD([*temporal.parameters(), tau], lr=1e-3, momentum=0.9, weight_decay=5e-4)
    pixels, frames = torch.randn(8, 32, 3, 224, 224), torch.randn(64, 32, 512)
    texts = {count: F.normalize(torch.randn(count, 512), dim=1) for count in (8, 64)}

    def step(rows):
        videos = F.normalize(temporal(rows), dim=1)
        logits = tau.exp() * videos @ texts[len(rows)].t()
        own = torch.arange(len(rows))
        loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.t(), own)) / 2
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    def frozen():
        with torch.no_grad():
            rows = tower(pixels.flatten(0, 1)).view(8, 32, -1)
        step(rows)

    for threads in map(int, args.threads.split(",")):
        torch.set_num_threads(threads)
        for part, name, run in (("frozen", "frozen towers, 8 x 32 frames", frozen),
                                ("cached", "cached embeddings, 64 x 32", lambda: step(frames))):
            if part not in args.parts.split(","):
                continue
            print(json.dumps({"group": "train", "contender": "PyTorch eager", "version": torch.__version__,
                              "blas": blas(), "case": name, "threads": threads,
                              "ms": measure(run, 1, args.repeats, 120)}), flush=True)


if __name__ == "__main__":
    main()
