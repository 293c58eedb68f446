#!/usr/bin/env python3
"""Makes tests/golden/checkpoint: small weights files of every kind with their expected content.

Needs PyTorch (Debian: python3-torch). expected.json lists, per file, its format, what a reader
should skip and every tensor with dtype, shape and values.
"""
import argparse
import collections
import json
import pathlib
import struct
import tempfile
import zipfile

import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "checkpoint"
NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64",
         torch.int8: "I8", torch.uint8: "U8", torch.int16: "I16", torch.int32: "I32",
         torch.int64: "I64", torch.bool: "BOOL"}
expected = {}


class RecorderMeter:
    """Represents a class of a training script, which a reader cannot know."""

    def __init__(self):
        self.losses = [1.0, 2.0]
        self.table = torch.ones(2)


def numbers(shape, dtype=torch.float32):
    count = int(torch.Size(shape).numel())
    values = (torch.arange(count, dtype=torch.float64) * 7 % 23 - 5) / 4
    if dtype == torch.bool:
        return (values > 0).reshape(shape)
    if dtype == torch.uint8:
        values = values.abs()
    return values.to(dtype).reshape(shape)


def short(value):
    return int(value) if float(value).is_integer() else float(value)


def describe(name, file_format, tensors, skipped=()):
    expected[name] = {
        "format": file_format,
        "skipped": list(skipped),
        "tensors": {key: {"dtype": NAMES[t.dtype], "shape": list(t.shape),
                          "values": [short(v) for v in t.detach().reshape(-1).to(torch.float64)]}
                    for key, t in tensors.items()},
    }


def save(name, value, tensors, skipped=(), **options):
    torch.save(value, OUT / name, **options)
    legacy = options.get("_use_new_zipfile_serialization") is False
    describe(name, "torch-legacy" if legacy else "torch-zip", tensors, skipped)


def make_torch_files():
    every = {f"t.{name.lower()}": numbers((2, 3), dtype) for dtype, name in NAMES.items()}
    every["scalar"] = torch.tensor(4.6052)
    every["empty"] = torch.zeros(0, 3)
    save("all_dtypes.pt", every, every)
    save("all_dtypes_legacy.pt", every, every, _use_new_zipfile_serialization=False)

    base = numbers((4, 6))
    views = collections.OrderedDict(
        transposed=base.t(), slice=base[1:3], columns=base[:, 2:4], expanded=base[:1].expand(3, 6),
        one_row=base[3], permuted=numbers((2, 3, 4)).permute(2, 0, 1),
        parameter=torch.nn.Parameter(base * 2, requires_grad=False))
    save("views.pt", views, views)
    save("views_legacy.pt", views, views, _use_new_zipfile_serialization=False)
    save("views_protocol4.pt", views, views, pickle_protocol=4)

    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    for parameter in model.parameters():
        parameter.data = numbers(parameter.shape)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    for parameter in model.parameters():
        parameter.data = numbers(parameter.shape)
    wrapped = {"epoch": 3, "best_acc": torch.tensor(0.5), "state_dict": model.state_dict(),
               "optimizer": optimizer.state_dict(), "recorder": RecorderMeter(),
               "args": argparse.Namespace(lr=0.1, name="x"), "rng": b"bytes",
               "device": torch.device("cpu"), "dtype": torch.float32, "size": torch.Size([1, 2])}
    skipped = ["best_acc: tensor beside the weights", "optimizer: tensors beside the weights",
               "recorder: object of '__main__.RecorderMeter'",
               "args: object of 'argparse.Namespace'"]
    save("wrapped.pt", wrapped, model.state_dict(), skipped)
    save("wrapped_legacy.pt", wrapped, model.state_dict(), skipped,
         _use_new_zipfile_serialization=False)
    parallel = {"model": {"module." + k: v for k, v in model.state_dict().items()}, "iteration": 7}
    save("parallel.pt", parallel, parallel["model"])
    towers = {"image": {"w": numbers((2,))}, "text": {"w": numbers((3,)), "list": [numbers((1,))]}}
    save("towers.pt", towers, {"image.w": towers["image"]["w"], "text.w": towers["text"]["w"],
                               "text.list.0": towers["text"]["list"][0]})
    torch.save(RecorderMeter(), OUT / "object.pt")
    torch.save(numbers((2,)), OUT / "nameless.pt")


