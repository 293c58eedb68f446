"""media.py KIND FILE [ARGS]: small pictures and damaged files for the tests; standard library only."""
import pathlib
import struct
import sys
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth=8, rows=None):
    """An RGB gradient; `rows` fewer than `height` makes a header that lies."""
    step = depth // 8
    pixels = bytearray()
    for y in range(height if rows is None else rows):
        pixels.append(0)
        for x in range(width):
            for value in (x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x ^ y) & 255):
                pixels += bytes([value]) * step
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes(pixels), 1)) + chunk(b"IEND", b""))


def png_size(file):
    head = pathlib.Path(file).read_bytes()[:26]
    assert head[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG"
    return struct.unpack(">II", head[16:24])


def cut(file, source, fraction):
    data = pathlib.Path(source).read_bytes()
    pathlib.Path(file).write_bytes(data[:int(len(data) * float(fraction))])


def replace(file, source, old, new):
    data = pathlib.Path(source).read_bytes()
    assert old.encode() in data, f"{source} has no {old}"
    pathlib.Path(file).write_bytes(data.replace(old.encode(), new.encode()))


def faces(folder, count):
    """A manifest of coloured squares: the class decides the colour."""
    folder = pathlib.Path(folder)
    (folder / "faces").mkdir(parents=True)
    rows = ["path,label,split"]
    for i in range(int(count)):
        pixels = bytearray()
        for y in range(16):
            pixels.append(0)
            for x in range(16):
                pixels += bytes(200 - i if c == i % 3 else (x * 5 + y * (i % 7)) & 255 for c in range(3))
        (folder / "faces" / f"{i}.png").write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes(pixels), 1)) + chunk(b"IEND", b""))
        rows.append(f"faces/{i}.png,{('angry', 'happy', 'sad')[i % 3]},train")
    (folder / "faces.csv").write_text("\n".join(rows) + "\n")


def main():
    kind, file, *rest = sys.argv[1:]
    path = pathlib.Path(file)
    if kind == "png":
        width, height, *depth = map(int, rest)
        path.write_bytes(png(width, height, *depth))
    elif kind == "lying":
        width, height = map(int, rest)
        path.write_bytes(png(width, height, rows=0))
    elif kind == "ppm":
        width, height = map(int, rest)
        path.write_bytes(b"P6 %d %d 255\n" % (width, height) + bytes((i * 7) & 255 for i in range(3 * width * height)))
    elif kind == "size":
        print("%dx%d" % png_size(file))
    elif kind == "faces":
        faces(file, *rest)
    elif kind == "cut":
        cut(file, *rest)
    elif kind == "replace":
        replace(file, *rest)
    else:
        sys.exit(f"media.py: '{kind}' is unknown")


if __name__ == "__main__":
    main()
