"""Models, clips and live frames."""
from __future__ import annotations

import atexit
import json
import os
import queue
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from . import _core
from ._errors import Cancelled, Error, InvalidArgument
from ._pictures import array_of, hand_over
from ._results import Clip, Result

if TYPE_CHECKING:
    import numpy

    from ._pictures import Picture

    Labels = Union[str, Sequence[str], Mapping[str, Union[str, Sequence[str]]]]

_MODES = {"auto": 0, "hog": 1, "whole": 2}
_FACE_OPTIONS = {"upsample", "min_face", "min_score", "detect_every", "single", "landmarks", "region", "detector",
                 "landmark_model"}
_OPTIONS = _FACE_OPTIONS | {"explain", "embeddings", "unknown", "reduce", "baseline", "smooth_seconds", "max_fps",
                            "every", "batch", "threads"}
_KEPT = 8  # recognizers that a thread keeps ready, for as many sets of labels and options


def _faces(faces: str, options: Mapping[str, Any], known: set) -> Dict[str, Any]:
    if faces not in _MODES:
        raise InvalidArgument(f"faces: unknown value {faces!r} (expected auto, hog or whole)")
    for name in options:
        if name not in known:
            raise TypeError(f"unexpected option {name!r} (expected one of {', '.join(sorted(known))})")
    out = dict(options, mode=_MODES[faces])
    if isinstance(out.get("unknown"), (int, float)) and not isinstance(out["unknown"], bool):
        out["unknown"] = repr(float(out["unknown"]))
    if out.get("unknown") is False:
        out["unknown"] = "off"
    for name in ("detector", "landmark_model"):
        if isinstance(out.get(name), os.PathLike):
            out[name] = os.fspath(out[name])
    return out


def _labels_key(labels: "Optional[Labels]") -> Any:
    if labels is None or isinstance(labels, str):
        return labels
    if isinstance(labels, Mapping):
        return json.dumps({name: [texts] if isinstance(texts, str) else list(texts) for name, texts in labels.items()})
    if isinstance(labels, Sequence):
        for name in labels:
            if not isinstance(name, str):
                raise InvalidArgument(f"labels: {name!r} is of type {type(name).__name__} (expected names)")
        return tuple(labels)
    raise InvalidArgument(f"labels: is of type {type(labels).__name__} (expected text, a list of names, or a mapping "
                          "from names to descriptions)")


def _make_labels(labels: "Optional[Labels]") -> Optional[_core.Labels]:
    if labels is None:
        return None
    if isinstance(labels, str):
        return _core.Labels.load(labels)
    if isinstance(labels, Mapping):
        return _core.Labels.from_yaml(_labels_key(labels))
    return _core.Labels.from_names(list(labels))


class _Ready:
    """A recognizer with the names of its labels."""

    __slots__ = ("recognizer", "labels", "targets", "__weakref__")

    def __init__(self, bundle: _core.Bundle, labels: Optional[_core.Labels], options: Dict[str, Any]) -> None:
        self.recognizer = _core.Recognizer(bundle, labels, options)
        self.labels: List[str] = self.recognizer.labels()
        self.targets: List[str] = self.recognizer.targets()


