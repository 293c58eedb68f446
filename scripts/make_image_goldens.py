#!/usr/bin/python3
"""Makes the golden files of the image room and the start of its fuzz corpus.

Reference: Pillow and PyTorch as Debian 12 ships them (python3-pil, python3-torch). Run from anywhere:
    /usr/bin/python3 scripts/make_image_goldens.py
"""
import io
import json
import pathlib
import struct
import zlib

import numpy as np
import torch
from PIL import Image, ImageOps

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "image"
CORPUS = ROOT / "tests" / "fuzz" / "corpus" / "image"
PIL_FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def picture(width, height, seed):
    """Gradients, hard edges and noise, which reveal a wrong filter, clamping or rounding."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    red = 255 * (x + 0.5) / width
    green = 127.5 + 127.5 * np.sin(x / 3.1 + y / 2.3)
    blue = 255.0 * ((x // 5 + y // 4) % 2)
    out = np.stack([red, green, blue], axis=2)
    noisy = y > height / 2
    out[noisy] = out[noisy] * 0.5 + rng.uniform(0, 255, out.shape)[noisy] * 0.5
    return Image.fromarray(np.clip(np.round(out), 0, 255).astype(np.uint8), "RGB")


def to_json(value):
    return json.dumps(value, separators=(",", ":")) + "\n"


def save_png(path, image):
    image.save(path, "PNG", optimize=True)


# ---------------------------------------------------------------- resize, 8 bit

def make_resize_u8():
    sizes = {(61, 43): [(224, 224), (61, 20), (17, 43), (30, 21), (7, 5), (1, 1), (62, 44), (61, 43)],
             (40, 90): [(20, 45), (13, 97), (41, 1)],
             (1, 37): [(5, 11), (1, 8)],
             (37, 1): [(16, 4), (80, 1)],
             (1, 1): [(3, 2)],
             (101, 70): [(32, 23), (5, 70), (60, 3)]}
    cases = []
    for seed, ((w, h), targets) in enumerate(sizes.items()):
        source = picture(w, h, seed)
        name = f"source_{w}x{h}.png"
        save_png(GOLDEN / name, source)
        for tw, th in targets:
            for label, code in PIL_FILTERS.items():
                result = np.asarray(source.resize((tw, th), code))
                # Only some rows of a large result are kept, to keep the file small.
                rows = list(range(th)) if th * tw <= 750 else list(range(2, th, 29))
                cases.append({"source": name, "width": tw, "height": th, "filter": label, "rows": rows,
                              "pixels": result[rows].tobytes()})
    blob = b"".join(c.pop("pixels") for c in cases)
    # A grey PNG is only the container: all bytes of all cases in order, zero padded.
    width = 512
    height = -(-len(blob) // width)
    grey = np.frombuffer(blob + bytes(width * height - len(blob)), np.uint8).reshape(height, width)
    save_png(GOLDEN / "resize_u8.png", Image.fromarray(grey, "L"))
    (GOLDEN / "resize_u8.json").write_text(to_json({"cases": cases}))


# ---------------------------------------------------------------- resize, float

def interpolate(planes, width, height, mode, antialias):
    kwargs = {} if mode == "nearest" else {"align_corners": False, "antialias": antialias}
    return torch.nn.functional.interpolate(planes[None], size=(height, width), mode=mode, **kwargs)[0]


def make_resize_f32():
    cases, blob = [], b""
    sources = [(2, 13, 17), (1, 1, 9), (1, 8, 1)]
    targets = [(17, 13), (5, 4), (21, 9), (1, 1), (3, 11)]
    for channels, h, w in sources:
        source = torch.from_numpy(np.random.default_rng(h * w).normal(0, 1.5, (channels, h, w)).astype(np.float32))
        blob_at = len(blob) // 4
        blob += source.numpy().tobytes()
        for tw, th in targets:
            for mode in ("nearest", "bilinear", "bicubic"):
                for antialias in (False, True):
                    if mode == "nearest" and antialias:
                        continue
                    out = interpolate(source, tw, th, mode, antialias)
                    cases.append({"channels": channels, "height": h, "width": w, "source_at": blob_at,
                                  "to_width": tw, "to_height": th, "filter": mode, "antialias": antialias,
                                  "result_at": len(blob) // 4})
                    blob += out.numpy().tobytes()
    (GOLDEN / "resize_f32.bin").write_bytes(blob)
    (GOLDEN / "resize_f32.json").write_text(to_json({"cases": cases}))


# ---------------------------------------------------------------- preprocessing, in the terms of torchvision

def shorter_side(width, height, size):
    if width <= height:
        return size, int(size * height / width)
    return int(size * width / height), size


def center_crop(planes, size):
    _, h, w = planes.shape
    if size > w or size > h:
        left, right = ((size - w) // 2, (size - w + 1) // 2) if size > w else (0, 0)
        top, bottom = ((size - h) // 2, (size - h + 1) // 2) if size > h else (0, 0)
        planes = torch.nn.functional.pad(planes, (left, right, top, bottom))
        _, h, w = planes.shape
    top = int(round((h - size) / 2.0))
    left = int(round((w - size) / 2.0))
    return planes[:, top:top + size, left:left + size]


def to_tensor(image):
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float().div(255)


def normalize(planes):
    mean = torch.tensor(CLIP_MEAN).view(3, 1, 1)
    std = torch.tensor(CLIP_STD).view(3, 1, 1)
    return (planes - mean) / std


def clip(image, size):
    # CenterCrop of an 8-bit picture moves whole pixels, so it may come after ToTensor here.
    image = image.resize(shorter_side(*image.size, size), Image.BICUBIC)
    return normalize(center_crop(to_tensor(image), size))


def emoclip(image, size):
    planes = normalize(to_tensor(image))
    w, h = shorter_side(image.size[0], image.size[1], size)
    if (h, w) != tuple(planes.shape[1:]):
        planes = interpolate(planes, w, h, "bicubic", False)
    return center_crop(planes, size)


def dfer_clip(image, size):
    return to_tensor(image.resize((size, size), Image.BILINEAR))


def grey_crop(image, size):
    """Grey, plain centre crop (with padding), then bilinear without antialias on uint8."""
    grey = image.convert("L").convert("RGB")
    planes = center_crop(torch.from_numpy(np.asarray(grey).copy()).permute(2, 0, 1).float(), 50)
    return interpolate(planes, size, size, "bicubic", False).clamp(0, 255).round() / 255


def make_preprocess():
    methods = {"clip": clip, "emoclip": emoclip, "dfer_clip": dfer_clip, "grey_crop": grey_crop}
    cases, blob = [], b""
    for source in ("source_61x43.png", "source_40x90.png", "source_101x70.png", "source_1x37.png"):
        image = Image.open(GOLDEN / source)
        for name, method in methods.items():
            for size in (224, 43, 16):
                values = method(image, size).contiguous().numpy().astype(np.float32).reshape(-1)
                index = (np.arange(min(values.size, 50)) * 7919) % values.size
                cases.append({"source": source, "method": name, "size": size, "count": int(index.size),
                              "at": len(blob) // 4, "mean": float(values.astype(np.float64).mean())})
                blob += values[index].tobytes()
    (GOLDEN / "preprocess.bin").write_bytes(blob)
    (GOLDEN / "preprocess.json").write_text(to_json({"step": 7919, "cases": cases}))


# ---------------------------------------------------------------- decoding

def jpeg_bytes(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def without_marker(data, marker):
    """The JPEG without its segments of one kind."""
    out, at = data[:2], 2
    while data[at + 1] != 0xDA:
        size = 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        if data[at + 1] != marker:
            out += data[at:at + size]
        at += size
    return out + data[at:]


def over_black(rgba):
    a = np.asarray(rgba).astype(np.uint32)
    t = a[..., :3] * a[..., 3:] + 128
    return Image.fromarray(((t + (t >> 8)) >> 8).astype(np.uint8), "RGB")


def png_bytes(width, height, depth, colour, rows, extra=b"", interlace=0):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    raw = b"".join(b"\0" + row for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(raw, 9)) +
            chunk(b"IEND", b""))


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def adam7_rows(pixels):
    """Rows of the seven passes of an interlaced 8-bit picture."""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        part = pixels[y0::dy, x0::dx]
        if part.size:
            yield from (row.tobytes() for row in part)


def rounded_16(values):
    return np.round(values.astype(np.float64) * 255 / 65535).astype(np.uint8)


def decode_cases():
    """(file name, bytes, expected RGB picture, tolerance)"""
    base = picture(19, 13, 99)
    rgb = np.asarray(base)
    rng = np.random.default_rng(7)

    def as_pil(data):
        return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")

    for name, options in {"baseline.jpg": {}, "progressive.jpg": {"progressive": True},
                          "full_chroma.jpg": {"subsampling": 0}}.items():
        data = jpeg_bytes(base, quality=85, **options)
        yield name, data, as_pil(data), 2
    data = jpeg_bytes(base.convert("L"))
    yield "grey.jpg", data, as_pil(data), 2
    cmyk = jpeg_bytes(base.convert("CMYK"), quality=95)
    yield "cmyk_adobe.jpg", cmyk, as_pil(cmyk), 2
    inks = 255 - np.asarray(Image.open(io.BytesIO(cmyk))).astype(np.uint32)  # as stored
    plain = (255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255
    yield ("cmyk_plain.jpg", without_marker(cmyk, 0xEE),
           Image.fromarray(np.round(plain).astype(np.uint8), "RGB"), 2)
    at = cmyk.index(b"Adobe") + 11
    ycck = cmyk[:at] + b"\x02" + cmyk[at + 1:]
    yield "ycck.jpg", ycck, as_pil(ycck), 2
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = jpeg_bytes(base, quality=85, exif=exif.tobytes())
        yield f"exif_{orientation}.jpg", data, as_pil(data), 2

    out = io.BytesIO()
    base.save(out, "PNG")
    yield "rgb8.png", out.getvalue(), base, 0
    deep = rng.integers(0, 65536, (13, 19, 3)).astype(">u2")
    yield "rgb16.png", png_bytes(19, 13, 16, 2, [r.tobytes() for r in deep]), Image.fromarray(rounded_16(deep)), 0
    deep = rng.integers(0, 65536, (13, 19)).astype(">u2")
    yield ("grey16.png", png_bytes(19, 13, 16, 0, [r.tobytes() for r in deep]),
           Image.fromarray(np.repeat(rounded_16(deep)[..., None], 3, 2)), 0)
    rgba = np.dstack([rgb, rng.integers(0, 256, (13, 19, 1)).astype(np.uint8)])
    out = io.BytesIO()
    Image.fromarray(rgba, "RGBA").save(out, "PNG")
    yield "rgba8.png", out.getvalue(), over_black(rgba), 1
    yield ("interlaced.png", png_bytes(19, 13, 8, 2, list(adam7_rows(rgb)), interlace=1), base, 0)
    yield ("interlaced_rgba.png", png_bytes(19, 13, 8, 6, list(adam7_rows(rgba)), interlace=1), over_black(rgba), 1)
    grey_alpha = rng.integers(0, 256, (13, 19, 2)).astype(np.uint8)
    yield ("grey_alpha.png", png_bytes(19, 13, 8, 4, [r.tobytes() for r in grey_alpha]),
           over_black(np.dstack([grey_alpha[..., :1]] * 3 + [grey_alpha[..., 1:]])), 1)
    palette = rng.integers(0, 256, (16, 3)).astype(np.uint8)
    opacity = np.array([0, 128, 255, 17, 200] + [255] * 11, np.uint8)
    index = rng.integers(0, 16, (13, 19)).astype(np.uint8)
    extra = png_chunk(b"PLTE", palette.tobytes())
    packed = [bytes((int(a) << 4) | int(b) for a, b in zip(np.append(r, 0)[0::2], np.append(r, 0)[1::2])) for r in index]
    yield "palette4.png", png_bytes(19, 13, 4, 3, packed, extra), Image.fromarray(palette[index]), 0
    extra += png_chunk(b"tRNS", opacity[:5].tobytes())
    yield ("palette_alpha.png", png_bytes(19, 13, 8, 3, [r.tobytes() for r in index], extra),
           over_black(np.dstack([palette[index], opacity[index]])), 1)
    key = rgb[2, 3]
    shown = rgb.copy()
    shown[(rgb == key).all(axis=2)] = 0
    extra = png_chunk(b"tRNS", b"".join(struct.pack(">H", int(v)) for v in key))
    yield "colour_key.png", png_bytes(19, 13, 8, 2, [r.tobytes() for r in rgb], extra), Image.fromarray(shown), 0
    bits = rng.integers(0, 2, (13, 19)).astype(np.uint8)
    yield ("bits1.png", png_bytes(19, 13, 1, 0, [np.packbits(r).tobytes() for r in bits]),
           Image.fromarray(np.repeat(bits[..., None] * 255, 3, 2).astype(np.uint8)), 0)
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    base.save(out, "PNG", exif=exif.tobytes())
    yield "exif_6.png", out.getvalue(), base.transpose(Image.ROTATE_270), 0

    for name, options in {"lossy.webp": {"quality": 80}, "lossless.webp": {"lossless": True}}.items():
        out = io.BytesIO()
        base.save(out, "WEBP", **options)
        yield name, out.getvalue(), as_pil(out.getvalue()), 2
    out = io.BytesIO()
    Image.fromarray(rgba, "RGBA").save(out, "WEBP", lossless=True, exact=True)
    yield "alpha.webp", out.getvalue(), over_black(rgba), 1
    out = io.BytesIO()
    base.save(out, "WEBP", lossless=True, exif=exif.tobytes())
    yield "exif_6.webp", out.getvalue(), base.transpose(Image.ROTATE_270), 0

    yield from bmp_cases(base, index, palette)
    yield from ppm_cases(base)


def bmp_bytes(width, height, bits, rows, compression=0, palette=b"", masks=b"", header=40):
    body = b"".join(r + bytes(-len(r) % 4) for r in rows)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(body), 2835, 2835,
                           len(palette) // 4, 0)
    extra = masks + bytes(max(0, header - len(info) - len(masks))) + palette
    offset = 14 + len(info) + len(extra)
    return struct.pack("<2sIHHI", b"BM", offset + len(body), 0, 0, offset) + info + extra + body


def bmp_cases(base, index, palette):
    rgb = np.asarray(base)
    bgr = rgb[..., ::-1]
    up = [r.tobytes() for r in bgr[::-1]]
    yield "bgr24.bmp", bmp_bytes(19, 13, 24, up), base, 0
    yield "top_down.bmp", bmp_bytes(19, -13, 24, [r.tobytes() for r in bgr]), base, 0
    yield "core.bmp", bmp_bytes(19, 13, 24, up, header=12), base, 0
    bgrx = np.dstack([bgr, np.zeros((13, 19, 1), np.uint8)])
    yield "bgrx32.bmp", bmp_bytes(19, 13, 32, [r.tobytes() for r in bgrx[::-1]]), base, 0
    colours = b"".join(bytes(p[::-1]) + b"\0" for p in palette)
    shown = Image.fromarray(palette[index])
    yield "index8.bmp", bmp_bytes(19, 13, 8, [r.tobytes() for r in index[::-1]], palette=colours), shown, 0
    packed = [bytes((int(a) << 4) | int(b) for a, b in zip(np.append(r, 0)[0::2], np.append(r, 0)[1::2])) for r in index[::-1]]
    yield "index4.bmp", bmp_bytes(19, 13, 4, packed, palette=colours), shown, 0
    bits = index & 1
    yield ("index1.bmp", bmp_bytes(19, 13, 1, [np.packbits(r).tobytes() for r in bits[::-1]], palette=colours[:8]),
           Image.fromarray(palette[bits]), 0)
    r, g, b = (rgb[..., c].astype(np.uint32) for c in range(3))
    w565 = ((r >> 3) << 11 | (g >> 2) << 5 | b >> 3).astype("<u2")
    shown = np.stack([np.round((r >> 3) * 255 / 31), np.round((g >> 2) * 255 / 63), np.round((b >> 3) * 255 / 31)], 2)
    yield ("rgb565.bmp", bmp_bytes(19, 13, 16, [x.tobytes() for x in w565[::-1]], 3,
                                   masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)),
           Image.fromarray(shown.astype(np.uint8)), 0)
    w555 = ((r >> 3) << 10 | (g >> 3) << 5 | b >> 3).astype("<u2")
    shown = np.stack([np.round((c >> 3) * 255 / 31) for c in (r, g, b)], 2)
    yield ("rgb555.bmp", bmp_bytes(19, 13, 16, [x.tobytes() for x in w555[::-1]]),
           Image.fromarray(shown.astype(np.uint8)), 0)
    alpha = np.random.default_rng(5).integers(0, 256, (13, 19)).astype(np.uint32)
    word = (r | g << 8 | b << 16 | alpha << 24).astype("<u4")
    yield ("rgba_fields.bmp", bmp_bytes(19, 13, 32, [x.tobytes() for x in word[::-1]], 3, header=124,
                                        masks=struct.pack("<IIII", 0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
           over_black(np.dstack([rgb, alpha.astype(np.uint8)])), 0)


def ppm_cases(base):
    rgb = np.asarray(base)
    grey = np.asarray(base.convert("L"))
    grey_rgb = Image.fromarray(np.repeat(grey[..., None], 3, 2))
    yield "p6.ppm", b"P6\n# a comment\n19 13\n255\n" + rgb.tobytes(), base, 0
    yield "p5.pgm", b"P5 19 13 255\n" + grey.tobytes(), grey_rgb, 0
    yield "p3.ppm", ("P3\n19 13 255\n" + " ".join(map(str, rgb.reshape(-1))) + "\n").encode(), base, 0
    yield "p2.pgm", ("P2 # c\n19\n13\n255\n" + "\n".join(map(str, grey.reshape(-1)))).encode(), grey_rgb, 0
    deep = np.random.default_rng(3).integers(0, 65536, (13, 19, 3)).astype(">u2")
    yield "deep.ppm", b"P6 19 13 65535\n" + deep.tobytes(), Image.fromarray(rounded_16(deep)), 0
    small = (rgb // 17).astype(np.uint8)
    yield "max15.ppm", b"P6 19 13 15\n" + small.tobytes(), Image.fromarray(small * 17), 0


def make_decode():
    folder = GOLDEN / "decode"
    folder.mkdir(parents=True, exist_ok=True)
    CORPUS.mkdir(parents=True, exist_ok=True)
    in_corpus = {"progressive.jpg", "exif_6.jpg", "cmyk_adobe.jpg", "interlaced_rgba.png", "palette_alpha.png", "rgb16.png",
                 "exif_6.webp", "lossy.webp", "alpha.webp", "index4.bmp", "rgba_fields.bmp", "rgb565.bmp", "p3.ppm", "deep.ppm"}
    cases, blob = [], b""
    for name, data, expected, tolerance in decode_cases():
        (folder / name).write_bytes(data)
        pixels = np.asarray(expected)
        at = blob.find(pixels.tobytes())
        if at < 0:
            at = len(blob)
            blob += pixels.tobytes()
        cases.append({"file": name, "width": pixels.shape[1], "height": pixels.shape[0], "tolerance": tolerance, "at": at})
        if name in in_corpus:
            (CORPUS / name).write_bytes(data)
        if name in ("interlaced_rgba.png", "lossy.webp", "progressive.jpg", "rgba_fields.bmp"):
            (CORPUS / f"cut_{name}").write_bytes(data[:len(data) * 2 // 3])
    (GOLDEN / "decode.bin").write_bytes(blob)
    (GOLDEN / "decode.json").write_text(to_json({"cases": cases}))
    # Frame headers that claim far more than the file holds.
    for name in ("baseline.jpg", "progressive.jpg"):
        data = bytearray((folder / name).read_bytes())
        at = max(data.find(b"\xff\xc0\0\x11"), data.find(b"\xff\xc2\0\x11")) + 5
        data[at:at + 4] = struct.pack(">HH", 900, 1100)
        (CORPUS / f"lying_{name}").write_bytes(bytes(data))
    (CORPUS / "huge.png").write_bytes(png_bytes(30000, 30000, 8, 2, [b""]))
    (CORPUS / "huge.bmp").write_bytes(bmp_bytes(2**31 - 1, -2**31, 24, [b"\0" * 8]))
    (CORPUS / "huge.ppm").write_bytes(b"P5 999999999 999999999 65535\n\0")
    (CORPUS / "text.txt").write_bytes(b"not a picture\n")


def main():
    torch.set_num_threads(1)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    make_resize_u8()
    make_resize_f32()
    make_preprocess()
    make_decode()
    total = sum(p.stat().st_size for p in GOLDEN.rglob("*") if p.is_file())
    print(f"{total} bytes of golden files, {sum(p.stat().st_size for p in CORPUS.iterdir())} bytes of corpus")


if __name__ == "__main__":
    main()
