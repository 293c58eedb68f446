#!/usr/bin/env python3
"""The definition of CLIP's two towers in PyTorch, for comparison with mien's engine.

Loads a checkpoint of make_random_clip.py (or a published checkpoint of the same layouts) and computes the
embeddings of the pixels and tokens in a safetensors file, as written by parity_dump of tests/parity.
Written from the paper (arXiv 2103.00020) and the names of the published weights; needs PyTorch only.
"""
import argparse
import json
import pathlib
import struct
import sys

import numpy
import torch
from torch import nn

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64,
          "I32": torch.int32, "I64": torch.int64}


def read_safetensors(path):
    data = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    out = {}
    for name, row in header.items():
        if name == "__metadata__":
            continue
        begin, end = row["data_offsets"]
        flat = torch.frombuffer(bytearray(data[8 + length + begin:8 + length + end]), dtype=DTYPES[row["dtype"]])
        out[name] = flat.reshape(row["shape"])
    return out


class QuickGelu(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self, width, heads, mlp, activation, mask):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, mlp))
        self.mlp.add_module("gelu", QuickGelu() if activation == "quick_gelu" else nn.GELU())
        self.mlp.add_module("c_proj", nn.Linear(mlp, width))
        self.ln_2 = nn.LayerNorm(width)
        self.mask = mask

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=self.mask)[0]
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width, layers, heads, mlp, activation, mask=None):
        super().__init__()
        self.resblocks = nn.Sequential(*[Block(width, heads, mlp, activation, mask) for _ in range(layers)])

    def forward(self, x):
        return self.resblocks(x)


class Vision(nn.Module):
    def __init__(self, side, patch, width, layers, mlp, embed, activation):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros((side // patch) ** 2 + 1, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(width, layers, width // 64, mlp, activation)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.zeros(width, embed))

    def forward(self, pixels):
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(x.shape[0], 1, -1)
        x = self.ln_pre(torch.cat([first, x], 1) + self.positional_embedding)
        x = self.transformer(x.transpose(0, 1)).transpose(0, 1)
        return self.ln_post(x[:, 0]) @ self.proj


class Clip(nn.Module):
    def __init__(self, weights, activation):
        super().__init__()
        w = weights["visual.conv1.weight"]
        tokens = weights["visual.positional_embedding"].shape[0]
        layers = 1 + max(int(k.split(".")[3]) for k in weights if k.startswith("visual.transformer.resblocks."))
        side = round((tokens - 1) ** 0.5) * w.shape[-1]
        mlp = weights["visual.transformer.resblocks.0.mlp.c_fc.weight"].shape[0]
        embed = weights["visual.proj"].shape[1]
        self.visual = Vision(side, w.shape[-1], w.shape[0], layers, mlp, embed, activation)
        vocab, width = weights["token_embedding.weight"].shape
        context = weights["positional_embedding"].shape[0]
        layers = 1 + max(int(k.split(".")[2]) for k in weights if k.startswith("transformer.resblocks."))
        mlp = weights["transformer.resblocks.0.mlp.c_fc.weight"].shape[0]
        mask = torch.full((context, context), float("-inf")).triu(1)
        self.transformer = Transformer(width, layers, width // 64, mlp, activation, mask)
        self.token_embedding = nn.Embedding(vocab, width)
        self.positional_embedding = nn.Parameter(torch.zeros(context, width))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.zeros(width, embed))
        self.logit_scale = nn.Parameter(torch.zeros([]))
        self.load_state_dict({k: v.float() for k, v in weights.items()})

    def encode_text(self, tokens):
        x = self.token_embedding(tokens) + self.positional_embedding
        x = self.ln_final(self.transformer(x.transpose(0, 1)).transpose(0, 1))
        return x[torch.arange(x.shape[0]), tokens.argmax(-1)] @ self.text_projection


class TemporalAttention(nn.Module):
    def __init__(self, width, inner, heads):
        super().__init__()
        self.heads = heads
        self.to_qkv = nn.Linear(width, 3 * inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, width))

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, -1))
        mixed = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ v
        return self.to_out(mixed.transpose(1, 2).flatten(2))


class TemporalMlp(nn.Module):
    def __init__(self, width, mlp):
        super().__init__()
        self.net = nn.ModuleDict({"0": nn.Linear(width, mlp), "3": nn.Linear(mlp, width)})

    def forward(self, x):
        return self.net["3"](nn.functional.gelu(self.net["0"](x), approximate="tanh"))


class PreNorm(nn.Module):
    def __init__(self, width, fn):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fn = fn

    def forward(self, x):
        return self.fn(self.norm(x))


class Residual(nn.Module):
    def __init__(self, width, fn):
        super().__init__()
        self.fn = PreNorm(width, fn)

    def forward(self, x):
        return x + self.fn(x)


class Temporal(nn.Module):
    """EmoCLIP's temporal module (arXiv 2310.16640): class token and positions before pre-norm blocks, 8 heads."""

    def __init__(self, weights, heads=8):
        super().__init__()
        block = "temporal_transformer.layers."
        layers = 1 + max(int(k.split(".")[2]) for k in weights if k.startswith(block))
        width, inner = weights[block + "0.0.fn.fn.to_out.0.weight"].shape
        mlp = weights[block + "0.1.fn.fn.net.0.weight"].shape[0]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embedding = nn.Parameter(torch.zeros_like(weights["pos_embedding"], dtype=torch.float32))
        self.temporal_transformer = nn.Module()
        self.temporal_transformer.layers = nn.ModuleList(
            nn.ModuleList([Residual(width, TemporalAttention(width, inner, heads)),
                           Residual(width, TemporalMlp(width, mlp))]) for _ in range(layers))
        self.load_state_dict({k: v.float() for k, v in weights.items()})

    def forward(self, frames):
        x = torch.cat([self.cls_token.expand(frames.shape[0], -1, -1), frames], 1)
        x = x + self.pos_embedding[:, :x.shape[1]]
        for layer in self.temporal_transformer.layers:
            for part in layer:
                x = part(x)
        return x[:, 0]


