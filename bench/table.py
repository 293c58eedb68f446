"""Medians of samples, and the tables of docs/benchmarks.md."""
import os
import pathlib
import platform
import statistics

import growth

GIB = 1 << 30
MIB = 1 << 20
KEYS = ("group", "case", "contender", "model", "precision", "isa", "threads", "batch", "name")


def machine():
    """What was measured on; no names of hosts or people."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")), "?")
    flags = next((line.split(":", 1)[1].split() for line in info.splitlines() if line.startswith("flags")), [])
    known = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16")
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "isa": [f for f in known if f in flags],
            "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB),
            "system": f"{platform.system()} {platform.machine()}"}


def summarise(facts):
    """Pools the samples of equal measurements over the rounds; adds median and spread (quartiles)."""
    pooled = {}
    for fact in facts:
        key = tuple(fact.get(k) for k in KEYS)
        if key in pooled:
            pooled[key]["ms"] += fact["ms"]
        else:
            pooled[key] = dict(fact, ms=list(fact["ms"]))
    for fact in pooled.values():
        ms = fact["ms"]
        quartiles = statistics.quantiles(ms, n=4, method="inclusive") if len(ms) > 1 else [ms[0]] * 3
        fact.update(median_ms=statistics.median(ms), q1_ms=quartiles[0], q3_ms=quartiles[2], runs=len(ms))
        if "flops" in fact:
            fact["gflops"] = fact["flops"] / fact["median_ms"] / 1e6
    return list(pooled.values())


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def timing(fact):
    return f"{number(fact['median_ms'])} ({number(fact['q1_ms'])}-{number(fact['q3_ms'])})"


def rows(headers, lines):
    out = ["| " + " | ".join(headers) + " |", "|---" * len(headers) + "|"]
    return "\n".join(out + ["| " + " | ".join(map(str, line)) + " |" for line in lines]) + "\n"


def peak_of(facts, precision, threads):
    """The largest rate seen, from the best sample: what the machine can do at most."""
    found = [f["flops"] / min(f["ms"]) / 1e6 for f in facts
             if f["group"] == "peak" and f["precision"] == precision and f["threads"] == threads]
    return max(found, default=None)


WHO = {"mien bf16": "mien-bf16", "mien int8": "mien-int8", "ONNX Runtime fp32": "ort-fp32",
       "ONNX Runtime int8": "ort-int8", "PyTorch eager fp32": "torch-fp32"}


def image_table(facts, agreement):
    """One line per model, threads, batch and contender; ratios are to ONNX Runtime in the same group."""
    images = [f for f in facts if f["group"] == "image"]
    flops = {(f["model"], f["batch"]): f["flops"] for f in images if "flops" in f}
    lines = []
    for fact in sorted(images, key=lambda f: (f["model"], f["threads"], f["batch"], f["contender"].casefold())):
        group = [f for f in images if all(f[k] == fact[k] for k in ("model", "threads", "batch"))]
        rival = next((f for f in group if f["contender"] == "ONNX Runtime fp32"), None)
        ratio = f"{rival['median_ms'] / fact['median_ms']:.2f}x" if rival else "-"
        peak = peak_of(facts, fact["precision"], fact["threads"])
        rate = flops[(fact["model"], fact["batch"])] / fact["median_ms"] / 1e6
        share = f"{100 * rate / peak:.0f} %" if peak else "-"
        cosine = agreement.get(fact["model"], {}).get(WHO.get(fact["contender"]))
        lines.append([fact["model"], fact["threads"], fact["batch"], fact["contender"], timing(fact), ratio,
                      number(rate), share, "-" if cosine is None else f"{cosine:.7f}"])
    return rows(["model", "threads", "batch", "contender", "ms (quartiles)", "speed to ONNX Runtime fp32", "GFLOP/s",
                 "of peak", "least cosine to mien fp32"], lines)


def process_lines(facts):
    by_case = {f["case"]: f for f in facts if f["group"] == "process"}
    lines = []
    for case, fact in by_case.items():
        if not case.startswith("start-up"):
            continue
        bar = fact.get("bar_ms", 500)
        lines.append([f"{case}, {fact['model']}", f"{timing(fact)} ms", f"< {bar} ms" if bar else ""])
        lines.append(["processor time of it", f"{number(fact['cpu_ms'])} ms", ""])
        lines.append(["peak memory, same run", f"{fact['peak_rss'] / MIB:,.0f} MiB", "< 1,024 MiB"])
    clips = sorted((f for f in by_case.values() if "seconds" in f), key=lambda f: f["seconds"])
    for fact in clips:
        lines.append([f"peak memory, {fact['case']}, {fact['model']}", f"{fact['peak_rss'] / MIB:,.1f} MiB", ""])
    if len(clips) == 2:
        growth = 100 * (clips[1]["peak_rss"] / clips[0]["peak_rss"] - 1)
        lines.append(["growth of the long clip", f"{growth:+.1f} %", "<= +5 %"])
    return lines


def rate_lines(facts):
    return [[f["case"].removeprefix("predict "), f["model"], f["threads"], f"{f['size'][0]}x{f['size'][1]}", f["frames"], f["faces"],
             number(f["frames"] / f["median_ms"] * 1e3), f"{f['peak_rss'] / MIB:,.0f} MiB"]
            for f in facts if f["group"] == "process" and "frames" in f]


def detection_text(found):
    if not found:
        return "The photos set was not there.\n"
    return (f"Recall {found['found']}/{found['faces']} = {100 * found['found'] / found['faces']:.1f} % (IoU 0.3, "
            f"{found['photos']} photographs); false alarms: {found['false_alarms']} on the {found['complete_photos']} photographs "
            f"whose faces are all marked, {found['faceless_alarms']} of them on the {found['faceless']} without a face.\n")


def peak_lines(facts):
    return [[f["precision"], f["isa"], f["threads"], f"{f['flops'] / min(f['ms']) / 1e6:,.0f}", f"{f['gflops']:,.0f}"]
            for f in facts if f["group"] == "peak"]


def text_table(facts, agreement):
    """As image_table."""
    texts = [f for f in facts if f["group"] == "text"]
    lines = []
    for fact in sorted(texts, key=lambda f: (f["model"], f["threads"], f["batch"], f["contender"].casefold())):
        rival = next((f for f in texts if f["contender"] == "ONNX Runtime fp32" and
                      all(f[k] == fact[k] for k in ("model", "threads", "batch"))), None)
        cosine = agreement.get(fact["model"], {}).get("texts", {}).get(WHO.get(fact["contender"]))
        lines.append([fact["model"], fact["threads"], fact["batch"], fact["contender"], timing(fact),
                      f"{rival['median_ms'] / fact['median_ms']:.2f}x" if rival else "-",
                      "-" if cosine is None else f"{cosine:.7f}"])
    return rows(["model", "threads", "texts", "contender", "ms (quartiles)", "speed to ONNX Runtime fp32",
                 "least cosine to mien fp32"], lines)


def memory_lines(facts):
    """Ratios are to the process of ONNX Runtime in fp32."""
    found = [f for f in facts if f["group"] == "memory"]
    rival = next((f["peak_rss"] for f in found if f["contender"] == "ONNX Runtime fp32"), None)
    return [[f["model"], f["case"], f["contender"], f["threads"], f"{f['peak_rss'] / MIB:,.0f}",
             f"{f['peak_rss'] / rival:.2f}x" if rival else "-"] for f in found]


MEMORY_HEADERS = ["model", "work", "contender", "threads", "peak MiB", "to ONNX Runtime fp32"]


def render_images(results):
    facts = results["measurements"]
    return "\n".join([rows(["type", "instructions", "threads", "best GFLOP/s", "median GFLOP/s"], peak_lines(facts)),
                      image_table(facts, results["cosine_to_mien_fp32"]),
                      text_table(facts, results["cosine_to_mien_fp32"]),
                      rows(MEMORY_HEADERS, memory_lines(facts))])


def render(results):
    facts, box = results["measurements"], results["machine"]
    blas = next((f["blas"] for f in facts if f.get("blas")), "?")
    versions = {f["contender"]: f["version"] for f in facts if "version" in f}
    peaks = peak_lines(facts)
    faces = [[f["model"], f["precision"], f["views"], f["threads"], timing(f), "1.0 ms" if f["views"] == 1 else ""]
             for f in facts if f["group"] == "face"]
    clips = [[f["case"], f["model"], f["precision"], f["threads"], f["frames"], f["faces"],
              number(f["frames"] / f["median_ms"] * 1e3)] for f in facts if f["group"] == "clip"]
    front = [[f["case"], f["threads"], timing(f)] for f in facts if f["group"] == "front"]
    parts = [
        f"Machine: {box['cpu']}, {box['cores']} cores, {box['memory_gib']} GiB, {', '.join(box['isa'])}; {box['system']}.",
        "Rivals: " + ", ".join(f"{k.removesuffix(' fp32')} {v}" for k, v in versions.items()) + f" (BLAS: {blas}).",
        "Times are medians with the quartiles in brackets.\n",
        "### Machine peak\n", rows(["type", "instructions", "threads", "best GFLOP/s", "median GFLOP/s"], peaks),
        "### Image tower\n", image_table(facts, results["cosine_to_mien_fp32"]),
        "### Text tower (mien: tokenizer included)\n", text_table(facts, results["cosine_to_mien_fp32"]),
        "### Peak memory of a process\n", rows(MEMORY_HEADERS, memory_lines(facts)),
        "### Front end, one 640x480 picture\n", rows(["work", "threads", "ms (quartiles)"], front),
        "### One face crop to scores (crop, preprocessing, tower, labels)\n",
        rows(["bundle", "type", "views", "threads", "ms (quartiles)", "bar (one core)"], faces),
        "### Clips in one process, from opening the file to the last track\n",
        rows(["clip", "bundle", "type", "threads", "frames", "faces", "frames/s"], clips),
        "### Growth (one thread; what a unit more takes, and peak memory)\n",
        rows(["what", "size", "ms", "processor ms", "per unit more", "MiB"], growth.lines(facts)),
        "### The program\n", rows(["what", "measured", "bar"], process_lines(facts)),
        "### Clips from end to end (start-up included)\n",
        rows(["clip", "bundle", "threads", "size", "frames", "faces", "frames/s", "peak memory"], rate_lines(facts)),
        "### Detection on the photos set\n", detection_text(results["detection"])]
    return "\n".join(parts)
