"""Rows with the columns of the program's CSV (docs/reference/outputs.md)."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List

from ._errors import InvalidArgument

if TYPE_CHECKING:
    import pandas

    from ._results import Clip, Result


def face_rows(result: "Result") -> List[Dict[str, Any]]:
    base = {"input": result.input, "frame": result.frame, "face_id": None, "timestamp": result.time,
            "confidence": None, "success": 0}
    names = ["source", "x", "y", "w", "h", "top", "unknown"]
    names += ["p_" + label for label in result.label_names] + ["c_" + label for label in result.label_names]
    names += ["v_" + target for target in result.target_names]
    if result.label_names:
        names.append("steady")
    empty = dict(base, **{name: None for name in names})
    rows = []
    for index, face in enumerate(result.faces):
        row = dict(empty, face_id=index if face.track is None else face.track, confidence=face.score, success=1,
                   source=face.source, x=face.box.x, y=face.box.y, w=face.box.w, h=face.box.h)
        if face.labels:
            row.update(top=face.top, unknown=int(face.unknown))
        for score in face.labels:
            row["p_" + score.label] = score.probability
            row["c_" + score.label] = score.cosine
        for target, value in face.values.items():
            row["v_" + target] = value
        if face.steady is not None:
            row["steady"] = face.steady.label
        rows.append(row)
    return rows or [empty]


def clip_rows(clip: "Clip", rows: str) -> List[Dict[str, Any]]:
    if rows == "faces":
        if not clip.frames and clip.summary["analysed_frames"]:
            raise InvalidArgument("rows: 'faces' needs the frames (expected model.video(...).read(), or tracks, segments)")
        return [row for frame in clip.frames for row in frame.to_rows()]
    if rows == "tracks":
        return [_track_row(clip, track) for track in clip.tracks]
    if rows == "segments":
        return [{"input": clip.summary["input"], "face_id": track.id, "from": one.from_, "to": one.to,
                 "seconds": one.to - one.from_, "label": one.label, "unknown": int(one.unknown),
                 "probability": None if one.unknown else one.probability}
                for track in clip.tracks for one in track.segments]
    raise InvalidArgument(f"rows: unknown value {rows!r} (expected faces, tracks or segments)")


def _track_row(clip: "Clip", track) -> Dict[str, Any]:
    row = {"input": clip.summary["input"], "face_id": track.id, "from": track.from_, "to": track.to,
           "frames": track.frames, "seconds": sum(one.seconds for one in track.shares), "longest": track.longest}
    shares = {one.label: one.share for one in track.shares}
    for label in clip.label_names:
        row["share_" + label] = shares.get(label, 0.0)
    row["share_unknown"] = shares.get("unknown", 0.0)
    row.update(whole_aggregate=track.aggregate, whole_top=track.top, whole_unknown=int(track.unknown))
    whole = {one.label: one.probability for one in track.labels}
    for label in clip.label_names:
        row["whole_p_" + label] = whole.get(label)
    return row


def table(rows: List[Dict[str, Any]]) -> "pandas.DataFrame":
    try:
        import pandas
    except ImportError as problem:
        raise ImportError("to_pandas needs pandas (pip install pandas); to_rows() and to_dict() do not") from problem
    return pandas.DataFrame(rows)
