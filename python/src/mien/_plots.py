"""Pictures of results for notebooks; matplotlib is optional."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._html import UNKNOWN, colours_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._results import Clip, Result


def _pyplot():
    try:
        from matplotlib import pyplot
    except ImportError as problem:
        raise ImportError("plot needs matplotlib (pip install matplotlib)") from problem
    return pyplot


def _plain(axes: "Axes") -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(left=False)


def bars(result: "Result", picture: Any, top: int) -> "Axes":
    pyplot = _pyplot()
    colours = colours_of(result.label_names)
    rows = [(face, one) for face in result.faces for one in face.labels[:top]]
    height = max(1.5, 0.32 * len(rows) + 0.8)
    if picture is None:
        _, axes = pyplot.subplots(figsize=(6, height), layout="constrained")
    else:
        _, (shown, axes) = pyplot.subplots(1, 2, figsize=(10, max(height, 4)), layout="constrained")
        shown.imshow(picture)
        shown.set_axis_off()
        for index, face in enumerate(result.faces):
            shown.add_patch(pyplot.Rectangle((face.box.x, face.box.y), face.box.w, face.box.h, fill=False, lw=2,
                                             edgecolor=colours.get(face.top or "unknown", UNKNOWN)))
            shown.annotate(str(index), (face.box.x, face.box.y), color="white", va="bottom",
                           bbox={"facecolor": "black", "pad": 1, "linewidth": 0})
    places = list(range(len(rows)))
    axes.barh(places, [one.probability for _, one in rows], color=[colours.get(one.label, UNKNOWN) for _, one in rows])
    several = len(result.faces) > 1
    axes.set_yticks(places, [f"{result.faces.index(face)}: {one.label}" if several else one.label for face, one in rows])
    for place, (_, one) in zip(places, rows):
        axes.annotate(f"{100 * one.probability:.0f} %", (one.probability, place), xytext=(4, 0), va="center",
                      textcoords="offset points")
    axes.invert_yaxis()
    axes.set_xlim(0, 1.08)
    axes.set_xlabel("probability")
    axes.set_title(result.input if rows else f"{result.input}: no face with labels", loc="left")
    _plain(axes)
    return axes


def time_line(clip: "Clip") -> "Axes":
    pyplot = _pyplot()
    colours = colours_of(clip.label_names)
    _, axes = pyplot.subplots(figsize=(10, max(1.6, 0.5 * len(clip.tracks) + 1.1)), layout="constrained")
    used = {}
    for lane, track in enumerate(clip.tracks):
        for one in track.segments:
            drawn = axes.barh(lane, one.to - one.from_, left=one.from_, height=0.7,
                              color=colours.get(one.label, UNKNOWN))
            used.setdefault(one.label, drawn)
    axes.set_yticks(range(len(clip.tracks)), [f"face {track.id}" for track in clip.tracks])
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    axes.set_xlim(clip.summary["start"], clip.summary["start"] + max(clip.summary["seconds"], 1e-3))
    axes.set_title(clip.summary["input"], loc="left")
    if used:
        axes.legend(used.values(), used.keys(), ncols=min(len(used), 8), frameon=False, loc="lower left",
                    bbox_to_anchor=(0, 1.08))
    _plain(axes)
    return axes
