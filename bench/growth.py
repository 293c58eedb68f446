"""How time and memory grow with faces, frames, labels and pixels. Each size is a run of the program of its own."""
import statistics
import subprocess

import numpy

import process

FACES = (1, 2, 4, 8, 16, 32, 64)
FRAMES = (16, 150, 1500, 18000)
LABELS = (2, 10, 100, 1000, 10000)
SIDES = (512, 1024, 2048, 4096, 6144)


def read_rgb(picture, width, height):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(picture), "-vf", f"scale={width}:{height}", "-pix_fmt",
                          "rgb24", "-f", "rawvideo", "-"], check=True, stdout=subprocess.PIPE).stdout
    return numpy.frombuffer(raw, numpy.uint8).reshape(height, width, 3)


def write_ppm(path, pixels):
    path.write_bytes(b"P6\n%d %d\n255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes())
    return path


def face_pictures(face, folder):
    """A grey picture of 8 x 8 pixels, of which the first ones hold a face."""
    tile = read_rgb(face, 160, 160)
    for count in FACES:
        canvas = numpy.full((8 * 170, 8 * 170, 3), 128, numpy.uint8)
        for i in range(count):
            y, x = 170 * (i // 8) + 5, 170 * (i % 8) + 5
            canvas[y:y + 160, x:x + 160] = tile
        yield count, write_ppm(folder / f"faces-{count}.ppm", canvas)


def label_file(folder, count):
    """Different short descriptions: a label file holds at most 512 KiB."""
    path = folder / f"labels-{count}.yaml"
    words = ("happy", "sad", "angry", "afraid", "disgusted", "calm", "amazed", "bored", "proud", "tired")
    lines = [f"l{i}: {words[i % 10]}, a little {words[i // 10 % 10]}, {i}"
             for i in range(count)]
    path.write_text("\n".join(lines) + "\n")
    return path


def looped(clip, frames, folder):
    path = folder / f"frames-{frames}.mp4"
    process.ffmpeg("-stream_loop", "-1", "-i", clip, "-frames:v", frames, "-an", "-c", "copy", path)
    return path


def cases(bundle, clip, face, portrait, folder):
    """(kind, size, arguments): what is run."""
    base = ["--bundle", bundle, "--json", "--threads", 1]
    for count, picture in face_pictures(face, folder):
        yield "faces of a picture", count, [picture, *base]
    for frames in FRAMES:
        yield "frames of a clip", frames, [looped(clip, frames, folder), *base]
    for count in LABELS:
        yield "labels", count, [face, *base, "--face", "whole", "--labels", label_file(folder, count)]
    for side in SIDES:
        picture = folder / f"side-{side}.jpg"
        process.ffmpeg("-i", portrait, "-vf", f"scale={side}:{side}", "-q:v", "3", picture)
        yield "pixels of a JPEG", side * side, [picture, *base]


def measure(mien, bundle, clip, face, portrait, folder, repeats):
    out = []
    for kind, size, arguments in cases(bundle, clip, face, portrait, folder):
        command = [mien, "predict", *arguments]
        long = kind == "frames of a clip" and size == max(FRAMES)  # minutes: no warm-up, once
        if not long:
            process.run_measured(command)
        runs = [process.run_measured(command) for _ in range(1 if long else repeats)]
        walls, processor, peaks = zip(*runs)
        out.append({"group": "growth", "case": kind, "name": size, "threads": 1, "ms": [w * 1e3 for w in walls],
                    "cpu_ms": statistics.median(processor) * 1e3, "peak_rss": max(peaks)})
    return out


def lines(facts):
    """What each size takes more than the smallest, per unit: it must not grow."""
    out, first = [], {}
    for fact in (f for f in facts if f["group"] == "growth"):
        begin = first.setdefault(fact["case"], fact)
        more = fact["cpu_ms"] - begin["cpu_ms"]
        units = fact["name"] - begin["name"]
        each = f"{more / units * 1e3:,.3g} µs" if units else "-"
        out.append([fact["case"], f"{fact['name']:,}", f"{fact['median_ms']:,.0f}", f"{fact['cpu_ms']:,.0f}", each,
                    f"{fact['peak_rss'] / (1 << 20):,.0f}"])
    return out
