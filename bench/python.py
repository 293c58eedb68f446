#!/usr/bin/env python3
"""Measures the Python package: time of import and of the first answer, the cost of a call, clips, memory.

  bench/python.py [CLIP]      in an environment with mien and NumPy; prints one line per figure"""
import resource
import statistics
import subprocess
import sys
import threading
import time


def fresh(code):
    """Median seconds of five new interpreters for `code`, which prints a number."""
    times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
             for _ in range(5)]
    return statistics.median(times)


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


class Answered:
    """Stands for a recognizer that answers at once: what remains is the package's own part of a call."""

    def __init__(self, recognizer, picture):
        self.read_file = self.read_bytes = None
        self.answer = recognizer.read_pixels(picture, 0)

    def read_pixels(self, _array, _layout):
        return self.answer


def overhead(model, picture):
    """The library's part takes milliseconds, so a difference of whole calls would drown in noise. Crossing into the
    library and back is measured with a detector that searches nothing."""
    import mien

    options = {"labels": "basic7", "faces": "whole", "threads": 1}
    ready = model._ready("basic7", "whole", {"threads": 1})
    recognizer, ready.recognizer = ready.recognizer, Answered(ready.recognizer, picture)
    own, crossing = [], []
    for _ in range(5000):
        begin = time.perf_counter()
        model.predict(picture, **options).faces
        own.append(time.perf_counter() - begin)
    ready.recognizer = recognizer
    mien.detect(picture, faces="whole")
    detector = mien._model._detectors.kept[1]
    for _ in range(5000):
        begin = time.perf_counter()
        detector.detect_pixels(picture, 0)
        crossing.append(time.perf_counter() - begin)
    print(f"overhead of a call: {1e6 * statistics.median(own):.1f} us in the package with all faces and labels as objects, "
          f"and {1e6 * statistics.median(crossing):.1f} us to cross into the library and back")


def calls(model, picture):
    for _ in range(200):
        model.predict(picture, labels="basic7", faces="whole", threads=1).faces
    times = []
    for _ in range(3000):
        begin = time.perf_counter()
        model.predict(picture, labels="basic7", faces="whole", threads=1).faces
        times.append(time.perf_counter() - begin)
    times.sort()
    print(f"call, 112 px, one thread: p10 {1e6 * times[300]:.1f} us, median {1e6 * times[1500]:.1f} us")


def leak(model, picture):
    def work(count):
        for _ in range(count):
            model.predict(picture, labels="basic7", faces="whole", threads=1).faces

    def all_threads(count):
        threads = [threading.Thread(target=work, args=(count,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    all_threads(250)
    before = resident()
    all_threads(2500)
    after = resident()
    print(f"10,000 calls from 4 threads: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after "
          f"({100 * (after - before) / before:+.1f} %)")


def clip(path):
    import mien

    options = ["--labels", "basic7", "--json", "-o", "/dev/null"]
    program, package = [], []
    for _ in range(3):
        begin = time.perf_counter()
        subprocess.run([mien.program_path(), "predict", path, *options], check=True, capture_output=True)
        program.append(time.perf_counter() - begin)
        code = (f"import mien\nvideo = mien.load().video({path!r}, labels='basic7')\n"
                "print(sum(len(frame.faces) >= 0 for frame in video))")
        begin = time.perf_counter()
        frames = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
        package.append(time.perf_counter() - begin)
    print(f"clip, {frames} frames, both as processes: program {frames / min(program):.1f} frames/s, Python "
          f"{frames / min(package):.1f} frames/s (ratio {min(program) / min(package):.3f})")


def main():
    import_code = "import time; begin = time.perf_counter(); import mien; print(time.perf_counter() - begin)"
    print(f"import mien: {1e3 * fresh(import_code):.1f} ms")
    first = ("import time, mien\nimport numpy\npicture = numpy.zeros((112, 112, 3), 'uint8')\n"
             "begin = time.perf_counter()\nmien.load('compact').predict(picture, labels='basic7', faces='whole').faces\n"
             "print(time.perf_counter() - begin)")
    print(f"load and first answer after import: {1e3 * fresh(first):.1f} ms")
    import numpy

    import mien

    picture = numpy.random.default_rng(3).integers(0, 256, (112, 112, 3), dtype=numpy.uint8)
    model = mien.load("compact")
    overhead(model, picture)
    calls(model, picture)
    leak(model, picture)
    if len(sys.argv) > 1:
        clip(sys.argv[1])


main()
