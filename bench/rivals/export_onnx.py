#!/usr/bin/env python3
"""Exports the image tower of a CLIP checkpoint to ONNX, with the weights mien is given. With --text LENGTH its text
tower for tokens of that length, with --tower one of scripts/tower_reference.py, whose weights CHECKPOINT was made from."""
import argparse
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import tower_reference  # noqa: E402
from clip_reference import Clip, load_weights  # noqa: E402


class Text(torch.nn.Module):
    """Texts of one length: nothing behind it is computed, as the tower is causal."""

    def __init__(self, clip, length):
        super().__init__()
        self.clip = clip
        for block in clip.transformer.resblocks:
            block.mask = block.mask[:length, :length].contiguous()
        clip.positional_embedding = torch.nn.Parameter(clip.positional_embedding[:length].clone())

    def forward(self, tokens):
        return self.clip.encode_text(tokens)


def export_text(args):
    text = Text(Clip(load_weights(args.checkpoint), "quick_gelu").eval(), args.text)
    tokens = torch.randint(1, 1000, (2, args.text), dtype=torch.int32)
    torch.onnx.export(text, tokens, args.out, opset_version=14, input_names=["tokens"], output_names=["embedding"],
                      dynamic_axes={"tokens": {0: "batch"}, "embedding": {0: "batch"}}, do_constant_folding=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("out")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--tower", choices=tower_reference.LAYOUTS)
    parser.add_argument("--text", type=int, metavar="LENGTH")
    args = parser.parse_args()
    if args.text:
        return export_text(args)
    tower = tower_reference.build(args.tower) if args.tower else \
        Clip(load_weights(args.checkpoint), "quick_gelu").eval().visual
    pixels = torch.zeros(2, 3, args.side, args.side)
    torch.onnx.export(tower, pixels, args.out, opset_version=14, input_names=["pixels"], output_names=["embedding"],
                      dynamic_axes={"pixels": {0: "batch"}, "embedding": {0: "batch"}}, do_constant_folding=True)


if __name__ == "__main__":
    main()