class Model:
    """A loaded bundle. May be used from several threads; close it, or use it in a `with` statement.

    >>> import mien
    >>> with mien.load() as model:
    ...     print(model.name, model.width)
    compact 256
    """

    def __init__(self, bundle: "Union[str, os.PathLike[str]]" = "compact", *, models: Optional[str] = None,
                 precision: str = "fp32", views: int = 1, many_pictures: bool = False) -> None:
        folder = models if models is not None else os.environ.get("MIEN_MODELS")
        self._bundle = _core.Bundle(os.fspath(bundle), {"models": folder, "precision": precision, "views": views,
                                                        "many_pictures": int(many_pictures)})
        self._threads = threading.local()
        self._all: "weakref.WeakSet[_Ready]" = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def info(self) -> Dict[str, Any]:
        """The description of the bundle (docs/reference/bundle.md)."""
        return json.loads(self._bundle.json())

    @property
    def name(self) -> str:
        """Name of the bundle."""
        return self.info["name"]

    @property
    def width(self) -> int:
        """Width of embeddings."""
        return self._bundle.width()

    @property
    def labels(self) -> List[str]:
        """The bundle's own labels, which it answers with when none are given."""
        return [label["name"] if isinstance(label, dict) else label for label in self.info.get("labels", [])]

    def label_notes(self, labels: "Labels") -> List[str]:
        """Doubts about words, for example that no training face was described with them."""
        made = _make_labels(labels)
        assert made is not None
        return json.loads(self._bundle.label_notes(made))

    def predict(self, picture: "Union[Picture, List[Picture]]", *, labels: "Optional[Labels]" = None,
                boxes: Optional[Sequence[Sequence[float]]] = None, faces: str = "auto", bgr: bool = False,
                **options: Any) -> "Union[Result, List[Result]]":
        """Reads the expressions of all faces of a picture: a path, encoded bytes, a picture of PIL, or an array of
        height, width and channels (uint8, or floats from 0 to 1; RGB unless `bgr`). A list of pictures gives a list.

        `labels`: a list of names, a mapping from names to descriptions, or text as the program's --labels takes it;
        None: the bundle's own. `boxes`: faces are there (x, y, w, h), nothing is searched; for arrays and PIL.
        `faces`: "auto", "hog" or "whole" (the picture is the face). `options`: docs/reference/python.md.

        >>> import mien, numpy
        >>> grey = numpy.full((64, 64, 3), 0.5)
        >>> with mien.load() as model:
        ...     face = model.predict(grey, labels=["happy", "politely bored"], faces="whole").faces[0]
        >>> sorted(score.label for score in face.labels)
        ['happy', 'politely bored']
        """
        ready = self._ready(labels, faces, options)
        if type(picture) is list:
            return [self._read(ready, one, boxes, bgr) for one in picture]
        return self._read(ready, picture, boxes, bgr)

    def embed(self, picture: "Union[Picture, List[Picture]]", *, faces: str = "auto", bgr: bool = False,
              **options: Any) -> "numpy.ndarray":
        """Unit embeddings, [faces, width], largest face first. A list of pictures: [pictures, width], of the largest
        face of each; NaN where there is none.

        >>> import mien, numpy
        >>> with mien.load() as model:
        ...     model.embed(numpy.zeros((64, 64, 3), "uint8"), faces="whole").shape
        (1, 256)
        """
        import numpy

        ready = self._ready(None, faces, dict(options, scores=0, embeddings=1))
        if type(picture) is not list:
            found = self._read(ready, picture, None, bgr).faces
            return numpy.stack([face.embedding for face in found]) if found else numpy.zeros((0, self.width), "float32")
        out = numpy.full((len(picture), self.width), numpy.nan, "float32")
        for row, one in enumerate(picture):
            found = self._read(ready, one, None, bgr).faces
            if found:
                out[row] = found[0].embedding
        return out

    def embed_texts(self, texts: Sequence[str]) -> "numpy.ndarray":
        """Unit embeddings of texts, [texts, width].

        >>> import mien
        >>> with mien.load() as model:
        ...     model.embed_texts(["a smiling face", "a frown"]).shape
        (2, 256)
        """
        import numpy

        if isinstance(texts, str):
            raise InvalidArgument("texts: is one text (expected a list of texts)")
        return numpy.frombuffer(self._bundle.embed_texts(list(texts)), numpy.float32).reshape(-1, self.width)

    def detect(self, picture: "Picture", *, faces: str = "auto", bgr: bool = False, **options: Any) -> Result:
        """Finds faces without reading them; the same as mien.detect.

        >>> import mien, numpy
        >>> with mien.load() as model:
        ...     len(model.detect(numpy.zeros((64, 64, 3), "uint8")))
        0
        """
        return detect(picture, faces=faces, bgr=bgr, **options)

    def video(self, path: "Union[str, os.PathLike[str], bytes]", *, labels: "Optional[Labels]" = None,
              faces: str = "auto", start: float = 0.0, end: Optional[float] = None, folder_fps: float = 25.0,
              **options: Any) -> "Video":
        """A clip: a video file, a folder of pictures as frames, a camera such as /dev/video0, or the bytes of a file.
        Iterate over it for its frames; afterwards `clip` has its tracks. Or call read() or run().

        >>> import mien
        >>> grey = b"FRAME\\n" + bytes([128]) * 6144
        >>> with mien.load() as model:
        ...     video = model.video(b"YUV4MPEG2 W64 H64 F10:1 Ip A1:1 C420jpeg\\n" + 3 * grey, labels="happy,sad")
        ...     print([round(frame.time, 1) for frame in video], len(video.clip.tracks))
        [0.0, 0.1, 0.2] 0
        """
        ready = self._new(labels, faces, options)
        source = path if isinstance(path, (bytes, bytearray, memoryview)) else os.fspath(path)
        return Video(ready, source, start, end, folder_fps)

    def live(self, *, labels: "Optional[Labels]" = None, faces: str = "auto", bgr: bool = False,
             **options: Any) -> "Live":
        """For frames of your own, from a camera or a simulation: call push() with each.

        >>> import mien, numpy
        >>> with mien.load() as model, model.live(labels="happy,sad", faces="whole") as live:
        ...     for second in range(3):
        ...         result = live.push(numpy.zeros((64, 64, 3), "uint8"), second)
        ...     print(result.faces[0].track, len(live.clip().tracks))
        0 1
        """
        return Live(self._new(labels, faces, options), bgr)

    def close(self) -> None:
        """Frees the model; later calls raise InvalidArgument. Clips that are being read go on."""
        self._closed = True
        with self._lock:
            for ready in list(self._all):
                ready.recognizer.close()
        self._bundle.close()

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<Model, closed>" if self._closed else f"<Model {self.name}>"

    def _new(self, labels: "Optional[Labels]", faces: str, options: Mapping[str, Any]) -> _Ready:
        if self._closed:
            raise InvalidArgument("model: is closed (expected an open one)")
        return _Ready(self._bundle, _make_labels(labels), _faces(faces, options, _OPTIONS | {"scores"}))

    def _ready(self, labels: "Optional[Labels]", faces: str, options: Mapping[str, Any]) -> _Ready:
        """One recognizer for each thread, and for each set of labels and options that it used last."""
        key = (_labels_key(labels), faces, tuple(options.items()) if options else None)
        mine: "Optional[Dict[Any, _Ready]]" = getattr(self._threads, "kept", None)
        if mine is None:
            mine = self._threads.kept = {}
        try:
            ready = mine.get(key)
        except TypeError:  # an option that cannot be hashed, such as a region in a list
            key = (key[0], faces, repr(sorted(options.items())))
            ready = mine.get(key)
        if ready is None or self._closed:
            ready = self._new(labels, faces, options)
            while len(mine) >= _KEPT:
                mine.pop(next(iter(mine)))
            mine[key] = ready
            with self._lock:
                self._all.add(ready)
        return ready

    @staticmethod
    def _read(ready: _Ready, picture: Any, boxes: Optional[Sequence[Sequence[float]]], bgr: bool) -> Result:
        recognizer = ready.recognizer
        if boxes is None:
            raw = hand_over(picture, bgr, recognizer.read_file, recognizer.read_bytes, recognizer.read_pixels)
        else:
            places = [[float(value) for value in box] for box in boxes]
            raw = hand_over(picture, bgr, _no_boxes, _no_boxes,
                            lambda array, layout: recognizer.read_boxes(array, layout, places))
        return Result(raw, ready.labels, ready.targets)