def rezip(source, name, change=None, method=zipfile.ZIP_STORED):
    """Copies an archive with Python's zip writer; `change` may replace or drop entries."""
    with zipfile.ZipFile(OUT / source) as old, zipfile.ZipFile(OUT / name, "w", method) as new:
        entries = {info.filename: old.read(info) for info in old.infolist()}
        for key, value in (change(entries) if change else entries).items():
            info = zipfile.ZipInfo(key)
            info.compress_type = method
            new.writestr(info, value)


def make_rezipped():
    rezip("views.pt", "deflated.pt", method=zipfile.ZIP_DEFLATED)
    expected["deflated.pt"] = expected["views.pt"]

    def to_big(entries):
        sizes = {}
        with zipfile.ZipFile(OUT / "all_dtypes.pt"):
            for i, tensor in enumerate(torch.load(OUT / "all_dtypes.pt").values()):
                sizes[f"all_dtypes/data/{i}"] = tensor.element_size()
        out = {}
        for key, value in entries.items():
            step = sizes.get(key, 1)
            out[key] = b"".join(value[i:i + step][::-1] for i in range(0, len(value), step))
        out["all_dtypes/byteorder"] = b"big"
        return out

    rezip("all_dtypes.pt", "big_endian.pt", to_big)
    expected["big_endian.pt"] = expected["all_dtypes.pt"]


class Attention(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.in_proj_weight = torch.nn.Parameter(numbers((6, 2)))
        self.out_proj = torch.nn.Linear(2, 2)

    def forward(self, x):
        return self.out_proj(torch.matmul(x, self.in_proj_weight[:2]))


class Visual(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.input_resolution = 4
        self.conv1 = torch.nn.Conv2d(3, 2, 2, bias=False)
        self.attn = Attention()
        self.proj = torch.nn.Parameter(numbers((2, 2)).t())

    def forward(self, x):
        return torch.matmul(self.attn(self.conv1(x).flatten(2).transpose(1, 2)), self.proj)


class Clip(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.visual = Visual()
        self.logit_scale = torch.nn.Parameter(torch.tensor(4.6052))
        self.register_buffer("context_length", torch.tensor(77))

    def forward(self, x):
        return self.visual(x) * self.logit_scale


def make_script():
    model = Clip().eval()
    for parameter in model.parameters():
        if parameter.dim() > 0 and parameter.is_contiguous():
            parameter.data = numbers(parameter.shape)
    model.visual = model.visual.half()
    scripted = torch.jit.script(model)
    with tempfile.TemporaryDirectory() as folder:
        torch.jit.save(scripted, pathlib.Path(folder) / "scripted.pt")
        # The debug entries hold paths of the machine that made the file.
        rezip(pathlib.Path(folder) / "scripted.pt", "scripted.pt",
              lambda entries: {k: v for k, v in entries.items() if not k.endswith(".debug_pkl")})
    describe("scripted.pt", "torchscript", model.state_dict())


def make_safetensors():
    """Made by hand, byte for byte: the writer must produce the same file."""
    header = (b'{"__metadata__":{"format":"mien","note":"gr\xc3\xbc\xc3\x9fe \\"q\\""},'
              b'"b.half":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},'
              b'"a.float":{"dtype":"F32","shape":[2,2],"data_offsets":[6,22]},'
              b'"scalar":{"dtype":"I64","shape":[],"data_offsets":[22,30]},'
              b'"none":{"dtype":"BF16","shape":[0,4],"data_offsets":[30,30]}}')
    header += b" " * (-(len(header) + 8) % 64)
    data = struct.pack("<3e", 1.0, -2.5, 0.125) + struct.pack("<4f", 1.5, -2.0, 3.25, 0.0)
    data += struct.pack("<q", -7)
    (OUT / "hand.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
    describe("hand.safetensors", "safetensors", {
        "b.half": torch.tensor([1.0, -2.5, 0.125], dtype=torch.float16),
        "a.float": torch.tensor([[1.5, -2.0], [3.25, 0.0]]), "scalar": torch.tensor(-7),
        "none": torch.zeros((0, 4), dtype=torch.bfloat16)})


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    make_torch_files()
    make_rezipped()
    make_script()
    make_safetensors()
    rows = [f"{json.dumps(name)}:{json.dumps(expected[name], separators=(',', ':'))}"
            for name in sorted(expected)]
    (OUT / "expected.json").write_text("{" + ",\n".join(rows) + "}\n")
    for file in sorted(OUT.iterdir()):
        print(f"{file.stat().st_size:7d} {file.name}")


if __name__ == "__main__":
    main()
