"""What the library answers, as small objects."""
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from . import _core

if TYPE_CHECKING:
    import numpy
    import pandas
    from matplotlib.axes import Axes

SOURCES = ("detected", "whole", "boxes")


class Box(NamedTuple):
    """A rectangle in pixels; it may overhang the picture.

    >>> Box(1, 2, 30, 40).w
    30
    """

    x: float
    y: float
    w: float
    h: float


class Point(NamedTuple):
    """A point in pixels.

    >>> Point(1, 2).y
    2
    """

    x: float
    y: float


class Score(NamedTuple):
    """How well a label fits: probabilities sum to 1 over the labels, cosines are raw.

    >>> Score("happy", 0.9, 0.4).label
    'happy'
    """

    label: str
    probability: float
    cosine: float


class Reason(NamedTuple):
    """How well one description of a label fits.

    >>> Reason("happy", "a smile", 0.4).text
    'a smile'
    """

    label: str
    text: str
    cosine: float


class Steady(NamedTuple):
    """The answer at a moment of a clip, smoothed over time; label "unknown" when none fits.

    >>> Steady("happy", False, 0.9).probability
    0.9
    """

    label: str
    unknown: bool
    probability: float


class Share(NamedTuple):
    """For how long a label led on a face.

    >>> Share("happy", False, 2.0, 0.5).seconds
    2.0
    """

    label: str
    unknown: bool
    seconds: float
    share: float


class Segment(NamedTuple):
    """A stretch of time, in seconds, over which one label led.

    >>> Segment(0.5, 2.0, "happy", False, 0.8).to
    2.0
    """

    from_: float
    to: float
    label: str
    unknown: bool
    probability: float


class Face:
    """One face of a picture or frame.

    >>> import mien, numpy
    >>> with mien.load() as model:
    ...     face = model.predict(numpy.zeros((64, 64, 3), "uint8"), labels="happy,sad", faces="whole").faces[0]
    >>> face.box, face.source, len(face.labels)
    (Box(x=0.0, y=0.0, w=64.0, h=64.0), 'whole', 2)
    """

    __slots__ = ("box", "score", "source", "track", "unknown", "labels", "reasons", "values", "embedding",
                 "landmarks", "points", "steady", "change", "intensity")

    box: Box
    score: float
    source: str
    track: Optional[int]
    unknown: bool
    labels: List[Score]
    reasons: List[Reason]
    values: Dict[str, float]
    embedding: "Optional[numpy.ndarray]"
    landmarks: List[Point]
    points: List[Point]
    steady: Optional[Steady]
    change: List[float]
    intensity: Optional[float]

    def __init__(self, raw: Dict[str, Any]) -> None:
        self.box = Box(*raw["box"])
        self.score = raw["score"]
        self.source = SOURCES[raw["source"]]
        self.track = raw["track"] if raw["track"] >= 0 else None
        self.unknown = raw["unknown"]
        self.labels = [Score(*one) for one in raw["labels"]]
        self.reasons = [Reason(*one) for one in raw["reasons"]]
        self.values = raw["values"]
        self.embedding = None
        if raw["embedding"] is not None:
            import numpy

            self.embedding = numpy.frombuffer(raw["embedding"], numpy.float32)
        self.landmarks = [Point(*one) for one in raw["landmarks"]]
        self.points = [Point(*one) for one in raw["points"]]
        self.steady = None if raw["steady"] is None else Steady(*raw["steady"])
        self.change = raw["change"]
        self.intensity = raw["intensity"]

    @property
    def top(self) -> Optional[str]:
        """The best label, or "unknown"; None without labels."""
        return _top(self.unknown, self.labels)

    @property
    def probability(self) -> float:
        """Of the best label, known or not; 0 without labels."""
        return self.labels[0].probability if self.labels else 0.0

    def __repr__(self) -> str:
        return f"Face({self.top or 'no labels'}, {self.probability:.2f}, {self.box})"


def _top(unknown: bool, labels: Sequence[Score]) -> Optional[str]:
    if not labels:
        return None
    return "unknown" if unknown else labels[0].label


