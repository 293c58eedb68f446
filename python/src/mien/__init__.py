"""Facial expressions in pictures and clips, in your words.

>>> import mien, numpy
>>> model = mien.load("compact")
>>> result = model.predict(numpy.zeros((48, 48, 3), "uint8"), labels=["happy", "sad"], faces="whole")
>>> len(result.faces)
1

mien describes how a face looks, not what a person feels. Nothing is uploaded.
"""
from . import _core
from ._errors import (Cancelled, Corrupt, Error, Internal, InvalidArgument, IoError, NotFound, ResourceLimit,
                      Unsupported)
from ._model import Live, Model, Video, detect, load
from ._program import convert, evaluate, program_path, train
from ._results import Box, Clip, Face, Point, Reason, Result, Score, Segment, Share, Steady, Track, table_of

__version__ = _core.version()

for _kind in (Cancelled, Corrupt, Error, Internal, InvalidArgument, IoError, NotFound, ResourceLimit, Unsupported):
    _kind.__module__ = "mien"  # as messages name them
del _kind

__all__ = [
    "Box", "Cancelled", "Clip", "Corrupt", "Error", "Face", "Internal", "InvalidArgument", "IoError", "Live",
    "MienClassifier", "Model", "NotFound", "Point", "Reason", "ResourceLimit", "Result", "Score", "Segment", "Share",
    "Steady", "Track", "Unsupported", "Video", "convert", "detect", "evaluate", "load", "program_path", "table_of",
    "train",
]


def __getattr__(name: str):
    if name == "MienClassifier":  # imports NumPy
        from ._classifier import MienClassifier

        return MienClassifier
    raise AttributeError(f"module 'mien' has no attribute {name!r}")
