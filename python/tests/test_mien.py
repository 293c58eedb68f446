"""Tests of the package with the standard library and NumPy alone: python -m unittest test_mien."""
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

import numpy

import mien

GREY = b"FRAME\n" + bytes([128]) * 6144
HEAD = b"YUV4MPEG2 W64 H64 F10:1 Ip A1:1 C420jpeg\n"
DRAW = numpy.random.default_rng(7)


def noise(height=64, width=64, channels=3):
    return DRAW.integers(0, 256, (height, width, channels), dtype=numpy.uint8)


def png_of(array):
    """A PNG, written with the standard library."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = array.shape
    rows = b"".join(b"\0" + array[y].tobytes() for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class PictureTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = mien.load("compact")
        cls.picture = noise()

    def scores(self, picture, **options):
        faces = self.model.predict(picture, labels=["happy", "sad"], faces="whole", **options).faces
        return [(score.label, score.probability) for score in faces[0].labels]

    def test_every_form_of_a_picture_gives_the_same_answer(self):
        picture, expected = self.picture, self.scores(self.picture)
        read_only = picture.copy()
        read_only.flags.writeable = False
        wide = numpy.zeros((64, 100, 3), numpy.uint8)
        wide[:, 20:84] = picture
        forms = {
            "bytes": png_of(picture), "bytearray": bytearray(png_of(picture)), "memoryview": memoryview(png_of(picture)),
            "read-only": read_only, "strided": wide[:, 20:84], "fortran": numpy.asfortranarray(picture),
            "negative strides": picture[::-1, ::-1][::-1, ::-1], "every other row": numpy.repeat(picture, 2, axis=0)[::2],
            "flipped twice": numpy.ascontiguousarray(picture[::-1])[::-1], "floats": picture / 255.0,
            "float32": (picture / 255.0).astype(numpy.float32),
            "alpha": numpy.dstack([picture, numpy.full((64, 64), 9, numpy.uint8)]),
        }
        for name, form in forms.items():
            with self.subTest(name):
                self.assertEqual(self.scores(form), expected)
        self.assertEqual(self.scores(picture[:, :, ::-1], bgr=True), expected)
        self.assertNotEqual(self.scores(picture[:, :, ::-1]), expected)
        self.assertEqual(self.scores(picture[:, :, 0]), self.scores(numpy.repeat(picture[:, :, :1], 3, axis=2)))

    def test_path_and_pathlib(self):
        import pathlib
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "fäce.png"
            path.write_bytes(png_of(self.picture))
            self.assertEqual(self.scores(path), self.scores(self.picture))
            self.assertEqual(self.scores(str(path)), self.scores(self.picture))

    def test_pil(self):
        try:
            from PIL import Image
        except ImportError:
            self.skipTest("Pillow is not installed")
        image = Image.fromarray(self.picture)
        self.assertEqual(self.scores(image), self.scores(self.picture))
        self.assertEqual(self.scores(image.convert("RGBA")), self.scores(self.picture))

    def test_wrong_arrays_have_a_clear_error(self):
        whole = {"faces": "whole"}
        wrong = {
            "shape (3, 64, 64)": numpy.zeros((3, 64, 64), numpy.uint8), "shape (64,)": numpy.zeros(64, numpy.uint8),
            "shape (1, 64, 64, 3)": numpy.zeros((1, 64, 64, 3), numpy.uint8), "at least one pixel": noise()[:0],
            "type int64": numpy.zeros((64, 64, 3), int), "type complex128": numpy.zeros((64, 64, 3), complex),
            "out of range": numpy.full((64, 64, 3), 255.0), "floats": numpy.full((64, 64, 3), numpy.nan),
            "type object": numpy.full((64, 64, 3), None), "of type NoneType": None, "of type int": 3,
            "out of range (": numpy.full((4, 4, 3), -0.1),
        }
        for words, picture in wrong.items():
            with self.subTest(words), self.assertRaises(mien.InvalidArgument) as caught:
                self.model.predict(picture, **whole)
            self.assertIn(words.strip(" ("), str(caught.exception))
        with self.assertRaises(mien.InvalidArgument):
            self.model.predict(numpy.zeros((1, 20000, 3), numpy.uint8), **whole)
        with self.assertRaises(mien.ResourceLimit):
            self.model.predict(numpy.zeros((8001, 8000), numpy.uint8), **whole)

    def test_errors_by_kind(self):
        with self.assertRaises(FileNotFoundError) as caught:
            self.model.predict("none.png")
        self.assertIn("none.png", str(caught.exception))
        with self.assertRaises(mien.Unsupported):
            self.model.predict(b"not a picture")
        with self.assertRaises(mien.Corrupt):
            self.model.predict(png_of(self.picture)[:200])
        with self.assertRaises(ValueError):
            self.model.predict(self.picture, labels=["happy", "happy"])
        with self.assertRaises(mien.InvalidArgument):
            self.model.predict(self.picture, labels=[])
        with self.assertRaises(mien.InvalidArgument):
            self.model.predict(self.picture, labels=["happy", 3])
        with self.assertRaises(TypeError):
            self.model.predict(self.picture, labells=["happy"])
        with self.assertRaises(mien.InvalidArgument):
            self.model.predict(self.picture, faces="somewhere")
        with self.assertRaises(mien.InvalidArgument):
            self.model.predict(self.picture, faces="whole", batch=0)

    def test_labels(self):
        names = ["politely, bored", "basic7", "ünsicher"]
        face = self.model.predict(self.picture, labels=names, faces="whole").faces[0]
        self.assertEqual(sorted(score.label for score in face.labels), sorted(names))
        described = {"cheerful": ["a broad grin", "laughing eyes"], "tired": "a yawn"}
        face = self.model.predict(self.picture, labels=described, faces="whole", explain=True).faces[0]
        self.assertEqual({reason.text for reason in face.reasons}, {"a broad grin", "laughing eyes", "a yawn"})
        self.assertEqual(len(self.model.predict(self.picture, labels="basic7", faces="whole").faces[0].labels), 7)
        self.assertEqual(len(self.model.labels), 7)
        self.assertIsInstance(self.model.label_notes(["happy", "sceptical"]), list)

    def test_boxes(self):
        result = self.model.predict(self.picture, labels="happy,sad", boxes=[(0, 0, 32, 32), (16, 16, 40, 40)])
        self.assertEqual([face.source for face in result], ["boxes", "boxes"])
        self.assertEqual(result.faces[1].box, (16, 16, 40, 40))
        for boxes in ([(1, 2, 3)], [(1000, 0, 10, 10)]):
            with self.assertRaises(mien.InvalidArgument):
                self.model.predict(self.picture, boxes=boxes)
        with self.assertRaises(mien.InvalidArgument):
            self.model.predict(b"abc", boxes=[(0, 0, 8, 8)])

    def test_results(self):
        result = self.model.predict(self.picture, labels="happy,<b>", faces="whole")
        line = result.to_dict()
        self.assertEqual(line["kind"], "image")
        self.assertAlmostEqual(line["faces"][0]["labels"][0]["probability"], result.faces[0].probability, delta=1e-4)
        json.dumps(line)
        row = result.to_rows()[0]
        self.assertEqual(list(row)[:13], "input frame face_id timestamp confidence success source x y w h top unknown".split())
        self.assertIn("p_happy", row)
        self.assertIn(">&lt;b&gt;</td>", result._repr_html_())
        self.assertNotIn("><b></td>", result._repr_html_())
        nothing = self.model.predict(numpy.zeros((200, 200, 3), numpy.uint8), labels="happy,sad", faces="hog")
        self.assertEqual((len(nothing), nothing.to_rows()[0]["success"]), (0, 0))

    def test_embeddings(self):
        rows = self.model.embed(self.picture, faces="whole")
        self.assertEqual((rows.shape, rows.dtype), ((1, 256), numpy.float32))
        self.assertAlmostEqual(float((rows**2).sum()), 1, places=4)
        several = self.model.embed([self.picture, numpy.zeros((200, 200, 3), numpy.uint8)], faces="whole")
        self.assertTrue(numpy.array_equal(several[0], rows[0]))
        self.assertEqual(self.model.embed_texts([]).shape, (0, 256))
        with self.assertRaises(mien.InvalidArgument):
            self.model.embed_texts("one text")

    def test_closed_model(self):
        model = mien.load()
        model.predict(self.picture, faces="whole")
        live, video = model.live(faces="whole"), model.video(HEAD + 2 * GREY)
        model.close()
        model.close()
        for call in (lambda: model.predict(self.picture, faces="whole"), lambda: model.labels,
                     lambda: model.live(), lambda: model.embed_texts(["a"])):
            with self.assertRaises(mien.InvalidArgument):
                call()
        self.assertEqual(len(live.push(self.picture, 0)), 1)  # holds what it needs
        self.assertEqual(video.read().summary["frames"], 2)
        live.close()
        with self.assertRaises(mien.InvalidArgument):
            live.push(self.picture, 1)

    def test_threads_share_a_model(self):
        expected, seen = self.scores(self.picture), []

        def work():
            seen.extend(self.scores(self.picture) == expected for _ in range(10))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(seen, [True] * 40)

    def test_fork_after_load(self):
        expected = self.scores(self.picture)
        child = os.fork()
        if child == 0:
            os._exit(0 if self.scores(self.picture) == expected else 1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)


class ClipTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = mien.load("compact")

    def video(self, frames=12, **options):
        return self.model.video(HEAD + frames * GREY, labels="happy,sad", faces="whole", **options)

    def test_frames_then_tracks(self):
        video = self.video()
        with self.assertRaises(mien.InvalidArgument):
            video.tracks
        frames = list(video)
        self.assertEqual([frame.frame for frame in frames], list(range(12)))
        self.assertEqual((len(video.tracks), video.clip.summary["frames"]), (1, 12))
        self.assertIn(video.tracks[0].longest, ("happy", "sad", "unknown"))
        self.assertEqual(video.clip.to_dict()["summary"]["kind"], "summary")
        self.assertIn("background", video.clip._repr_html_())
        with self.assertRaises(mien.InvalidArgument):
            list(video)

    def test_part_and_read(self):
        clip = self.video(start=0.5, end=0.8).read()
        self.assertEqual([round(frame.time, 1) for frame in clip.frames], [0.5, 0.6, 0.7])
        with self.assertRaises(mien.InvalidArgument):
            self.video(start=2, end=1).read()

    def test_leaving_the_loop_ends_the_clip(self):
        begin = threading.active_count()
        for frame in self.video(5000):
            if frame.frame == 3:
                break
        del frame
        self.assertEqual(threading.active_count(), begin)

    def test_a_callback_that_raises(self):
        def fail(frame):
            raise KeyError(frame.frame)

        with self.assertRaises(KeyError):
            self.video().run(fail)
        with self.assertRaises(mien.Cancelled):
            self.video().run(lambda frame: frame.frame < 2)
        self.assertEqual(self.video().run(lambda frame: None).summary["frames"], 12)

    def test_keyboard_interrupt(self):
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job
        self.addCleanup(signal.signal, signal.SIGINT, before)
        for read in (lambda video: video.run(lambda frame: None), list):
            timer = threading.Timer(0.3, signal.raise_signal, (signal.SIGINT,))
            begin = time.monotonic()
            timer.start()
            with self.assertRaises(KeyboardInterrupt):
                read(self.video(20000))
            self.assertLess(time.monotonic() - begin, 60)
            timer.join()

    def test_damaged_clips(self):
        for data in (b"", b"no clip", HEAD):
            with self.subTest(data), self.assertRaises(mien.Error):
                self.model.video(data).read()
        with self.assertRaises(mien.NotFound):
            self.model.video("none.mp4").read()

    def test_live(self):
        with self.model.live(labels="happy,sad", faces="whole") as live:
            for index in range(4):
                result = live.push(noise(), index / 25)
            self.assertEqual((result.frame, result.faces[0].track), (3, 0))
            self.assertIsNotNone(result.faces[0].steady)
            with self.assertRaises(mien.InvalidArgument):
                live.push(noise(), 0)
            self.assertEqual(live.clip().tracks[0].frames, 4)
            live.reset()
            self.assertEqual(live.push(noise(), 0).frame, 0)
            with self.assertRaises(mien.InvalidArgument):
                live.push("a path", 1)


class ProgramTest(unittest.TestCase):
    def test_python_m_mien(self):
        done = subprocess.run([sys.executable, "-m", "mien", "--version"], capture_output=True, text=True, check=True)
        self.assertIn(mien.__version__, done.stdout)

    def test_convert_and_evaluate(self):
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            tiny = os.path.join(folder, "tiny")
            subprocess.run([mien.program_path(), "convert", "--random-tiny", tiny], check=True, capture_output=True)
            report = mien.convert(tiny, os.path.join(folder, "copy"), dtype="f16")
            self.assertTrue(os.path.exists(os.path.join(folder, "copy", "bundle.json")), report)
            with open(os.path.join(folder, "data.csv"), "w", encoding="utf-8") as file:
                file.write("path,label\n")
                for index, label in enumerate(["happy", "sad"] * 4):
                    with open(os.path.join(folder, f"{index}.png"), "wb") as picture:
                        picture.write(png_of(noise()))
                    file.write(f"{index}.png,{label}\n")
            report = mien.evaluate(os.path.join(folder, "data.csv"), face="whole")
            self.assertIn("war", json.dumps(report).lower())

    def test_import_needs_no_numpy(self):
        code = "import sys, mien; sys.exit('numpy' in sys.modules or 'pandas' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)

    def test_exit_in_the_middle_of_a_clip(self):
        code = ("import mien\nvideo = iter(mien.load().video(%r + 3000 * %r, faces='whole', labels='happy,sad'))\n"
                "next(video)\nprint('read')" % (HEAD, GREY))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "read\n", ""))


class HelperTest(unittest.TestCase):
    def test_deepface(self):
        from mien.compat import deepface

        answer = deepface.analyze(noise(), detector_backend="skip")
        self.assertAlmostEqual(sum(answer[0]["emotion"].values()), 100, places=2)
        self.assertEqual(answer[0]["region"]["w"], 64)
        with self.assertRaises(ValueError):
            deepface.analyze(numpy.zeros((200, 200, 3), numpy.uint8))
        self.assertEqual(len(deepface.analyze(numpy.zeros((200, 200, 3), numpy.uint8), enforce_detection=False)), 1)
        with self.assertRaises(mien.InvalidArgument):
            deepface.analyze(noise(), actions=["age"])

    def test_classifier(self):
        rows = numpy.vstack([DRAW.normal(-1, 1, (40, 16)), DRAW.normal(1, 1, (40, 16))])
        answers = numpy.array(["no"] * 40 + ["yes"] * 40)
        head = mien.MienClassifier().fit(rows, answers)
        self.assertGreater(head.score(rows, answers), 0.95)
        self.assertTrue(numpy.allclose(head.predict_proba(rows).sum(axis=1), 1))
        self.assertEqual(head.predict(rows[:1])[0], "no")
        self.assertGreater(head.temperature_, 0)
        self.assertEqual(mien.MienClassifier(**head.get_params()).get_params(), head.get_params())
        pictures = [numpy.full((64, 64, 3), value, numpy.uint8) for value in (20, 30, 40, 200, 210, 220)]
        of_pictures = mien.MienClassifier(faces="whole").fit(pictures, [0, 0, 0, 1, 1, 1])
        self.assertEqual(of_pictures.predict(pictures).shape, (6,))
        for X, y in ((rows, answers[:3]), (rows, ["a"] * 80), (numpy.full((2, 4), numpy.nan), [0, 1])):
            with self.assertRaises(mien.InvalidArgument):
                mien.MienClassifier().fit(X, y)
        with self.assertRaises(mien.InvalidArgument):
            mien.MienClassifier().predict(rows)

    def test_public_names_have_types_and_a_doctest(self):
        import doctest
        import inspect

        for name in mien.__all__:
            thing = getattr(mien, name)
            with self.subTest(name):
                tests = doctest.DocTestFinder(recurse=False).find(thing, name, module=False)
                self.assertTrue(any(test.examples for test in tests), f"{name} has no doctest")
                functions = [thing] if inspect.isfunction(thing) else [
                    value for key, value in vars(thing).items() if inspect.isfunction(value) and not key.startswith("_")]
                for function in functions:
                    for parameter in inspect.signature(function).parameters.values():
                        self.assertTrue(parameter.name == "self" or parameter.annotation is not parameter.empty,
                                        f"{function.__qualname__}: {parameter.name} has no type")
                    self.assertIsNot(inspect.signature(function).return_annotation, inspect.Signature.empty,
                                     function.__qualname__)

    def test_doctests(self):
        import doctest
        import importlib

        failed = attempted = 0
        report = io.StringIO()
        for name in ("", "._errors", "._results", "._model", "._program", "._classifier", ".compat.deepface"):
            module = importlib.import_module("mien" + name)
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
            for test in doctest.DocTestFinder().find(module, extraglobs=vars(mien)):
                result = runner.run(test, out=report.write)
                failed, attempted = failed + result.failed, attempted + result.attempted
        self.assertEqual(failed, 0, report.getvalue())
        self.assertGreater(attempted, 40)


if __name__ == "__main__":
    unittest.main()