class Result:
    """The faces of one picture, or of one frame of a clip.

    >>> import mien, numpy
    >>> with mien.load() as model:
    ...     result = model.predict(numpy.zeros((64, 64, 3), "uint8"), labels="happy,sad", faces="whole")
    >>> result, result.to_dict()["kind"], result.to_dict()["faces"][0]["source"]
    (<Result of pixels, 64x64, 1 face>, 'image', 'whole')
    """

    __slots__ = ("_raw", "_faces", "label_names", "target_names", "input", "is_clip", "width", "height", "frame", "time")

    input: str
    is_clip: bool
    width: int
    height: int
    frame: int
    time: float
    label_names: List[str]
    target_names: List[str]

    def __init__(self, raw: _core.Result, labels: List[str], targets: List[str]) -> None:
        self._raw = raw
        self._faces: Optional[List[Face]] = None
        self.label_names = labels
        self.target_names = targets
        self.input, self.is_clip, self.width, self.height, self.frame, time_us, _ = raw.head()
        self.time = time_us / 1e6

    @property
    def faces(self) -> List[Face]:
        """Largest first; empty when there are none."""
        if self._faces is None:
            self._faces = [Face(one) for one in self._raw.faces()]
        return self._faces

    def to_dict(self) -> Dict[str, Any]:
        """The `image` or `frame` line of the program's JSON (docs/reference/outputs.md)."""
        return json.loads(self._raw.json())

    def to_rows(self) -> List[Dict[str, Any]]:
        """One row per face with the columns of the program's CSV; one with success 0 when there is no face."""
        from ._tables import face_rows

        return face_rows(self)

    def to_pandas(self) -> "pandas.DataFrame":
        """The rows as a table; needs pandas."""
        from ._tables import table

        return table(self.to_rows())

    def plot(self, picture: Any = None, top: int = 5) -> "Axes":
        """Bars of the best labels of every face, beside the picture if it is given; needs matplotlib."""
        from ._plots import bars

        return bars(self, picture, top)

    def _repr_html_(self) -> str:
        from ._html import result_html

        return result_html(self)

    def __iter__(self):
        return iter(self.faces)

    def __len__(self) -> int:
        return len(self.faces)

    def __repr__(self) -> str:
        count = len(self.faces)
        return f"<Result of {self.input}, {self.width}x{self.height}, {count} face{'' if count == 1 else 's'}>"


class Track:
    """One person's face over a clip.

    >>> Track.__slots__[:3]
    ('id', 'from_', 'to')
    """

    __slots__ = ("id", "from_", "to", "frames", "shares", "segments", "segments_left_out", "aggregate", "unknown",
                 "labels", "reasons", "values")

    id: int
    from_: float
    to: float
    frames: int
    shares: List[Share]
    segments: List[Segment]
    segments_left_out: int
    aggregate: str
    unknown: bool
    labels: List[Score]
    reasons: List[Reason]
    values: Dict[str, float]

    def __init__(self, raw: Dict[str, Any]) -> None:
        self.id = raw["id"]
        self.from_, self.to = raw["from_us"] / 1e6, raw["to_us"] / 1e6
        self.frames = raw["frames"]
        self.shares = [Share(*one) for one in raw["shares"]]
        self.segments = [Segment(begin / 1e6, end / 1e6, *rest) for begin, end, *rest in raw["segments"]]
        self.segments_left_out = raw["segments_left_out"]
        self.aggregate = "temporal" if raw["temporal"] else "mean"
        self.unknown = raw["unknown"]
        self.labels = [Score(*one) for one in raw["labels"]]
        self.reasons = [Reason(*one) for one in raw["reasons"]]
        self.values = raw["values"]

    @property
    def top(self) -> Optional[str]:
        """The best label of the track read as a whole, or "unknown"; None without labels."""
        return _top(self.unknown, self.labels)

    @property
    def longest(self) -> Optional[str]:
        """The label that led longest, or "unknown"; None without labels."""
        best = max(self.shares, key=lambda one: one.seconds, default=None)
        return None if best is None else best.label

    def __repr__(self) -> str:
        return f"Track({self.id}, {self.from_:.2f} to {self.to:.2f} s, longest {self.longest})"


class Clip:
    """Tracks and summary of a clip, and its frames if they were kept.

    >>> Clip.__slots__[1:3]
    ('frames', 'label_names')
    """

    __slots__ = ("_raw", "frames", "label_names", "summary", "tracks")

    frames: List[Result]
    label_names: List[str]
    summary: Dict[str, Any]
    tracks: List[Track]

    def __init__(self, raw: _core.Clip, labels: List[str], frames: Sequence[Result] = ()) -> None:
        self._raw = raw
        self.frames = list(frames)
        self.label_names = labels
        self.summary = raw.summary()
        self.tracks = [Track(one) for one in raw.tracks()]

    def to_dict(self) -> Dict[str, Any]:
        """{"tracks": [...], "summary": ...}: those lines of the program's JSON, and "frames" if they were kept."""
        lines = [json.loads(line) for line in self._raw.json().splitlines()]
        out: Dict[str, Any] = {"tracks": lines[:-1], "summary": lines[-1]}
        if self.frames:
            out["frames"] = [frame.to_dict() for frame in self.frames]
        return out

    def to_pandas(self, rows: str = "faces") -> "pandas.DataFrame":
        """A table with one row per face and frame ("faces"), per track ("tracks") or per segment ("segments"), with
        the columns of the program's CSV; needs pandas."""
        from ._tables import clip_rows, table

        return table(clip_rows(self, rows))

    def plot(self) -> "Axes":
        """A time line: one lane per face, one colour per label; needs matplotlib."""
        from ._plots import time_line

        return time_line(self)

    def _repr_html_(self) -> str:
        from ._html import clip_html

        return clip_html(self)

    def __repr__(self) -> str:
        return f"<Clip {self.summary['input']}, {self.summary['seconds']:.2f} s, {len(self.tracks)} tracks>"


def table_of(frames: Sequence[Result]) -> "pandas.DataFrame":
    """One table of many results, for example of a folder of pictures; needs pandas.

    >>> import mien
    >>> mien.table_of.__name__
    'table_of'
    """
    from ._tables import table

    return table([row for frame in frames for row in frame.to_rows()])
