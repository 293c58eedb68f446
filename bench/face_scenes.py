"""Pictures with known faces: faces of people who did not train, laid over backgrounds that did not train.

Needs OpenCV (PyPI: opencv-python-headless) and NumPy. The same seed gives the same pictures.
"""
import csv
import math
import pathlib
import tarfile

import cv2
import numpy as np

WIDTH, HEIGHT = 640, 480
HELD_OUT = 10  # as faces.val_part of recipes/face/face.yaml
LEAST_SIDE, MOST_SIDE = 14, 320


def held_out(group):
    """The rule by which the recipe holds people and backgrounds out."""
    value = 14695981039346656037
    for byte in group.encode():
        value = ((value ^ byte) * 1099511628211) % (1 << 64)
    return (value ^ (value >> 29)) % HELD_OUT == 0


def decode(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def read_backgrounds(folder):
    out = []
    for path in sorted(p for p in pathlib.Path(folder).rglob("*") if p.is_file()):
        if not held_out(str(path.relative_to(folder))):
            continue
        picture = decode(path.read_bytes())
        if picture is None or min(picture.shape[:2]) < 600:
            continue
        scale = min(1.0, 1600 / max(picture.shape[:2]))
        out.append(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return out


def read_faces(data, find, most):
    """(picture, box) of held-out people; `find` gives the boxes and scores of a picture, and must see one face."""
    out = []
    for name in ("lfwexpr", "wildfaces"):
        with open(data / f"{name}.csv", newline="") as file:
            rows = [r for r in csv.DictReader(file) if r["subject"] and held_out(r["subject"])]
        with tarfile.open(data / f"{name}.tar") as archive:
            for row in rows[:: max(1, len(rows) // most)]:
                picture = decode(archive.extractfile(row["path"]).read())
                border = max(picture.shape[:2]) // 4
                wide = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_REPLICATE)
                found = [box for box, score in find(wide) if score >= 0.6]
                if len(found) != 1:
                    continue
                x, y, w, h = found[0][0] - border, found[0][1] - border, found[0][2], found[0][3]
                if min(x, y) >= 0 and x + w <= picture.shape[1] and y + h <= picture.shape[0]:  # chin and hair are there
                    out.append((picture, (x, y, w, h)))
    return out


class Composer:
    def __init__(self, faces, backgrounds, seed):
        self.faces, self.backgrounds = faces, backgrounds
        self.rng = np.random.default_rng(seed)

    def background(self):
        picture = self.backgrounds[self.rng.integers(len(self.backgrounds))]
        height, width = picture.shape[:2]
        side = math.exp(self.rng.uniform(math.log(0.3), 0))
        scale = min(width / WIDTH, height / HEIGHT) * side
        w, h = int(WIDTH * scale), int(HEIGHT * scale)
        x, y = self.rng.integers(width - w + 1), self.rng.integers(height - h + 1)
        how = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
        return cv2.resize(picture[y : y + h, x : x + w], (WIDTH, HEIGHT), interpolation=how)

    def turn(self):
        return self.rng.normal(0, 6) if self.rng.random() < 0.5 else self.rng.uniform(-40, 40)

    def hide(self, canvas, box):
        """A bar over the eyes, something over the mouth, or from one side: a fifth to two fifths of the face."""
        x, y, w, h = box
        part = {0: (0, 0.25, 1, 0.2), 1: (0, 0.62, 1, 0.4), 2: (0, 0, 0.35, 1), 3: (0.65, 0, 0.4, 1)}
        px, py, pw, ph = part[int(self.rng.integers(4))]
        left, top = int(x + px * w), int(y + py * h)
        right, bottom = int(x + (px + pw) * w) + 1, int(y + (py + ph) * h) + 1
        left, top, right, bottom = max(0, left), max(0, top), min(WIDTH, right), min(HEIGHT, bottom)
        if right <= left or bottom <= top:
            return
        patch = self.background()
        px, py = self.rng.integers(WIDTH - (right - left) + 1), self.rng.integers(HEIGHT - (bottom - top) + 1)
        canvas[top:bottom, left:right] = patch[py : py + bottom - top, px : px + right - left]

    def add_face(self, canvas, truth):
        picture, box = self.faces[self.rng.integers(len(self.faces))]
        size = math.exp(self.rng.uniform(math.log(LEAST_SIDE), math.log(MOST_SIDE)))
        scale, turn = size / box[3], self.turn()
        x = self.rng.uniform(0.4 * size, WIDTH - 0.4 * size)
        y = self.rng.uniform(min(0.5 * size, HEIGHT / 2), max(HEIGHT - 0.5 * size, HEIGHT / 2))
        half = size * box[2] / box[3] / 2
        at = (x - half, y - size / 2, 2 * half, size)
        if any(overlap(at, other["box"]) > 0.02 for other in truth):
            return
        middle = (box[0] + box[2] / 2, box[1] + box[3] / 2)
        if scale < 1:  # a filter first, so that small faces have no artefacts
            factor = max(scale, 1 / min(picture.shape[:2]))
            picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            middle, scale = (middle[0] * factor, middle[1] * factor), scale / factor
        matrix = cv2.getRotationMatrix2D(middle, turn, scale)
        matrix[:, 2] += (x - middle[0], y - middle[1])
        height, width = picture.shape[:2]
        edge = max(1, round(0.03 * width))
        mask = np.zeros((height, width), np.float32)
        mask[edge : height - edge, edge : width - edge] = 1
        mask = cv2.GaussianBlur(mask, (0, 0), max(0.5, 0.5 * edge))
        face = np.clip(picture.astype(np.float32) * self.rng.uniform(0.6, 1.1), 0, 255)
        face = face * np.asarray(self.rng.uniform((0.75, 0.9, 1.0), (1.0, 1.0, 1.1)), np.float32)
        warped = cv2.warpAffine(face, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        share = cv2.warpAffine(mask, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)[..., None]
        canvas[:] = np.clip(canvas * (1 - share) + warped * share, 0, 255).astype(np.uint8)
        hidden = bool(self.rng.random() < 0.3)
        if hidden:
            self.hide(canvas, at)
        truth.append({"box": at, "size": size, "turn": abs(turn), "hidden": hidden})

    def scene(self):
        canvas, truth = self.background(), []
        for _ in range(int(self.rng.integers(1, 9))):
            self.add_face(canvas, truth)
        if self.rng.random() < 0.3:
            canvas = cv2.GaussianBlur(canvas, (0, 0), self.rng.uniform(0.5, 1.2))
        if self.rng.random() < 0.3:
            noise = self.rng.normal(0, self.rng.uniform(2, 12), canvas.shape)
            canvas = np.clip(canvas + noise, 0, 255).astype(np.uint8)
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(self.rng.integers(40, 95))]
        return cv2.imdecode(cv2.imencode(".jpg", canvas, quality)[1], cv2.IMREAD_COLOR), truth


def overlap(a, b):
    """Shared area, in areas of the smaller box."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0, width) * max(0, height) / min(a[2] * a[3], b[2] * b[3])
