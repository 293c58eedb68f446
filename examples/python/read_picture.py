"""Reads the expressions of one picture: read_picture.py PICTURE LABELS"""
import sys

import mien

if len(sys.argv) != 3:
    sys.exit("usage: read_picture.py PICTURE LABELS")
with mien.load("compact") as model:
    for face in model.predict(sys.argv[1], labels=sys.argv[2]):
        x, y, w, h = face.box
        print(f"{x:.0f},{y:.0f} {w:.0f}x{h:.0f} {face.top} {face.probability:.3f}")
