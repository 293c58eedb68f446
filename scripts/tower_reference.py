#!/usr/bin/env python3
"""ResNet-18 and Swin-T in PyTorch, with torchvision's and Microsoft's names, for comparison with mien.

Written from the papers (arXiv 1512.03385 and 2103.14030; the feature head is SwinFace's, 2308.11509) and the names of
the published weights; needs PyTorch only. `make` writes a checkpoint of random weights.
"""
import argparse

import torch
from torch import nn
from torch.nn import functional as F

LAYOUTS = ("resnet18", "swin_t", "swin_face")


class BasicBlock(nn.Module):
    def __init__(self, width_in, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if stride != 1 or width_in != width:
            self.downsample = nn.Sequential(nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        rest = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + rest)


class ResNet(nn.Module):
    """Features of a ResNet of basic blocks; `fc` exists as in the published files but is not used."""

    def __init__(self, widths=(64, 128, 256, 512), blocks=(2, 2, 2, 2), channels=3, stem=64, kernel=7, stride=2,
                 pool=True, first=1, classes=1000):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, stem, kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.pool, self.stages = pool, len(widths)
        width_in = stem
        for s, (width, count) in enumerate(zip(widths, blocks)):
            layers = []
            for i in range(count):
                layers.append(BasicBlock(width_in, width, (first if s == 0 else 2) if i == 0 else 1))
                width_in = width
            setattr(self, f"layer{s + 1}", nn.Sequential(*layers))
        if classes:
            self.fc = nn.Linear(width_in, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        if self.pool:
            x = F.max_pool2d(x, 3, 2, 1)
        for s in range(self.stages):
            x = getattr(self, f"layer{s + 1}")(x)
        return x.mean((2, 3))


class WindowAttention(nn.Module):
    def __init__(self, width, heads, window, shift):
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        places = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        offset = places[:, :, None] - places[:, None, :] + window - 1
        self.register_buffer("relative_position_index", offset[0] * (2 * window - 1) + offset[1])

    def allowed(self, side):
        """Which pairs of tokens of a window were in the same region before the shift: [windows, tokens, tokens]."""
        line = torch.zeros(side, dtype=torch.long)
        line[side - self.window:] = 1
        line[side - self.shift:] = 2
        region = (3 * line[:, None] + line[None, :]).float()[None, None]
        region = F.unfold(region, self.window, stride=self.window)[0].t()
        return region[:, :, None] == region[:, None, :]

    def forward(self, x):
        n, side, _, width = x.shape
        w, tokens, per_head = self.window, self.window ** 2, width // self.heads
        x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        x = x.reshape(n, side // w, w, side // w, w, width).transpose(2, 3).reshape(-1, tokens, width)
        q, k, v = self.qkv(x).reshape(-1, tokens, 3, self.heads, per_head).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        score = q @ k.transpose(-1, -2) * per_head ** -0.5 + bias
        if self.shift:
            apart = ~self.allowed(side).repeat(n, 1, 1)
            score = score - 100.0 * apart[:, None].to(score.dtype)
        x = self.proj((score.softmax(-1) @ v).transpose(1, 2).reshape(-1, tokens, width))
        x = x.reshape(n, side // w, side // w, w, w, width).transpose(2, 3).reshape(n, side, side, width)
        return torch.roll(x, (self.shift, self.shift), (1, 2))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class SwinBlock(nn.Module):
    def __init__(self, width, heads, window, shift):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, window, shift)
        self.mlp = Mlp(width, 4 * width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Merging(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        self.norm = nn.LayerNorm(4 * width)

    def forward(self, x):
        four = [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]]
        return self.reduction(self.norm(torch.cat(four, -1)))


class Stage(nn.Module):
    def __init__(self, width, side, depth, heads, window, last):
        super().__init__()
        shifts = [0 if i % 2 == 0 or side <= window else window // 2 for i in range(depth)]
        self.blocks = nn.ModuleList(SwinBlock(width, heads, window, s) for s in shifts)
        self.downsample = None if last else Merging(width)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class PatchEmbed(nn.Module):
    def __init__(self, patch, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        return self.norm(self.proj(x).permute(0, 2, 3, 1))


class Swin(nn.Module):
    """Swin under Microsoft's names. With `embed` it has the feature head; `head` exists as in the published files but is not used."""

    def __init__(self, side=112, patch=2, width=96, depths=(2, 2, 6, 2), heads=(3, 6, 12, 24), window=7, embed=512,
                 classes=None):
        super().__init__()
        self.patch_embed = PatchEmbed(patch, width)
        last = len(depths) - 1
        self.layers = nn.ModuleList(
            Stage(width << s, side // patch >> s, d, h, window, s == last) for s, (d, h) in enumerate(zip(depths, heads)))
        width <<= last
        self.norm = nn.LayerNorm(width)
        self.feature = None
        if embed:
            self.feature = nn.Sequential(nn.Linear(width, width, bias=False), nn.BatchNorm1d(width, eps=2e-5),
                                         nn.Linear(width, embed, bias=False), nn.BatchNorm1d(embed, eps=2e-5))
        if classes:
            self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patch_embed(x)
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x).mean((1, 2))
        return x if self.feature is None else self.feature(x)


def torchvision_name(name):
    """torchvision's name of a Swin tensor."""
    parts = name.split(".")
    if parts[0] == "patch_embed":
        return f"features.0.{'0' if parts[1] == 'proj' else '2'}.{parts[2]}"
    if parts[0] != "layers":
        return name
    stage = int(parts[1])
    if parts[2] == "downsample":
        return ".".join([f"features.{2 * stage + 2}"] + parts[3:])
    tail = [{"fc1": "0", "fc2": "3"}.get(p, p) for p in parts[4:]]
    return ".".join([f"features.{2 * stage + 1}", parts[3]] + tail)


def randomise(model, seed):
    """Weights and statistics with the spread of a trained model."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in list(model.named_parameters()) + list(model.named_buffers()):
            noise = torch.randn(value.shape, generator=rng) if value.is_floating_point() else None
            if noise is None:
                continue
            if name.endswith("running_var"):
                value.copy_(0.5 + noise.abs())
            elif name.endswith("relative_position_bias_table"):
                value.copy_(noise)
            elif value.dim() > 1:
                value.copy_(noise * (2.0 / value[0].numel()) ** 0.5)
            elif name.endswith("weight"):
                value.copy_(1 + 0.1 * noise)
            else:
                value.copy_(0.1 * noise)
    return model.eval()


def build(layout, seed=1):
    if layout == "resnet18":
        return randomise(ResNet(), seed)
    if layout == "swin_t":
        return randomise(Swin(224, 4, embed=None, classes=1000), seed)
    return randomise(Swin(classes=512), seed)


def state_of(model, layout):
    """The state dict as in the published file."""
    state = model.state_dict()
    if layout == "swin_t":
        state = {torchvision_name(k): (v.flatten() if k.endswith("position_index") else v) for k, v in state.items()}
    if layout == "swin_face":
        return {"epoch": 40, "state_dict_backbone": state, "state_dict_fam": {"conv.weight": torch.zeros(2, 2)}}
    return state


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout", choices=LAYOUTS)
    parser.add_argument("out", help="a file for torch.save")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.save(state_of(build(args.layout, args.seed), args.layout), args.out)


if __name__ == "__main__":
    main()
