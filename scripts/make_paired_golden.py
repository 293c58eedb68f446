#!/usr/bin/env python3
"""Makes tests/golden/paired.json: results of scipy and scikit-learn for pairs of classifiers and for ROC curves.

Needs Debian's python3-sklearn and python3-scipy. The bootstrap is numpy's own, with 20 000 resamples: its
interval agrees with ours up to resampling noise.
"""
import json
import sys

import numpy
from scipy import stats
from sklearn import metrics

rng = numpy.random.default_rng(11)


def curve(scores, truth):
    fpr, tpr, _ = metrics.roc_curve(truth, scores, drop_intermediate=True)
    return dict(scores=scores.tolist(), positive=[int(t) for t in truth], fpr=fpr.tolist(), tpr=tpr.tolist(),
                area=100 * metrics.roc_auc_score(truth, scores))


def paired():
    truth = rng.integers(0, 4, 300)
    first = numpy.where(rng.random(300) < 0.62, truth, rng.integers(0, 4, 300))
    second = numpy.where(rng.random(300) < 0.5, truth, rng.integers(0, 4, 300))
    a, b = first == truth, second == truth

    def uar(p, t):
        return 100 * metrics.recall_score(t, p, average="macro", labels=numpy.unique(t), zero_division=0)

    war_difference, uar_difference = [], []
    for _ in range(20000):
        i = rng.integers(0, 300, 300)
        war_difference.append(100 * (a[i].mean() - b[i].mean()))
        counts = [(t == truth[i]) for t in range(4)]
        uar_difference.append(100 * numpy.mean([a[i][c].mean() - b[i][c].mean() for c in counts if c.any()]))
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    return dict(truth=truth.tolist(), first=first.tolist(), second=second.tolist(),
                war=[100 * float(a.mean()), 100 * float(b.mean())], uar=[uar(first, truth), uar(second, truth)],
                only_first=only_a, only_second=only_b,
                mcnemar=stats.binomtest(only_a, only_a + only_b, 0.5).pvalue,
                war_interval=numpy.quantile(war_difference, [0.025, 0.975]).tolist(),
                uar_interval=numpy.quantile(uar_difference, [0.025, 0.975]).tolist())


flat = rng.random(80)
truth = (flat + rng.normal(0, 0.4, 80) > 0.5).astype(int)
out = dict(
    mcnemar=[dict(first=b, second=c, p=stats.binomtest(b, b + c, 0.5).pvalue if b + c else 1.0)
             for b, c in [(0, 0), (1, 0), (0, 5), (10, 3), (25, 25), (40, 12), (300, 420), (5000, 5200), (1, 900)]],
    roc=[curve(flat, truth), curve(numpy.round(flat * 5) / 5, truth), curve(numpy.ones(80), truth)],
    paired=paired())
json.dump(out, open(sys.argv[1], "w"))
