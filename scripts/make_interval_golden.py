#!/usr/bin/env python3
"""Makes tests/golden/intervals.json: results of numpy and scikit-learn for the protocols of `mien eval`.

    make_interval_golden.py OUT.json

Folds, corrupted pictures, open set and classes left out: figures, and bootstrap intervals of 5000 resamples with
numpy's generator, which agree with ours up to resampling noise. Needs Debian's python3-sklearn.
"""
import json
import sys

import numpy
from sklearn import metrics

rng = numpy.random.default_rng(23)
RESAMPLES = 5000


def interval(values):
    return numpy.quantile(values, [0.025, 0.975]).tolist()


def uar(truth, said):
    present = numpy.unique(truth)
    return 100 * metrics.recall_score(truth, said, average="macro", labels=present, zero_division=0)


def fast_uar(truth, said):
    return 100 * numpy.mean([(said[truth == c] == c).mean() for c in numpy.unique(truth)])


def folds():
    parts = []
    for size, skill in [(60, 0.5), (90, 0.6), (45, 0.7)]:
        truth = rng.choice(4, size, p=[0.4, 0.3, 0.2, 0.1])
        said = numpy.where(rng.random(size) < skill, truth, rng.integers(0, 4, size))
        parts.append((truth, said))
    war_of = lambda p: numpy.mean([100 * metrics.accuracy_score(t, s) for t, s in p])
    draws = {"war": [], "uar": []}
    for _ in range(RESAMPLES):
        drawn = []
        for truth, said in parts:
            i = rng.integers(0, len(truth), len(truth))
            drawn.append((truth[i], said[i]))
        draws["war"].append(numpy.mean([100 * (t == s).mean() for t, s in drawn]))
        draws["uar"].append(numpy.mean([fast_uar(t, s) for t, s in drawn]))
    return dict(folds=[dict(truth=t.tolist(), said=s.tolist()) for t, s in parts], war=war_of(parts),
                uar=float(numpy.mean([uar(t, s) for t, s in parts])), war_interval=interval(draws["war"]),
                uar_interval=interval(draws["uar"]))


def robustness():
    hard = rng.random(150)
    runs = [(hard + rng.normal(0, 0.15, 150) < limit).astype(int) for limit in (0.8, 0.7, 0.55, 0.4)]
    clean, corrupted = 100.0 * runs[0], 100.0 * numpy.mean(runs[1:], axis=0)
    draws = {"corrupted": [], "drop": []}
    for _ in range(RESAMPLES):
        i = rng.integers(0, 150, 150)
        draws["corrupted"].append(corrupted[i].mean())
        draws["drop"].append(clean[i].mean() - corrupted[i].mean())
    return dict(right=[r.tolist() for r in runs], war=clean.mean(), corrupted=corrupted.mean(),
                drop=clean.mean() - corrupted.mean(), corrupted_interval=interval(draws["corrupted"]),
                drop_interval=interval(draws["drop"]))


def open_set():
    truth = numpy.repeat([0, 1, 2, 3], [50, 40, 30, 60])
    logits = rng.normal(0, 1, (180, 3))
    logits[numpy.arange(120), truth[:120]] += 1.5
    logits[120:140] = logits[50:70]  # scores of known and unknown samples that are equal
    known = truth < 3
    said = logits.argmax(1)
    exp = numpy.exp(logits)
    scores = {"max_softmax": exp.max(1) / exp.sum(1), "energy": numpy.log(exp.sum(1)), "max_cosine": logits.max(1)}
    right = (said == truth) & known

    def oscr(score, i, j):
        return 100 * ((score[i][:, None] > score[j][None, :]) & right[i][:, None]).mean()

    def auroc(score, i, j):
        return 100 * metrics.roc_auc_score(numpy.r_[numpy.ones(len(i)), numpy.zeros(len(j))], numpy.r_[score[i], score[j]])

    all_known, all_unknown = numpy.flatnonzero(known), numpy.flatnonzero(~known)
    draws = {name: ([], []) for name in scores}
    acc, mean_recall = [], []
    for _ in range(RESAMPLES):
        i, j = rng.choice(all_known, 120), rng.choice(all_unknown, 60)
        acc.append(100 * right[i].mean())
        mean_recall.append(fast_uar(truth[i], said[i]))
        for name, score in scores.items():
            draws[name][0].append(auroc(score, i, j))
            draws[name][1].append(oscr(score, i, j))
    return dict(truth=truth.tolist(), logits=logits.tolist(), acc=100 * right[known].mean(),
                uar=uar(truth[known], said[known]), acc_interval=interval(acc), uar_interval=interval(mean_recall),
                scores={name: dict(auroc=auroc(score, all_known, all_unknown), oscr=oscr(score, all_known, all_unknown),
                                   auroc_interval=interval(draws[name][0]), oscr_interval=interval(draws[name][1]))
                        for name, score in scores.items()})


def left_out():
    truth = numpy.repeat([0, 1, 2], [40, 60, 50])
    shares = []
    for _ in range(3):  # one model per class that it never saw
        logits = rng.normal(0, 1, (150, 3))
        logits[numpy.arange(150), truth] += 1.0
        shares.append(numpy.exp(logits) / numpy.exp(logits).sum(1, keepdims=True))
    out, right = [], []
    for c, p in enumerate(shares):
        others = numpy.delete(p, c, axis=1)
        score = others.max(1) / (1 - p[:, c])
        right.append((p.argmax(1) == truth)[truth == c])
        a, b = score[truth != c], score[truth == c]
        pairs = numpy.r_[numpy.ones(len(a)), numpy.zeros(len(b))]
        drawn = [100 * metrics.roc_auc_score(pairs, numpy.r_[rng.choice(a, len(a)), rng.choice(b, len(b))])
                 for _ in range(RESAMPLES)]
        out.append(dict(shares=p.tolist(), recall=100 * right[-1].mean(), auroc=100 * metrics.roc_auc_score(pairs, numpy.r_[a, b]),
                        recall_interval=interval([100 * rng.choice(right[-1], len(b)).mean() for _ in range(RESAMPLES)]),
                        auroc_interval=interval(drawn)))
    draws = [[rng.choice(r, len(r)) for r in right] for _ in range(RESAMPLES)]
    return dict(truth=truth.tolist(), classes=out, war=100 * numpy.concatenate(right).mean(),
                uar=100 * numpy.mean([r.mean() for r in right]),
                war_interval=interval([100 * numpy.concatenate(d).mean() for d in draws]),
                uar_interval=interval([100 * numpy.mean([r.mean() for r in d]) for d in draws]))


if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
    sys.exit(__doc__)
json.dump(dict(folds=folds(), robustness=robustness(), open_set=open_set(), left_out=left_out()), open(sys.argv[1], "w"))
