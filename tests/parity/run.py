#!/usr/bin/env python3
"""Compares mien's engine with PyTorch: make a random checkpoint, convert it, encode, compare.

  run.py torch --mien BIN --dump BIN --layout hf ...   one layout against the reference
  run.py layouts --mien BIN --dump BIN                 all layouts give the same embeddings
  run.py tower --mien BIN --dump BIN --layout swin_t   an image tower that is no CLIP
  run.py e2n --steps BIN --layout swin                 training steps of E2N-FER
  run.py cliper --mien BIN --dump BIN --loss full ...  training steps of CLIPER (dump: cliper_dump)
  run.py hesp --mien BIN --dump BIN --text-ctx learned training steps of HESP (dump: hesp_dump)
  run.py steps --mien BIN --dump BIN --layout METHOD   training steps of another method (dump: METHOD_dump)
Exit code 77 (skipped) when PyTorch is not installed.
"""
import argparse
import importlib
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import time

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts"
FOLDERS = ("hf", "hf-bin", "hf-sharded", "openclip", "openclip-text")


def run(*command):
    start = time.monotonic()
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stdout}")
    print(f"[{time.monotonic() - start:5.1f} s] {pathlib.Path(str(command[0])).name} {command[1]}")
    return done.stdout


def make(args, work, layout):
    import make_random_clip
    start = time.monotonic()
    out = work / (layout if layout in FOLDERS else layout + ".pt")
    make_random_clip.write(args, layout, out)
    print(f"[{time.monotonic() - start:5.1f} s] random {args.model}, {layout}")
    return out


def convert(args, work, source, layout):
    bundle = work / f"bundle-{layout}"
    more = ("--text-from", text_source(args, work)) if layout == "emoclip-image" else ()
    run(args.mien, "convert", source, bundle, "--tokenizer", args.tokenizer, "--activation",
        args.activation, "--dtype", args.stored, *more)
    return bundle


def text_source(args, work):
    """The whole CLIP model that emoclip-image has the image tower of."""
    out = work / "openai.pt"
    return out if out.exists() else make(args, work, "openai")


def use_small_tokenizer(args, work):
    """The vocabulary of the random tiny bundle: real ones are not part of the repository."""
    tiny = work / "tiny"
    run(args.mien, "convert", "--random-tiny", tiny)
    info = json.loads((tiny / "bundle.json").read_text())
    args.tokenizer = tiny / "tokenizer.txt"
    args.vocab = info["architecture"]["text"]["vocabulary"]


def dump(args, work, bundle, precision):
    out = work / f"{bundle.name}-{precision}.safetensors"
    run(args.dump, bundle, out, precision)
    return out


def torch_test(args, work):
    import clip_reference
    import torch
    source = make(args, work, args.layout)
    bundle = convert(args, work, source, args.layout)
    got = {p: clip_reference.read_safetensors(dump(args, work, bundle, p)) for p in ("fp32", "bf16")}
    start = time.monotonic()
    whole = text_source(args, work) if args.layout == "emoclip-image" else source
    image, text = clip_reference.encode(whole, args.activation, got["fp32"]["pixels"], got["fp32"]["tokens"])
    wanted = [("image", image), ("text", text)]
    if args.layout.startswith("emoclip"):
        clips = [clip_reference.encode_clip(source, rows) for rows in (got["fp32"]["frames"], image[:1])]
        wanted.append(("clip", torch.cat(clips)))
    print(f"[{time.monotonic() - start:5.1f} s] reference")
    fits = True
    for precision, (min_cosine, max_abs) in {"fp32": (0.99999, 1e-3), "bf16": (0.9995, None)}.items():
        for name, want in wanted:
            found = got[precision][name + "_embeddings"]
            fits &= clip_reference.compare(f"{precision} {name}", found, want, min_cosine, max_abs)
    sys.exit(0 if fits else 1)


def layouts_test(args, work):
    import clip_reference
    import make_random_clip
    first = None
    for layout in make_random_clip.LAYOUTS:
        bundle = convert(args, work, make(args, work, layout), layout)
        got = clip_reference.read_safetensors(dump(args, work, bundle, "fp32"))
        first = first or got
        for name in first:
            value = got[name]
            if not value.equal(first[name]):
                sys.exit(f"{layout}: {name} differs from the first layout by {(value - first[name]).abs().max()}")
    print(f"{len(make_random_clip.LAYOUTS)} layouts give the same embeddings")


