#!/usr/bin/env python3
"""Makes tests/golden/metrics.json: inputs, and the results of scikit-learn and scipy for them.

Needs Debian's python3-sklearn and python3-scipy.
"""
import json
import sys

import numpy
from scipy import stats
from sklearn import metrics

rng = numpy.random.default_rng(7)


def open_set(known, unknown):
    truth = numpy.r_[numpy.ones(len(known)), numpy.zeros(len(unknown))]
    scores = numpy.r_[known, unknown]
    fpr, tpr, _ = metrics.roc_curve(truth, scores, drop_intermediate=False)
    return dict(known=list(known), unknown=list(unknown),
                auroc=100 * metrics.roc_auc_score(truth, scores),
                aupr=100 * metrics.average_precision_score(truth, scores),
                fpr95=100 * float(fpr[numpy.argmax(tpr >= 0.95 - 1e-12)]))


truth = rng.integers(0, 5, 200)
scores = rng.random((200, 5)) + 0.6 * numpy.eye(5)[truth]
scores[:, 3] -= 0.4
prediction = scores.argmax(1)
target = rng.normal(size=60)
guess = 0.7 * target + 0.4 * rng.normal(size=60) + 0.2
out = dict(
    closed=dict(
        truth=truth.tolist(), scores=scores.ravel().tolist(), prediction=prediction.tolist(),
        war=100 * metrics.accuracy_score(truth, prediction),
        uar=100 * metrics.recall_score(truth, prediction, average="macro"),
        macro_f1=100 * metrics.f1_score(truth, prediction, average="macro"),
        recall=[100 * float(r) for r in metrics.recall_score(truth, prediction, average=None)],
        top2=100 * metrics.top_k_accuracy_score(truth, scores, k=2)),
    open=[open_set(rng.normal(1, 1, 90).tolist(), rng.normal(0, 1, 70).tolist()),
          # many ties
          open_set((rng.integers(0, 6, 50) / 4 + 0.5).tolist(), (rng.integers(0, 6, 40) / 4).tolist())],
    regression=dict(
        prediction=guess.tolist(), truth=target.tolist(), pearson=float(stats.pearsonr(guess, target)[0]),
        mae=float(metrics.mean_absolute_error(target, guess)),
        rmse=float(metrics.mean_squared_error(target, guess) ** 0.5)))
json.dump(out, open(sys.argv[1], "w"))
