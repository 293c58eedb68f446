"""Figures of the program as a process: start-up, peak memory, frames per second."""
import json
import os
import pathlib
import statistics
import subprocess
import tarfile
import tempfile
import time

FREE_LABELS = "happy, sad, surprised, \"politely bored\""


def run_measured(command):
    """Wall seconds from exec to exit, processor seconds and peak resident bytes of one run; what it prints is dropped."""
    argv = [str(a) for a in command]
    with tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=errors, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(argv)}: exit code {child.returncode}: {errors.read().decode()[-500:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *map(str, arguments)], check=True)


def fact(case, runs, **more):
    """`cpu_ms` is beside the wall time because a busy machine disturbs it less."""
    walls, processor, peaks = zip(*runs)
    return {"group": "process", "case": case, "ms": [s * 1e3 for s in walls], "peak_rss": max(peaks),
            "cpu_ms": statistics.median(processor) * 1e3, **more}


def start_up(mien, bundle, face, repeats):
    """Exec to exit for one small face crop, with the page cache warm."""
    base = [mien, "predict", face, "--bundle", bundle, "--face", "whole", "--json"]
    out = []
    for case, more in (("start-up, bundle's own labels", []), ("start-up, free labels", ["--labels", FREE_LABELS])):
        run_measured(base + more)
        out.append(fact(case, [run_measured(base + more) for _ in range(repeats)], model=bundle.name))
    return out


def first_result(mien, face, photo, repeats):
    """Exec to exit with the bundle that ships: a face crop, and a photograph in which the face is searched."""
    out = []
    for case, picture, more in (("start-up, face crop", face, ["--face", "whole"]), ("start-up, photograph", photo, []),
                                ("start-up, photograph with landmarks", photo, ["--json"])):
        command = [mien, "predict", picture, *more]
        run_measured(command)
        bar = 50 if picture == face else None
        out.append(fact(case, [run_measured(command) for _ in range(repeats)], model="compact", bar_ms=bar))
    out.append(fact("start-up, mien --version", [run_measured([mien, "--version"]) for _ in range(repeats)], model="-"))
    return out


def length_memory(mien, bundle, clip, folder, long_s):
    """Peak memory of a long clip and a ten-second one: the same clip repeated, not encoded again."""
    out = []
    for seconds in (10, long_s):
        looped = folder / f"loop-{seconds}s.mp4"
        if not looped.exists():
            ffmpeg("-stream_loop", "-1", "-i", clip, "-t", seconds, "-c", "copy", looped)
        run = run_measured([mien, "predict", looped, "--bundle", bundle, "--json"])
        out.append(fact(f"clip of {seconds} s", [run], model=bundle.name, seconds=seconds))
    return out


def frame_rate(mien, bundle, clip, name, folder, repeats, threads=0):
    """Frames per second of predict, start-up included; 0 threads: all cores."""
    lines = folder / "frames.jsonl"
    command = [mien, "predict", clip, "--bundle", bundle, "--json", "--output", lines, "--threads", threads]
    run_measured(command)
    kinds = [json.loads(line) for line in lines.read_text().splitlines()]
    frames = [line for line in kinds if line["kind"] == "frame"]
    faces = sum(len(frame["faces"]) for frame in frames)
    runs = [run_measured(command) for _ in range(repeats)]
    return fact(f"predict {name}", runs, model=pathlib.Path(bundle).name, threads=threads or "all",
                frames=len(frames), faces=faces, size=[frames[0]["width"], frames[0]["height"]])


def shared_clips(data, folder):
    """The clips of the videos set, unpacked into a temporary folder."""
    tar = pathlib.Path(data) / "videos.tar"
    if not tar.exists():
        return []
    with tarfile.open(tar) as archive:
        members = [m for m in archive.getmembers() if m.isfile() and m.name.endswith((".mp4", ".mov"))]
        archive.extractall(folder, members)
    return sorted(pathlib.Path(folder) / m.name for m in members)