def tower_test(args, work):
    import clip_reference
    import torch
    import tower_reference
    source = work / f"{args.layout}.pth"
    model = tower_reference.build(args.layout)
    torch.save(tower_reference.state_of(model, args.layout), source)
    bundle = work / "bundle"
    told = run(args.mien, "convert", source, bundle)
    if ("fc." if args.layout == "resnet18" else "head.") not in told:
        sys.exit(f"the classifier is left out without a word:\n{told}")
    fits = True
    for precision, (min_cosine, max_abs) in {"fp32": (0.999999, 1e-4), "bf16": (0.9995, None)}.items():
        got = clip_reference.read_safetensors(dump(args, work, bundle, precision))
        with torch.no_grad():
            want = model(got["pixels"])
        fits &= clip_reference.compare(f"{precision} {args.layout}", got["image_embeddings"], want, min_cosine, max_abs)
    sys.exit(0 if fits else 1)


def e2n_test(args, work):
    import e2n_reference
    run(args.steps, args.layout, work)
    sys.exit(0 if e2n_reference.compare(work) else 1)


def cliper_test(args, work):
    import clip_reference
    import cliper_reference
    bundle = convert(args, work, make(args, work, "openai"), "openai")
    out = work / "cliper.safetensors"
    run(args.dump, bundle, out, args.loss)
    sys.exit(0 if cliper_reference.compare(clip_reference.read_safetensors(out), args.loss, 3) else 1)


def hesp_test(args, work):
    import clip_reference
    import hesp_reference
    bundle = convert(args, work, make(args, work, "openai"), "openai")
    out = work / "hesp.safetensors"
    run(args.dump, bundle, out, args.text_ctx)
    learned = args.text_ctx == "learned"
    sys.exit(0 if hesp_reference.compare(clip_reference.read_safetensors(out), learned) else 1)


def steps_test(args, work):
    import clip_reference
    reference = importlib.import_module(args.layout + "_reference")
    bundle = convert(args, work, make(args, work, "openai"), "openai")
    out = work / "steps.safetensors"
    run(args.dump, bundle, out)
    dump = clip_reference.read_safetensors(out)
    fits = reference.compare(dump)
    # The same model in the published layout, through the converter.
    published, converted = work / "published.pth", work / "converted"
    options = reference.publish(dump, published)
    source = (work / "openai.pt", "--projection", published) if options == "projection" else (published,)
    place = ["--class-token-position", "end"] if args.layout == "dfer_clip" else []  # the file does not say
    run(args.mien, "convert", source[0], converted, *source[1:], *place, "--tokenizer", args.tokenizer,
        "--activation", args.activation)
    info = json.loads((converted / "bundle.json").read_text())
    fits &= reference.compare_converted(dump, clip_reference.read_safetensors(converted / "model.safetensors"), info)
    sys.exit(0 if fits else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("test", choices=("torch", "layouts", "tower", "e2n", "cliper", "hesp", "steps"))
    parser.add_argument("--mien", type=pathlib.Path)
    parser.add_argument("--dump", type=pathlib.Path)
    parser.add_argument("--steps", type=pathlib.Path, help="the program e2n_steps")
    parser.add_argument("--layout", default="openai")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--dtype", default="f32")
    parser.add_argument("--stored", default="keep")
    parser.add_argument("--activation", default="quick_gelu")
    parser.add_argument("--loss", default="full")
    parser.add_argument("--text-ctx", default="learned")
    parser.add_argument("--tokenizer", help="a vocabulary of CLIP's size; default: a small one of our own")
    args = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        print("skipped: PyTorch is not installed (Debian: python3-torch)")
        sys.exit(77)
    sys.path.insert(0, str(SCRIPTS))
    args.context, args.seed = 77, 1
    with tempfile.TemporaryDirectory(prefix="mien-parity-") as folder:
        work = pathlib.Path(folder)
        args.vocab = 49408
        if args.test in ("tower", "e2n"):
            tower_test(args, work) if args.test == "tower" else e2n_test(args, work)
        if args.tokenizer is None:
            use_small_tokenizer(args, work)
        {"torch": torch_test, "layouts": layouts_test, "cliper": cliper_test, "hesp": hesp_test,
         "steps": steps_test}[args.test](args, work)


if __name__ == "__main__":
    main()
