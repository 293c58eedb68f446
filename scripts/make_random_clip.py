#!/usr/bin/env python3
"""Makes a CLIP checkpoint with random weights, in any of the layouts in use.

Needs PyTorch (Debian: python3-torch). The same model and seed give the same weights in every layout,
so that conversions of them must agree. It shares no code with mien.
"""
import argparse
import json
import math
import pathlib
import struct

import numpy
import torch

# Picture, patch, width, layers; width and layers of the text tower; joint width. EmoCLIP's temporal module has 8 heads
# of 2048 and 1024 positions; "tiny" has narrow ones, so that its file stays small.
MODELS = {
    "tiny": dict(image=32, patch=8, width=128, layers=2, text_width=64, text_layers=2, embed=48, head=16, positions=64),
    "ViT-B-32": dict(image=224, patch=32, width=768, layers=12, text_width=512, text_layers=12, embed=512),
    "ViT-B-16": dict(image=224, patch=16, width=768, layers=12, text_width=512, text_layers=12, embed=512),
    "ViT-L-14": dict(image=224, patch=14, width=1024, layers=24, text_width=768, text_layers=12, embed=768),
    "ViT-L-14-336": dict(image=336, patch=14, width=1024, layers=24, text_width=768, text_layers=12, embed=768),
}
LAYOUTS = ("openai-torchscript", "openai", "openai-legacy", "hf", "hf-bin", "hf-sharded", "openclip",
           "openclip-text", "openclip-train", "emoclip", "emoclip-image")
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}


