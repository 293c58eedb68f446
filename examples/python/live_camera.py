"""Reads a camera until Ctrl-C: live_camera.py [CAMERA] [LABELS]"""
import sys

import mien

camera = sys.argv[1] if len(sys.argv) > 1 else "/dev/video0"
labels = sys.argv[2] if len(sys.argv) > 2 else "basic7"

with mien.load("compact") as model:
    video = model.video(camera, labels=labels)
    try:
        for frame in video:
            answers = []
            for face in frame:
                answer = face.steady  # smoothed over the last half second
                answers.append(f"face {face.track}: {answer.label} {100 * answer.probability:.0f} %")
            print(f"{frame.time:7.2f} s  {', '.join(answers) or 'no face'}")
    except KeyboardInterrupt:
        print("stopped")
