#!/usr/bin/env python3
"""The C ABI through ctypes, without a binding: ctypes_test.py LIBRARY BUNDLE."""
import ctypes
import json
import os
import sys

from ctypes import byref, c_char_p, c_float, c_int32, c_int64, c_size_t, c_ssize_t, c_void_p

library, bundle_path = sys.argv[1:3]
mien = ctypes.CDLL(library)
mien.mien_last_error.restype = c_char_p


class Pixels(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("bytes", c_size_t), ("width", c_int32), ("height", c_int32),
                ("stride", c_ssize_t), ("format", c_int32)]


class FaceOptions(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("mode", c_int32), ("upsample", c_int32), ("min_face", c_float),
                ("min_score", c_float), ("detect_every", c_int32), ("single", c_int32), ("landmarks", c_int32),
                ("region", c_float * 4), ("detector", c_char_p), ("landmark_model", c_char_p)]


def check(code):
    assert code == 0, mien.mien_last_error().decode()


def text_of(function, handle):
    out = c_void_p()
    check(function(handle, byref(out)))
    text = ctypes.string_at(out.value).decode()
    mien.mien_string_free(out)
    return text


def main():
    bundle, detector, result = c_void_p(), c_void_p(), c_void_p()
    check(mien.mien_bundle_load(bundle_path.encode(), None, byref(bundle)))
    assert json.loads(text_of(mien.mien_bundle_json, bundle))["name"] == "compact"
    options = FaceOptions()
    mien.mien_face_options_init(byref(options))
    assert options.size == ctypes.sizeof(FaceOptions), options.size
    options.mode = 2
    check(mien.mien_detector_make(byref(options), byref(detector)))
    memory = (ctypes.c_uint8 * (32 * 16 * 3))()
    picture = Pixels(ctypes.addressof(memory), len(memory), 32, 16, 0, 0)
    check(mien.mien_detect_pixels(detector, byref(picture), byref(result)))
    answer = json.loads(text_of(mien.mien_result_json, result))
    assert answer["width"] == 32 and answer["faces"][0]["source"] == "whole", answer
    picture.bytes -= 1
    assert mien.mien_detect_pixels(detector, byref(picture), byref(result)) == 1
    assert b"1535 bytes" in mien.mien_last_error()

    # A callback that ends the clip; the handles are plain numbers and may be freed in any order.
    recognizer, clip = c_void_p(), c_void_p()
    check(mien.mien_recognizer_make(bundle, None, None, byref(recognizer)))
    mien.mien_bundle_free(bundle)
    seen = []
    callback_type = ctypes.CFUNCTYPE(ctypes.c_int, c_void_p, c_void_p)

    class ClipOptions(ctypes.Structure):
        _fields_ = [("size", c_size_t), ("frame", callback_type), ("user", c_void_p), ("cancel", c_void_p),
                    ("from_us", c_int64), ("to_us", c_int64), ("folder_fps", ctypes.c_double)]

    def on_frame(frame, _user):
        seen.append(json.loads(text_of(mien.mien_result_json, c_void_p(frame)))["frame"])
        return 1 if len(seen) == 2 else 0

    settings = ClipOptions()
    mien.mien_clip_options_init(byref(settings))
    assert settings.size == ctypes.sizeof(ClipOptions)
    settings.frame = callback_type(on_frame)
    grey = b"FRAME\n" + bytes([128]) * 6144
    clip_bytes = b"YUV4MPEG2 W64 H64 F10:1 Ip A1:1 C420jpeg\n" + grey * 6
    code = mien.mien_read_clip_bytes(recognizer, clip_bytes, c_size_t(len(clip_bytes)), byref(settings), byref(clip))
    assert code == 7 and seen == [0, 1], (code, seen, mien.mien_last_error())

    # A forked process goes on with what its parent loaded.
    before = (ctypes.c_uint8 * (64 * 64 * 3))(*[i % 253 for i in range(64 * 64 * 3)])
    picture = Pixels(ctypes.addressof(before), len(before), 64, 64, 0, 0)
    check(mien.mien_read_pixels(recognizer, byref(picture), byref(result)))
    expected = text_of(mien.mien_result_json, result)
    child = os.fork()
    if child == 0:
        other = c_void_p()
        same = mien.mien_read_pixels(recognizer, byref(picture), byref(other)) == 0
        os._exit(0 if same and text_of(mien.mien_result_json, other) == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the forked process answers differently"
    print("all checks passed")


main()
