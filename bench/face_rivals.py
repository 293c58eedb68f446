"""Other detectors of faces, for bench/faces: YuNet by ONNX Runtime, OpenCV's Haar cascade. One thread each.

`find(picture)` takes BGR pixels and gives (box, score) of every face; a box is x, y, width, height.
"""
import importlib.util

import numpy as np

STRIDES = (8, 16, 32)
OVERLAP = 0.3


def has(module):
    return importlib.util.find_spec(module) is not None


def without_overlaps(boxes, scores):
    """Indices of the surest of boxes that overlap."""
    order, kept = np.argsort(-scores, kind="stable"), []
    while order.size:
        first, order = order[0], order[1:]
        kept.append(int(first))
        a, b = boxes[first], boxes[order]
        width = np.clip(np.minimum(a[0] + a[2], b[:, 0] + b[:, 2]) - np.maximum(a[0], b[:, 0]), 0, None)
        height = np.clip(np.minimum(a[1] + a[3], b[:, 1] + b[:, 3]) - np.maximum(a[1], b[:, 1]), 0, None)
        shared = width * height
        order = order[shared <= OVERLAP * (a[2] * a[3] + b[:, 2] * b[:, 3] - shared)]
    return kept


class YuNet:
    """Pictures as they are, continued in black to multiples of 32 pixels."""

    def __init__(self, path, least):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.names = [o.name for o in self.session.get_outputs()]
        self.least = least

    def find(self, picture):
        height, width = (-(-n // 32) * 32 for n in picture.shape[:2])
        padded = np.zeros((height, width, 3), np.float32)
        padded[: picture.shape[0], : picture.shape[1]] = picture
        outputs = self.session.run(None, {self.session.get_inputs()[0].name: padded.transpose(2, 0, 1)[None]})
        said, boxes, scores = dict(zip(self.names, outputs)), [], []
        for stride in STRIDES:
            score = np.sqrt(said[f"cls_{stride}"][0, :, 0] * said[f"obj_{stride}"][0, :, 0])
            places = np.nonzero(score >= self.least)[0]
            y, x = np.divmod(places, width // stride)
            b = said[f"bbox_{stride}"][0, places]
            w, h = np.exp(b[:, 2]) * stride, np.exp(b[:, 3]) * stride
            boxes.append(np.stack([(x + b[:, 0]) * stride - w / 2, (y + b[:, 1]) * stride - h / 2, w, h], 1))
            scores.append(score[places])
        boxes, scores = np.concatenate(boxes), np.concatenate(scores)
        return [(tuple(map(float, boxes[i])), float(scores[i])) for i in without_overlaps(boxes, scores)]


class Haar:
    """OpenCV's frontal cascade, at its usual settings, with the smallest window that it has."""

    def __init__(self):
        import cv2

        cv2.setNumThreads(1)
        self.cv2 = cv2
        self.cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")

    def find(self, picture):
        grey = self.cv2.cvtColor(picture, self.cv2.COLOR_BGR2GRAY)
        return [(tuple(map(float, box)), 1.0) for box in self.cascade.detectMultiScale(grey, 1.1, 3)]
