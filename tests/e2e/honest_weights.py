"""honest_weights.py CLIP: made-up checkpoints whose towers alone are not the model, from the bundle CLIP.

Needs no library. Learned tokens are vectors of real words, so that the right class features are those of plain texts.
"""
import json
import math
import pathlib
import random
import struct
import sys

CONTEXT = 77


def read(path):
    data = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    return {k: (v["dtype"], v["shape"], data[8 + length + v["data_offsets"][0]:8 + length + v["data_offsets"][1]])
            for k, v in header.items()}


def write(path, tensors, metadata=None):
    header, body = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + body)


def tensor(shape, make=lambda: random.gauss(0, 0.1)):
    values = [make() for _ in range(math.prod(shape))]
    return "F32", list(shape), struct.pack(f"<{len(values)}f", *values)


def scale(factor):
    return "F32", [], struct.pack("<f", math.log(factor))


def letter(c):
    """The id of a letter that ends a word: CLIP's vocabularies begin with the printable bytes, twice."""
    return 256 + ord(c) - ord("!")


def dfer_clip(clip, vocabulary):
    """Two classes with the texts 'a b.' and 'c.'; the learned tokens of the first are the words x y z w, of the second p q r s."""
    _, shape, table = clip["token_embedding.weight"]
    width = shape[1]

    def rows(ids):
        return b"".join(table[4 * width * i:4 * width * (i + 1)] for i in ids)

    out = {}
    for name, value in clip.items():
        if name.startswith("visual."):
            out["module.image_encoder." + name[len("visual."):]] = value
        elif name == "token_embedding.weight":
            out["module.clip_model_." + name] = value
        elif name != "label_features":
            out["module.text_encoder." + name] = value
    texts = [[letter("a"), letter("b"), letter(".")], [letter("c"), letter(".")]]
    learned, rest = ["xyzw", "pqrs"], CONTEXT - 1 - 4
    out["module.prompt_learner.ctx"] = ("F32", [2, 4, width], b"".join(rows(map(letter, word)) for word in learned))
    out["module.prompt_learner.token_prefix"] = ("F32", [2, 1, width], rows([vocabulary - 2] * 2))
    out["module.prompt_learner.token_suffix"] = (
        "F32", [2, rest, width],
        b"".join(rows(ids + [vocabulary - 1] + [0] * (rest - len(ids) - 1)) for ids in texts))
    return out


def ke2nt(embed):
    """A Swin of two stages under `encoder.` with the feature head, and the transformation network."""
    out = {}

    def linear(name, rows, columns, bias=True):
        out[name + ".weight"] = tensor([rows, columns])
        if bias:
            out[name + ".bias"] = tensor([rows])

    def norm(name, width, batch=False):
        out[name + ".weight"] = tensor([width], lambda: 1 + random.gauss(0, 0.1))
        out[name + ".bias"] = tensor([width])
        if batch:
            out[name + ".running_mean"] = tensor([width])
            out[name + ".running_var"] = tensor([width], lambda: 1 + 0.1 * random.random())

    width, window = 32, 2
    out["encoder.patch_embed.proj.weight"] = tensor([width, 3, 2, 2])
    out["encoder.patch_embed.proj.bias"] = tensor([width])
    norm("encoder.patch_embed.norm", width)
    for stage in range(2):
        block, wide = f"encoder.layers.{stage}.blocks.0.", width << stage
        norm(block + "norm1", wide)
        out[block + "attn.relative_position_bias_table"] = tensor([(2 * window - 1) ** 2, 1 << stage])
        linear(block + "attn.qkv", 3 * wide, wide)
        linear(block + "attn.proj", wide, wide)
        norm(block + "norm2", wide)
        linear(block + "mlp.fc1", 4 * wide, wide)
        linear(block + "mlp.fc2", wide, 4 * wide)
    norm("encoder.layers.0.downsample.norm", 4 * width)
    linear("encoder.layers.0.downsample.reduction", 2 * width, 4 * width, bias=False)
    norm("encoder.norm", 2 * width)
    linear("encoder.feature.0", 2 * width, 2 * width, bias=False)
    norm("encoder.feature.1", 2 * width, batch=True)
    linear("encoder.feature.2", embed, 2 * width, bias=False)
    norm("encoder.feature.3", embed, batch=True)
    pretrained = dict(out)
    linear("MLP.fc1", 8, embed)
    linear("MLP.fc2", embed, 8)
    return out, pretrained


def main():
    random.seed(4)
    folder = pathlib.Path(sys.argv[1])
    info = json.loads((folder / "bundle.json").read_text())["architecture"]
    clip = read(folder / "model.safetensors")
    clip.pop("label_features", None)
    clip["logit_scale"] = scale(100)
    side, width = info["image"]["image_size"], info["text"]["width"]
    write("stock.safetensors", clip)
    write("loud.safetensors", {**clip, "logit_scale": scale(150)})
    write("hesp.safetensors", {**clip, "prompt.text_ctx": tensor([3, 16, width]), "prompt.patch": tensor([3, 8, 8]),
                               "prompt.negatives": tensor([3, 3, side, side])})
    write("prompts_of_hesp.safetensors", {"patch": tensor([3, 56, 56]), "negatives": tensor([2, 3, 224, 224])})
    write("adapter.safetensors", {**clip, "adapter.fc.0.weight": tensor([4, 4]), "adapter.fc.2.weight": tensor([4, 4])})
    write("coop.safetensors", {**clip, "prompt_learner.ctx": tensor([16, width])})
    learned = dfer_clip(clip, info["text"]["vocabulary"])
    write("dfer.safetensors", learned)
    write("dfer_said.safetensors", learned, {"class_token_position": "front"})
    trained, pretrained = ke2nt(info["embed"])
    write("ke2nt.safetensors", trained)
    write("swin_face.safetensors", pretrained)


if __name__ == "__main__":
    main()
