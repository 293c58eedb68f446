"""Reads all pictures of a folder into one table: folder_to_parquet.py FOLDER OUT.parquet [LABELS]

Needs pandas and pyarrow. Pictures that cannot be read are listed at the end."""
import concurrent.futures
import pathlib
import sys

import mien

if len(sys.argv) not in (3, 4):
    sys.exit("usage: folder_to_parquet.py FOLDER OUT.parquet [LABELS]")
labels = sys.argv[3] if len(sys.argv) == 4 else "basic7"
endings = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".tif", ".tiff", ".heic", ".avif", ".jp2"}
pictures = sorted(path for path in pathlib.Path(sys.argv[1]).rglob("*") if path.suffix.lower() in endings)

results, problems = [], []
with mien.load("compact", many_pictures=True) as model, concurrent.futures.ThreadPoolExecutor(2) as pool:
    # Each thread has a recognizer of its own inside the model, and the interpreter's lock is free meanwhile.
    waiting = [pool.submit(model.predict, path, labels=labels, threads=1) for path in pictures]
    for future in waiting:
        try:
            results.append(future.result())
        except mien.Error as problem:
            problems.append(str(problem))

mien.table_of(results).to_parquet(sys.argv[2])
print(f"{len(results)} pictures, {sum(len(result) for result in results)} faces")
for problem in problems:
    print(f"failed: {problem}")
