"""How results look in a notebook. Everything from outside is escaped."""
from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Dict, List, Sequence

if TYPE_CHECKING:
    from ._results import Clip, Result

COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#76b7b2", "#edc948", "#ff9da7", "#9c755f", "#86bcb6")
UNKNOWN = "#bab0ac"


def colours_of(labels: Sequence[str]) -> Dict[str, str]:
    out = {label: COLOURS[index % len(COLOURS)] for index, label in enumerate(labels)}
    out.setdefault("unknown", UNKNOWN)
    return out


def _bar(label: str, probability: float, colour: str) -> str:
    return (f'<tr><td style="text-align:left">{escape(label)}</td><td style="width:12em;text-align:left">'
            f'<div style="background:{colour};height:.9em;border-radius:2px;width:{100 * probability:.1f}%"></div></td>'
            f"<td>{100 * probability:.0f}%</td></tr>")


def result_html(result: "Result", top: int = 4) -> str:
    colours = colours_of(result.label_names)
    out: List[str] = [f"<div><b>{escape(result.input)}</b> {result.width}&times;{result.height}"]
    if not result.faces:
        out.append(", no face")
    for index, face in enumerate(result.faces):
        place = ", ".join(f"{value:.0f}" for value in face.box)
        out.append(f"<table><caption>face {index if face.track is None else face.track}: <b>{escape(face.top or '')}</b>"
                   f" at {place}</caption>")
        out += [_bar(one.label, one.probability, colours.get(one.label, UNKNOWN)) for one in face.labels[:top]]
        out += [f"<tr><td>{escape(name)}</td><td>{value:.3f}</td></tr>" for name, value in face.values.items()]
        out.append("</table>")
    out.append("</div>")
    return "".join(out)


def clip_html(clip: "Clip") -> str:
    colours = colours_of(clip.label_names)
    begin = clip.summary["start"]
    seconds = max(clip.summary["seconds"], max((track.to - begin for track in clip.tracks), default=0.0), 1e-6)
    out = [f"<div><b>{escape(clip.summary['input'])}</b> {clip.summary['seconds']:.1f} s, {len(clip.tracks)} faces"]
    for track in clip.tracks:
        out.append(f"<div>face {track.id}: {escape(track.longest or '')}</div>"
                   '<div style="position:relative;height:1.2em;background:#eee;border-radius:2px">')
        for one in track.segments:
            left, width = 100 * (one.from_ - begin) / seconds, 100 * (one.to - one.from_) / seconds
            out.append(f'<div title="{escape(one.label, quote=True)} {one.from_:.1f} to {one.to:.1f} s" style="position:absolute;'
                       f'left:{left:.2f}%;width:{width:.2f}%;height:100%;background:{colours.get(one.label, UNKNOWN)}"></div>')
        out.append("</div>")
    shown = {one.label for track in clip.tracks for one in track.segments}
    out += [f'<span style="color:{colours.get(label, UNKNOWN)}">&#9632;</span> {escape(label)} '
            for label in [*clip.label_names, "unknown"] if label in shown]
    out.append("</div>")
    return "".join(out)
