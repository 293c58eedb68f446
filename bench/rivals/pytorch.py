#!/usr/bin/env python3
"""Times an image tower in PyTorch eager, fp32. Prints one JSON line per thread count and batch, as mien_bench does."""
import argparse
import json
import pathlib
import re
import sys
import time

import numpy
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from clip_reference import Clip, load_weights  # noqa: E402


def blas():
    """The BLAS library in this process."""
    maps = pathlib.Path("/proc/self/maps").read_text()
    files = sorted(set(re.findall(r"\S*/(lib(?:openblas|mkl_rt|blis|atlas)\S*|libblas\.so\S*)", maps)))
    best = [f for f in files if not f.startswith("libblas")]
    return (best or files or ["none"])[0] + ("" if best else " (reference BLAS)")


def measure(run, warmup, repeats, budget):
    for _ in range(warmup):
        run()
    samples, start = [], time.perf_counter()
    for i in range(repeats):
        if i >= 3 and time.perf_counter() - start > budget:
            break
        begin = time.perf_counter()
        run()
        samples.append((time.perf_counter() - begin) * 1e3)
    return samples


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("pixels")
    parser.add_argument("embeddings")
    parser.add_argument("settings", help="JSON, as for onnxruntime.mjs")
    args = parser.parse_args()
    s = json.loads(args.settings)
    tower = Clip(load_weights(args.checkpoint), "quick_gelu").eval().visual
    pixels = torch.from_numpy(numpy.fromfile(args.pixels, numpy.float32).reshape(-1, 3, s["side"], s["side"]))
    # The reference BLAS needs a minute for a batch: one picture is enough to see that.
    batches = [b for b in s["batches"] if b == 1 or "reference" not in blas()]
    with torch.inference_mode():
        for threads in s["threads"]:
            torch.set_num_threads(threads)
            for batch in batches:
                part = pixels[:batch]
                samples = measure(lambda: tower(part), s["warmup"], s["repeats"], s["budget"])
                tower(part).numpy().tofile(f"{args.embeddings}-fp32-b{batch}.f32")
                print(json.dumps({"group": "image", "contender": "PyTorch eager fp32", "version": torch.__version__,
                                  "blas": blas(), "model": s["name"], "precision": "fp32", "threads": threads,
                                  "batch": batch, "ms": samples}), flush=True)


if __name__ == "__main__":
    main()
