"""deepface's `analyze` for its action "emotion", for programs that move over.

>>> import numpy
>>> answer = analyze(numpy.zeros((64, 64, 3), "uint8"), detector_backend="skip")[0]
>>> sorted(answer["emotion"]), answer["region"]["w"]
(['angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'], 64)
"""
from __future__ import annotations

import threading
from typing import Any, Dict, List, Optional, Sequence, Union

from .._errors import InvalidArgument
from .._model import Model, load

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

_lock = threading.Lock()
_model: Optional[Model] = None


def _shared() -> Model:
    global _model
    with _lock:
        if _model is None:
            _model = load()
        return _model


def analyze(img_path: Any, actions: Union[str, Sequence[str]] = ("emotion",), enforce_detection: bool = True,
            detector_backend: str = "mien", align: bool = True, expand_percentage: int = 0, silent: bool = True,
            anti_spoofing: bool = False, *, model: Optional[Model] = None) -> List[Dict[str, Any]]:
    """One dictionary per face with `emotion` (percent per expression), `dominant_emotion`, `region` and
    `face_confidence`, as deepface returns them. Arrays are BGR. It describes the expression that a face shows.

    `detector_backend` "skip" takes the picture as the face; any other name uses mien's detector. Without a face and
    with `enforce_detection`, it raises ValueError; without, the whole picture is read. Age, gender and race are not
    offered. `align`, `expand_percentage`, `silent` and `anti_spoofing` change nothing and may not ask for more.
    """
    wanted = [actions] if isinstance(actions, str) else list(actions)
    for action in wanted:
        if action != "emotion":
            raise InvalidArgument(f"actions: {action!r} is not offered (expected emotion)")
    if anti_spoofing or expand_percentage:
        raise InvalidArgument("analyze: anti_spoofing and expand_percentage are not offered (expected neither)")
    reader = model if model is not None else _shared()
    labels = list(EXPRESSIONS)
    mode = "whole" if detector_backend == "skip" else "hog"
    result = reader.predict(img_path, labels=labels, faces=mode, bgr=True, unknown="off")
    if not result.faces:
        if enforce_detection:
            raise InvalidArgument("img_path: no face was found (expected one; or set enforce_detection to False)")
        result = reader.predict(img_path, labels=labels, faces="whole", bgr=True, unknown="off")
    out = []
    for face in result.faces:
        left = face.points[0] if face.points else None
        right = face.points[1] if face.points else None
        out.append({
            "emotion": {score.label: 100.0 * score.probability for score in face.labels},
            "dominant_emotion": face.labels[0].label,
            "region": {"x": int(face.box.x), "y": int(face.box.y), "w": int(face.box.w), "h": int(face.box.h),
                       "left_eye": None if left is None else (int(left.x), int(left.y)),
                       "right_eye": None if right is None else (int(right.x), int(right.y))},
            "face_confidence": face.score if face.source == "detected" else 0,
        })
    return out