def openai_weights(cfg, vocab, context, seed):
    """The state dict of OpenAI's CLIP with the spread of a trained model."""
    rng = torch.Generator().manual_seed(seed)

    def normal(*shape, std=1.0):
        return torch.randn(*shape, generator=rng) * std

    out = {}

    def blocks(prefix, width, layers):
        for i in range(layers):
            p = f"{prefix}transformer.resblocks.{i}."
            out[p + "ln_1.weight"] = 1 + normal(width, std=0.1)
            out[p + "ln_1.bias"] = normal(width, std=0.1)
            out[p + "attn.in_proj_weight"] = normal(3 * width, width, std=width ** -0.5)
            out[p + "attn.in_proj_bias"] = normal(3 * width, std=0.1)
            out[p + "attn.out_proj.weight"] = normal(width, width, std=width ** -0.5 * 0.5)
            out[p + "attn.out_proj.bias"] = normal(width, std=0.1)
            out[p + "ln_2.weight"] = 1 + normal(width, std=0.1)
            out[p + "ln_2.bias"] = normal(width, std=0.1)
            out[p + "mlp.c_fc.weight"] = normal(4 * width, width, std=width ** -0.5)
            out[p + "mlp.c_fc.bias"] = normal(4 * width, std=0.1)
            out[p + "mlp.c_proj.weight"] = normal(width, 4 * width, std=(4 * width) ** -0.5 * 0.5)
            out[p + "mlp.c_proj.bias"] = normal(width, std=0.1)

    w, patch, tokens = cfg["width"], cfg["patch"], (cfg["image"] // cfg["patch"]) ** 2 + 1
    out["visual.class_embedding"] = normal(w)
    out["visual.positional_embedding"] = normal(tokens, w, std=0.5)
    out["visual.conv1.weight"] = normal(w, 3, patch, patch, std=(3 * patch * patch) ** -0.5)
    for norm in ("visual.ln_pre", "visual.ln_post"):
        out[norm + ".weight"] = 1 + normal(w, std=0.1)
        out[norm + ".bias"] = normal(w, std=0.1)
    out["visual.proj"] = normal(w, cfg["embed"], std=w ** -0.5)
    blocks("visual.", w, cfg["layers"])
    tw = cfg["text_width"]
    out["token_embedding.weight"] = normal(vocab, tw, std=0.5)
    out["positional_embedding"] = normal(context, tw, std=0.3)
    blocks("", tw, cfg["text_layers"])
    out["ln_final.weight"] = 1 + normal(tw, std=0.1)
    out["ln_final.bias"] = normal(tw, std=0.1)
    out["text_projection"] = normal(tw, cfg["embed"], std=tw ** -0.5)
    out["logit_scale"] = torch.tensor(math.log(100.0))
    return out


def temporal_weights(cfg, seed):
    """EmoCLIP's temporal module: two blocks of eight heads, an MLP as wide as the embedding."""
    rng = torch.Generator().manual_seed(seed + 1000)

    def normal(*shape, std=1.0):
        return torch.randn(*shape, generator=rng) * std

    width, inner = cfg["embed"], 8 * cfg.get("head", 2048)
    out = {"temporal.cls_token": normal(1, 1, width),
           "temporal.pos_embedding": normal(1, cfg.get("positions", 1024), width)}
    for i in range(2):
        p = f"temporal.temporal_transformer.layers.{i}."
        for norm in ("0.fn.norm", "1.fn.norm"):
            out[p + norm + ".weight"] = 1 + normal(width, std=0.1)
            out[p + norm + ".bias"] = normal(width, std=0.1)
        out[p + "0.fn.fn.to_qkv.weight"] = normal(3 * inner, width, std=width ** -0.5)
        out[p + "0.fn.fn.to_out.0.weight"] = normal(width, inner, std=inner ** -0.5)
        out[p + "0.fn.fn.to_out.0.bias"] = normal(width, std=0.1)
        for net in ("1.fn.fn.net.0", "1.fn.fn.net.3"):
            out[p + net + ".weight"] = normal(width, width, std=width ** -0.5)
            out[p + net + ".bias"] = normal(width, std=0.1)
    return out


def emoclip(weights, cfg, seed):
    """The whole map of EmoCLIP, saved from a distributed run. It has its own scale beside that of the frozen CLIP."""
    out = {"logit_scale": torch.tensor(math.log(60.0)), **temporal_weights(cfg, seed)}
    out.update({"backbone." + k: v for k, v in weights.items()})
    return {"module." + k: v for k, v in out.items()}


def emoclip_image(weights, cfg, seed):
    """The map of EmoCLIP's downstream class: the image tower directly under `backbone.`, a regression head, no texts."""
    visual = "visual."
    out = {"backbone." + k[len(visual):]: v for k, v in weights.items() if k.startswith(visual)}
    out.update(temporal_weights(cfg, seed))
    rng = torch.Generator().manual_seed(seed + 2000)
    for name, rows, columns in (("mlp.0", cfg["embed"] // 2, cfg["embed"]), ("mlp.2", 3, cfg["embed"] // 2)):
        out[name + ".weight"] = torch.randn(rows, columns, generator=rng)
        out[name + ".bias"] = torch.randn(rows, generator=rng)
    return out


def to_dtype(weights, dtype):
    """Matrices and projections in `dtype`, the rest in float32: as OpenAI stores its models."""
    keep = ("ln_", "class_embedding", "positional_embedding", "token_embedding", "logit_scale")
    return {k: v if any(word in k for word in keep) else v.to(dtype) for k, v in weights.items()}


def hugging_face(weights):
    """The names and layout of transformers' CLIPModel."""
    out = {}
    simple = {
        "visual.class_embedding": "vision_model.embeddings.class_embedding",
        "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
        "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
        "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
        "visual.ln_post.weight": "vision_model.post_layernorm.weight",
        "visual.ln_post.bias": "vision_model.post_layernorm.bias",
        "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
        "positional_embedding": "text_model.embeddings.position_embedding.weight",
        "ln_final.weight": "text_model.final_layer_norm.weight",
        "ln_final.bias": "text_model.final_layer_norm.bias",
        "logit_scale": "logit_scale",
    }
    inner = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj",
             "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
    for name, value in weights.items():
        if name in simple:
            out[simple[name]] = value
        elif name == "visual.proj":
            out["visual_projection.weight"] = value.t().contiguous()
        elif name == "text_projection":
            out["text_projection.weight"] = value.t().contiguous()
        else:
            tower = "vision_model" if name.startswith("visual.") else "text_model"
            layer, rest = name.split("resblocks.")[1].split(".", 1)
            prefix = f"{tower}.encoder.layers.{layer}."
            if rest.startswith("attn.in_proj_"):
                kind = rest[len("attn.in_proj_"):]
                for part, piece in zip("qkv", value.chunk(3)):
                    out[f"{prefix}self_attn.{part}_proj.{kind}"] = piece.contiguous()
            else:
                module, kind = rest.rsplit(".", 1)
                out[f"{prefix}{inner[module]}.{kind}"] = value
    return out


def write_safetensors(path, tensors):
    """A small writer of the format, without its library."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, value in tensors.items():
        size = value.numel() * value.element_size()
        header[name] = {"dtype": NAMES[value.dtype], "shape": list(value.shape),
                        "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            if value.dtype == torch.bfloat16:
                value = value.contiguous().view(torch.int16)
            file.write(numpy.ascontiguousarray(value.numpy()).tobytes())


def script_module(weights, cfg, vocab, context):
    """A TorchScript module tree with these parameters, like OpenAI's archives."""

    class Node(torch.nn.Module):
        def forward(self, x):
            return x

    class Root(torch.nn.Module):
        def forward(self, x):
            return x + self.logit_scale

    root = Root()
    for name, value in weights.items():
        module, parts = root, name.split(".")
        for part in parts[:-1]:
            if not hasattr(module, part):
                module.add_module(part, Node())
            module = getattr(module, part)
        module.register_parameter(parts[-1], torch.nn.Parameter(value, requires_grad=False))
    for name, value in (("input_resolution", cfg["image"]), ("context_length", context), ("vocab_size", vocab)):
        root.register_buffer(name, torch.tensor(value))
    return torch.jit.trace(root, torch.zeros(1), check_trace=False)


def hugging_face_config(cfg, vocab, context, act):
    common = {"hidden_act": act, "layer_norm_eps": 1e-5}
    return {
        "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": cfg["embed"],
        "text_config": {**common, "hidden_size": cfg["text_width"], "num_attention_heads": cfg["text_width"] // 64,
                        "num_hidden_layers": cfg["text_layers"], "vocab_size": vocab,
                        "max_position_embeddings": context, "eos_token_id": 2},
        "vision_config": {**common, "hidden_size": cfg["width"], "num_attention_heads": cfg["width"] // 64,
                          "num_hidden_layers": cfg["layers"], "image_size": cfg["image"],
                          "patch_size": cfg["patch"]},
    }


def open_clip_config(cfg, vocab, context, act):
    out = {"model_cfg": {"embed_dim": cfg["embed"],
                         "vision_cfg": {"image_size": cfg["image"], "layers": cfg["layers"], "width": cfg["width"],
                                        "patch_size": cfg["patch"]},
                         "text_cfg": {"context_length": context, "vocab_size": vocab, "width": cfg["text_width"],
                                      "heads": cfg["text_width"] // 64, "layers": cfg["text_layers"]}},
           "preprocess_cfg": {"mean": [0.48145466, 0.4578275, 0.40821073],
                              "std": [0.26862954, 0.26130258, 0.27577711]}}
    if act == "quick_gelu":
        out["model_cfg"]["quick_gelu"] = True
    return out


def write_hugging_face(out, weights, args, cfg, layout):
    out.mkdir(parents=True, exist_ok=True)
    weights = hugging_face(weights)
    # Buffers that older versions of the library saved.
    weights["text_model.embeddings.position_ids"] = torch.arange(args.context)[None]
    config = hugging_face_config(cfg, args.vocab, args.context, args.activation)
    (out / "config.json").write_text(json.dumps(config, indent=2))
    if layout == "hf":
        write_safetensors(out / "model.safetensors", weights)
    elif layout == "hf-bin":
        torch.save(weights, out / "pytorch_model.bin")
    else:
        names = sorted(weights)
        shards = [names[0::2], names[1::2]]
        index = {"metadata": {"total_size": 0}, "weight_map": {}}
        for i, part in enumerate(shards):
            file = f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors"
            write_safetensors(out / file, {n: weights[n] for n in part})
            index["weight_map"].update({n: file for n in part})
        (out / "model.safetensors.index.json").write_text(json.dumps(index))


def write_open_clip(out, weights, args, cfg, layout):
    if layout == "openclip-train":
        state = {"module." + k: v for k, v in weights.items()}
        torch.save({"epoch": 3, "name": "run", "state_dict": state,
                    "optimizer": {"state": {}, "param_groups": [{"lr": 1e-3}]}}, out)
        return
    out.mkdir(parents=True, exist_ok=True)
    if layout == "openclip-text":
        moved = ("token_embedding.", "positional_embedding", "transformer.", "ln_final.", "text_projection")
        weights = {("text." + k if k.startswith(moved) else k): v for k, v in weights.items()}
    write_safetensors(out / "open_clip_model.safetensors", weights)
    config = open_clip_config(cfg, args.vocab, args.context, args.activation)
    (out / "open_clip_config.json").write_text(json.dumps(config, indent=2))


def write(args, layout, out):
    cfg = MODELS[args.model]
    weights = to_dtype(openai_weights(cfg, args.vocab, args.context, args.seed), DTYPES[args.dtype])
    out.parent.mkdir(parents=True, exist_ok=True)
    if layout == "openai-torchscript":
        torch.jit.save(script_module(weights, cfg, args.vocab, args.context), str(out))
    elif layout == "openai":
        torch.save(weights, out)
    elif layout == "openai-legacy":
        torch.save(weights, out, _use_new_zipfile_serialization=False)
    elif layout == "emoclip":
        torch.save(emoclip(weights, cfg, args.seed), out)
    elif layout == "emoclip-image":
        torch.save(emoclip_image(weights, cfg, args.seed), out)
    elif layout.startswith("hf"):
        write_hugging_face(out, weights, args, cfg, layout)
    else:
        write_open_clip(out, weights, args, cfg, layout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path, help="file, or folder for hf and openclip layouts")
    parser.add_argument("--model", choices=MODELS, default="tiny")
    parser.add_argument("--layout", choices=LAYOUTS, default="openai")
    parser.add_argument("--dtype", choices=DTYPES, default="f32")
    parser.add_argument("--activation", choices=("quick_gelu", "gelu"), default="quick_gelu")
    parser.add_argument("--vocab", type=int, default=49408)
    parser.add_argument("--context", type=int, default=77)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    write(args, args.layout, args.out)


if __name__ == "__main__":
    main()
