"""miniatures.py FOLDER: the data sets that recipes/emoclip name, in their published layouts, a clip or two per class."""
import pathlib
import sys

from media import chunk, struct, zlib

SEVEN = ("Happy", "Sad", "Neutral", "Angry", "Surprise", "Disgust", "Fear")
MAFW = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "contempt", "anxiety", "helplessness",
        "disappointment")
FER = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def picture(shade, side=16):
    pixels = bytearray()
    for y in range(side):
        pixels.append(0)
        for x in range(side):
            pixels += bytes(((shade * 29 + x * 5) & 255, (shade * 53 + y * 7) & 255, (x ^ y ^ shade) & 255))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes(pixels), 1)) + chunk(b"IEND", b""))


def clip(folder, shade, frames=5):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(frames):
        (folder / f"{i:03}.png").write_bytes(picture(shade + i))


def write(path, lines, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding=encoding)


def dfew(root):
    for split, first in (("train", 1), ("test", 101)):
        write(root / f"DFEW_set_1_{split}.txt", [f"x/{first + i:05} 5 {i}" for i in range(7)])
        for i in range(7):
            clip(root / "DFEW_Frame_Face" / f"{first + i:05}", i)


def ferv39k(root):
    captions = ["sequence,caption"]
    for split, first in (("train", 1), ("test", 101)):
        names = [f"Home/{emotion}/{first + i:04}" for i, emotion in enumerate(SEVEN)]
        write(root / f"{split}_image.txt", [f"{name} 5 {i}" for i, name in enumerate(names)])
        for i, name in enumerate(names):
            clip(root / "2_ClipsforFaceCrop" / name, i)
            captions.append(f'{name},"a face with {SEVEN[i].lower()} features, clip {first + i}"')
    write(root.parent / "ferv39k_captions.csv", captions)


def mafw(root):
    lists = root / "Train_Test_Set" / "single"
    write(lists / "with_caption_new" / "set_1" / "train.txt",
          [f"{i:05}.mp4\t{name}\t-\tA face that shows {name}." for i, name in enumerate(MAFW)], "gbk")
    write(lists / "no_caption_new" / "set_1" / "test.txt", [f"{100 + i:05}.mp4\t{name}" for i, name in enumerate(MAFW)], "gbk")
    for i in range(len(MAFW)):
        clip(root / "data" / "faces" / f"{i:05}", i)
        clip(root / "data" / "faces" / f"{100 + i:05}", i + 1)


def afew(root):
    for split in ("train", "validation"):
        for i, emotion in enumerate(SEVEN):
            clip(root / "AFEW_Face" / split / emotion / f"{i:04}", i)


def fer2013(root):
    rows = ["path,label,split"]
    (root / "fer").mkdir()
    for i in range(14):
        (root / "fer" / f"{i}.png").write_bytes(picture(i, 48))
        rows.append(f"fer/{i}.png,{FER[i % 7]},{'train' if i < 7 else 'val'}")
    write(root / "fer2013.csv", rows)


def interviews(root):
    rows = ["path,subject,sequence,frame,blunted_affect,poor_rapport,lack_of_spontaneity"]
    for i in range(10):
        clip(root / "interviews" / str(i), 3 * i)
        rows += [f"interviews/{i}/{f:03}.png,patient{i // 2},clip{i},{f},{1 + i % 7},{1 + (2 * i) % 7},{1 + i / 2}" for f in range(5)]
    write(root / "interviews.csv", rows)


def main():
    root = pathlib.Path(sys.argv[1])
    root.mkdir()
    dfew(root / "DFEW")
    ferv39k(root / "FERV39k")
    mafw(root / "MAFW")
    afew(root / "AFEW")
    fer2013(root)
    interviews(root)


if __name__ == "__main__":
    main()