def emoclip_frames(total, stride=4, count=32):
    """EmoCLIP's frames of a clip that fits one window, from its first frame on."""
    kept = list(range(0, total, stride))
    length = len(kept)
    assert length <= count
    chosen = kept + kept[:min(count - length, length)]
    return numpy.pad(chosen, (0, count - len(chosen)), mode="reflect").tolist()


def load_temporal(path):
    """The temporal module's tensors of an EmoCLIP checkpoint, without their prefix."""
    mark = "temporal."
    state = load_state(path)
    return {k[k.index(mark) + len(mark):]: v for k, v in state.items()
            if k.removeprefix("module.").startswith(mark)}


def encode_clip(checkpoint, frames):
    """The embedding [1, embed] of a clip of frame embeddings [n, embed], of unit length."""
    with torch.no_grad():
        model = Temporal(load_temporal(checkpoint)).eval()
        out = model(frames[emoclip_frames(frames.shape[0])][None])
        return out / out.norm(dim=-1, keepdim=True)


HF_MODULES = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
              "self_attn.out_proj": "attn.out_proj"}
HF_NAMES = {
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.pre_layrnorm": "visual.ln_pre", "vision_model.post_layernorm": "visual.ln_post",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm": "ln_final",
}


def from_hugging_face(state):
    out = {"visual.proj": state.pop("visual_projection.weight").t(),
           "text_projection": state.pop("text_projection.weight").t(), "logit_scale": state.pop("logit_scale")}
    for tower, ours in (("vision_model", "visual."), ("text_model", "")):
        layer = 0
        while f"{tower}.encoder.layers.{layer}.layer_norm1.weight" in state:
            theirs = f"{tower}.encoder.layers.{layer}."
            block = f"{ours}transformer.resblocks.{layer}."
            for kind in ("weight", "bias"):
                parts = [state.pop(f"{theirs}self_attn.{p}_proj.{kind}").float() for p in "qkv"]
                out[f"{block}attn.in_proj_{kind}"] = torch.cat(parts)
                for module, name in HF_MODULES.items():
                    out[f"{block}{name}.{kind}"] = state.pop(f"{theirs}{module}.{kind}")
            layer += 1
    for name, value in state.items():
        if not name.endswith("position_ids"):
            module, _, kind = name.rpartition(".")
            out[HF_NAMES[name] if name in HF_NAMES else f"{HF_NAMES[module]}.{kind}"] = value
    return out


def load_state(path):
    path = pathlib.Path(path)
    if path.is_dir():
        index = path / "model.safetensors.index.json"
        if index.exists():
            out = {}
            for file in sorted(set(json.loads(index.read_text())["weight_map"].values())):
                out.update(read_safetensors(path / file))
            return out
        names = ("model.safetensors", "open_clip_model.safetensors", "pytorch_model.bin")
        path = next(path / n for n in names if (path / n).exists())
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    try:
        return dict(torch.jit.load(str(path), map_location="cpu").state_dict())
    except RuntimeError:
        state = torch.load(path, map_location="cpu")
    return state.get("state_dict", state)


def load_weights(path):
    """The state dict of `path` under OpenAI's names."""
    state = load_state(path)
    for prefix in ("module.", "backbone."):
        if any(k.startswith(prefix) for k in state):
            state = {k[len(prefix):]: v for k, v in state.items() if k.startswith(prefix)}
    if "visual_projection.weight" in state:
        return from_hugging_face(state)
    buffers = ("input_resolution", "context_length", "vocab_size")
    return {k[5:] if k.startswith("text.") else k: v for k, v in state.items() if k not in buffers}


def encode(checkpoint, activation, pixels, tokens):
    """The embeddings of pixels [n, 3, s, s] and token rows [m, context], not normalised."""
    with torch.no_grad():
        model = Clip(load_weights(checkpoint), activation).eval()
        return model.visual(pixels), model.encode_text(tokens.long())


def compare(name, got, want, min_cosine, max_abs):
    cosine = torch.nn.functional.cosine_similarity(got, want).min().item()
    largest = (got - want).abs().max().item()
    scale = want.abs().max().item()
    fits = cosine >= min_cosine and (max_abs is None or largest <= max_abs)
    print(f"{name}: rows {got.shape[0]}, least cosine {cosine:.8f}, max abs {largest:.3e} (values up to {scale:.2f})"
          f" {'ok' if fits else 'TOO FAR'}")
    return fits


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("dump", help="pixels, tokens, image_embeddings and text_embeddings (safetensors)")
    parser.add_argument("--activation", choices=("quick_gelu", "gelu"), default="quick_gelu")
    parser.add_argument("--min-cosine", type=float, default=0.99999)
    parser.add_argument("--max-abs", type=float, default=1e-3, help="0: any")
    args = parser.parse_args()
    dump = read_safetensors(args.dump)
    image, text = encode(args.checkpoint, args.activation, dump["pixels"], dump["tokens"])
    bound = args.max_abs or None
    fits = [compare("image", dump["image_embeddings"], image, args.min_cosine, bound),
            compare("text", dump["text_embeddings"], text, args.min_cosine, bound)]
    sys.exit(0 if all(fits) else 1)


if __name__ == "__main__":
    main()
