#!/usr/bin/env python3
"""Trains and measures the runs of a plan, resumes where it was stopped, and prints the results as a Markdown table.

  scripts/run_table.py recipes/tables/PLAN.json --data ../shared/data --out runs/PLAN [--only NAME ...] [--print]

A plan is a JSON object:
  recipe    recipe of all rows (a row may have its own)
  vary      {name: [values]}: every row is run once per value; in "set", arguments and figures {name} is replaced by
            the value, {place} by its index from 0, {data} and {out} by those folders
  set       options of all rows, as for --set of `mien train`
  rows      [{name, set, recipe, vary, bundle, measures}]: with "bundle" nothing is trained
  measures  [{name, arguments, figures}]: arguments of `mien eval`, figures by their path in its JSON ("splits.0.acc")
  groups    {label: [values]}: columns of means over some of the values; default: over all
Every figure is the mean over the values, with the 95 % interval of Student's t for three values or more, otherwise
with the bootstrap interval of `mien eval`, if it reports one. Each result is one line of OUT/results.jsonl;
bundles and checkpoints of finished runs are removed unless --keep is given.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

# Student's t, two-sided 95 %, by degrees of freedom (as scipy.stats.t.ppf(0.975, n) gives them)
STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
           2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042]


def call(command, log):
    with open(log, "a") as out:
        out.write("$ " + " ".join(command) + "\n")
        out.flush()
        done = subprocess.run(command, stdout=out if "eval" not in command else subprocess.PIPE, stderr=out, text=True)
    if done.returncode != 0:
        sys.exit(f"run_table: {' '.join(command)}: exit {done.returncode} (see {log})")
    return done.stdout


def look(value, path):
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value.get(part) if isinstance(value, dict) else None
        if value is None:
            return None
    return value


def interval_path(path):
    return path + "_interval"


class Table:
    def __init__(self, plan, args):
        self.plan, self.args = plan, args
        self.out = pathlib.Path(args.out).resolve()
        self.out.mkdir(parents=True, exist_ok=True)
        self.file = self.out / "results.jsonl"
        self.done, self.answers = {}, {}
        if self.file.exists():
            for line in self.file.read_text().splitlines():
                fact = json.loads(line)
                self.done[fact["row"], fact["value"], fact["measure"]] = fact
        self.keep(None)

    def keep(self, fact):
        if fact is not None:
            self.done[fact["row"], fact["value"], fact["measure"]] = fact
        fresh = self.file.with_suffix(".part")
        fresh.write_text("".join(json.dumps(f) + "\n" for f in self.done.values()))
        fresh.replace(self.file)

    def values(self, row):
        vary = row.get("vary", self.plan.get("vary", {"run": [1]}))
        (name, values), = vary.items()
        return name, values

    def measures(self, row):
        return row.get("measures", self.plan["measures"])

    def cells(self):
        rows = [row for row in self.plan["rows"] if not self.args.only or row["name"] in self.args.only]
        # Value by value, so that an unfinished table compares its rows on the same values.
        most = max(len(self.values(row)[1]) for row in rows)
        for place in range(most):
            for row in rows:
                name, values = self.values(row)
                if place < len(values):
                    yield row, name, values[place]

    def run(self):
        cells = [cell for cell in self.cells() if any(
            (cell[0]["name"], cell[2], measure["name"]) not in self.done for measure in self.measures(cell[0]))]
        start = time.time()
        for count, (row, name, value) in enumerate(cells):
            self.cell(row, name, value)
            rest = (time.time() - start) / (count + 1) * (len(cells) - count - 1)
            if sys.stderr.isatty():
                print(f"{count + 1} of {len(cells)} runs, {rest / 60:.0f} min left: {row['name']}, {name} {value}",
                      file=sys.stderr)

    def cell(self, row, name, value):
        place = self.values(row)[1].index(value)

        def fill(text):
            return (text.replace("{" + name + "}", str(value)).replace("{place}", str(place))
                    .replace("{data}", self.args.data).replace("{out}", str(self.out)))
        safe = "".join(c if c.isalnum() else "-" for c in f"{row['name']}_{value}")
        run, log, seconds = self.out / safe, self.out / f"{safe}.log", None
        bundle = row.get("bundle")
        if bundle is None:
            sets = [fill(text) for text in self.plan.get("set", []) + row.get("set", [])]
            recipe = row.get("recipe", self.plan.get("recipe"))
            started = time.time()
            self.share_cache(run)
            call([self.args.mien, "--threads", str(self.args.threads), "train", recipe, "--data", self.args.data,
                  "--out", str(run)]
                 + [part for text in sets for part in ("--set", text)], log)
            seconds, bundle = round(time.time() - started, 1), str(run / "bundle")
        for measure in self.measures(row):
            arguments = [fill(text) for text in measure["arguments"] + row.get("arguments", [])]
            command = [self.args.mien, "--threads", str(self.args.threads), "eval", bundle, "--json"] + arguments
            if row.get("bundle") is None:
                answer = json.loads(call(command, log))
            else:  # the same for every value: run once
                key = tuple(command)
                self.answers[key] = answer = self.answers.get(key) or json.loads(call(command, log))
            figures = {}
            for figure, path in measure["figures"].items():
                figures[figure] = {"value": look(answer, fill(path)), "interval": look(answer, interval_path(fill(path)))}
            self.keep({"row": row["name"], "value": value, "measure": measure["name"], "seconds": seconds,
                       "figures": figures})
        if row.get("bundle") is None and not self.args.keep:
            shutil.rmtree(run)

    def share_cache(self, run):
        """Embeddings of frozen towers are the same in all runs of a table."""
        run.mkdir(exist_ok=True)
        (self.out / "cache").mkdir(exist_ok=True)
        if not (run / "cache").exists():
            (run / "cache").symlink_to(self.out / "cache")

    def text(self, facts, figure):
        values = [f["figures"][figure]["value"] for f in facts if f["figures"].get(figure, {}).get("value") is not None]
        if not values:
            return ""
        mean = statistics.fmean(values)
        if len(values) >= 3:
            half = STUDENT[min(len(values) - 2, len(STUDENT) - 1)] * statistics.stdev(values) / len(values) ** 0.5
            return f"{mean:.2f} ± {half:.2f}"
        interval = facts[0]["figures"][figure].get("interval")
        if len(values) == 1 and interval:
            return f"{mean:.2f} ({interval[0]:.2f} to {interval[1]:.2f})"
        return f"{mean:.2f}" if len(values) == 1 else f"{mean:.2f} ({min(values):.2f}, {max(values):.2f})"

    def print(self):
        groups = self.plan.get("groups", {"": None})
        head = ["row", "runs"]
        for measure in self.plan["measures"]:
            for label in groups:
                head += [" ".join(filter(None, (measure["name"], figure, label))) for figure in measure["figures"]]
        print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
        for row in self.plan["rows"]:
            cells, runs = [], 0
            for measure in self.plan["measures"]:
                for wanted in groups.values():
                    facts = [f for (name, value, what), f in self.done.items() if name == row["name"]
                             and what == measure["name"] and (wanted is None or value in wanted)]
                    runs = max(runs, len(facts))
                    cells += [self.text(facts, figure) for figure in measure["figures"]]
            if runs:
                print("| " + " | ".join([row["name"], str(runs)] + cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan")
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--mien", default="build/release/bin/mien")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="names of rows")
    parser.add_argument("--keep", action="store_true", help="keep the folders of finished runs")
    parser.add_argument("--print", action="store_true", help="only print the results so far")
    args = parser.parse_args()
    args.data = os.path.realpath(args.data)
    with open(args.plan) as file:
        plan = json.load(file)
    table = Table(plan, args)
    if not args.print:
        table.run()
    table.print()


if __name__ == "__main__":
    main()