def _no_boxes(*_: Any) -> Any:
    raise InvalidArgument("boxes: not for paths and bytes (expected an array or a picture of PIL)")


class Live:
    """Reads frames one after the other, with tracks and answers smoothed over the past.

    >>> import mien
    >>> with mien.load() as model, model.live() as live:
    ...     live.clip().tracks
    []
    """

    def __init__(self, ready: _Ready, bgr: bool) -> None:
        self._ready = ready
        self._bgr = bgr

    def push(self, frame: "Union[numpy.ndarray, Any]", time: float) -> Result:
        """Reads the frame shown at `time`, in seconds; times increase."""
        if isinstance(frame, (str, bytes, bytearray, os.PathLike)):
            raise InvalidArgument("frame: is a path or bytes (expected an array or a picture of PIL)")
        array, layout = array_of(frame, self._bgr)
        raw = self._ready.recognizer.push(array, layout, round(time * 1e6))
        return Result(raw, self._ready.labels, self._ready.targets)

    def clip(self) -> Clip:
        """Tracks and summary so far."""
        return Clip(self._ready.recognizer.push_tracks(), self._ready.labels)

    def reset(self) -> None:
        """Forgets all tracks."""
        self._ready.recognizer.push_reset()

    def close(self) -> None:
        """Frees it; later calls raise InvalidArgument."""
        self._ready.recognizer.close()

    def __enter__(self) -> "Live":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


_running: "weakref.WeakSet[_Reading]" = weakref.WeakSet()


@atexit.register
def _end_readings() -> None:
    for reading in list(_running):
        reading.stop()


class _Reading:
    """A thread that reads a clip into a short queue."""

    END = object()

    def __init__(self, read: Callable[[Callable[[Any], Any], _core.Cancel], _core.Clip]) -> None:
        self.cancel = _core.Cancel()
        self.queue: "queue.Queue[Any]" = queue.Queue(maxsize=64)
        self.stopped = False
        self.clip: Optional[_core.Clip] = None
        self.problem: Optional[BaseException] = None
        self.thread = threading.Thread(target=self._run, args=(read,), name="mien video", daemon=True)
        _running.add(self)
        self.thread.start()

    def _run(self, read: Callable[[Callable[[Any], Any], _core.Cancel], _core.Clip]) -> None:
        try:
            self.clip = read(self._give, self.cancel)
        except BaseException as problem:  # handed to the thread that iterates
            self.problem = problem
        self._give(self.END)

    def _give(self, item: Any) -> bool:
        while not self.stopped:
            try:
                self.queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def stop(self) -> None:
        self.stopped = True
        self.cancel.set()
        self.thread.join()


