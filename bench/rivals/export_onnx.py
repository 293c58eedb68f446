#!/usr/bin/env python3
"""Exports the image tower of a CLIP checkpoint to ONNX, with the weights mien is given. With --tower one of
scripts/tower_reference.py instead, whose weights CHECKPOINT was made from."""
import argparse
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import tower_reference  # noqa: E402
from clip_reference import Clip, load_weights  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("out")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--tower", choices=tower_reference.LAYOUTS)
    args = parser.parse_args()
    tower = tower_reference.build(args.tower) if args.tower else \
        Clip(load_weights(args.checkpoint), "quick_gelu").eval().visual
    pixels = torch.zeros(2, 3, args.side, args.side)
    torch.onnx.export(tower, pixels, args.out, opset_version=14, input_names=["pixels"], output_names=["embedding"],
                      dynamic_axes={"pixels": {0: "batch"}, "embedding": {0: "batch"}}, do_constant_folding=True)


if __name__ == "__main__":
    main()