class Video:
    """A clip that is read once: by iterating over it, by read(), or by run().

    >>> import mien
    >>> with mien.load() as model:
    ...     list(model.video("none.mp4"))
    Traceback (most recent call last):
    ...
    mien.NotFound: none.mp4: ...
    """

    def __init__(self, ready: _Ready, source: Any, start: float, end: Optional[float], folder_fps: float) -> None:
        self._ready = ready
        self._source = source
        self._part = (round(start * 1e6), -1 if end is None else round(end * 1e6))
        self._folder_fps = float(folder_fps)
        self._clip: Optional[Clip] = None
        self._begun = False

    @property
    def clip(self) -> Clip:
        """Tracks and summary, after the last frame."""
        if self._clip is None:
            raise InvalidArgument("video: is not read to its end (expected a loop over all frames, read() or run())")
        return self._clip

    @property
    def tracks(self) -> List[Any]:
        """The tracks of `clip`."""
        return self.clip.tracks

    def __iter__(self) -> Iterator[Result]:
        self._begin()
        reading = _Reading(lambda give, cancel: self._read(give, cancel))
        try:
            while True:
                item = reading.queue.get()
                if item is _Reading.END:
                    break
                yield self._result(item)
        finally:
            reading.stop()
        if reading.problem is not None:
            raise reading.problem
        assert reading.clip is not None
        self._clip = Clip(reading.clip, self._ready.labels)

    def run(self, on_frame: Optional[Callable[[Result], Any]] = None) -> Clip:
        """Reads all of it, calls `on_frame` with every frame and returns tracks and summary. When `on_frame` returns
        False, the clip ends with Cancelled; what it raises comes out here."""
        self._begin()
        give = (lambda raw: None) if on_frame is None else (lambda raw: on_frame(self._result(raw)))
        self._clip = Clip(self._read(give, None), self._ready.labels)
        return self._clip

    def read(self) -> Clip:
        """Reads all of it and keeps the frames, for tables and plots."""
        frames: List[Result] = []
        clip = self.run(frames.append)
        clip.frames = frames
        return clip

    def _begin(self) -> None:
        if self._begun:
            raise InvalidArgument("video: was read before (expected another call of model.video)")
        self._begun = True

    def _read(self, give: Callable[[Any], Any], cancel: Optional[_core.Cancel]) -> _core.Clip:
        return self._ready.recognizer.read_clip(self._source, give, cancel, *self._part, self._folder_fps)

    def _result(self, raw: _core.Result) -> Result:
        return Result(raw, self._ready.labels, self._ready.targets)


def load(bundle: "Union[str, os.PathLike[str]]" = "compact", *, models: Optional[str] = None, precision: str = "fp32",
         views: int = 1, many_pictures: bool = False) -> Model:
    """Loads a bundle: the name of a shipped one, or a path. `models`: a folder in which names are looked up first
    (default: the variable MIEN_MODELS). `precision`, `views`: as --precision and --views of the program.

    >>> import mien
    >>> mien.load("compact").labels[:2]
    ['angry', 'disgust']
    """
    return Model(bundle, models=models, precision=precision, views=views, many_pictures=many_pictures)


_detectors = threading.local()


def detect(picture: "Picture", *, faces: str = "auto", bgr: bool = False, **options: Any) -> Result:
    """Finds the faces of a picture; needs no model. `options`: min_face, min_score, upsample, single, landmarks,
    region, detector (docs/reference/python.md).

    >>> import mien, numpy
    >>> mien.detect(numpy.zeros((64, 48), "uint8"), faces="whole").faces[0].box
    Box(x=0.0, y=0.0, w=48.0, h=64.0)
    """
    key = (faces, repr(sorted(options.items())))
    kept: Optional[Tuple[Any, _core.Detector]] = getattr(_detectors, "kept", None)
    if kept is None or kept[0] != key:
        kept = _detectors.kept = (key, _core.Detector(_faces(faces, options, _FACE_OPTIONS)))
    detector = kept[1]
    return Result(hand_over(picture, bgr, detector.detect_file, detector.detect_bytes, detector.detect_pixels), [], [])


__all__ = ["Cancelled", "Error", "Live", "Model", "Video", "detect", "load"]
