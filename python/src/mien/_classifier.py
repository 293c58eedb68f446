"""A calibrated classifier on embeddings in the style of scikit-learn, which it does not need.

This is the one place of the package that computes: the library has no head that is fitted in memory."""
from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Union

import numpy

from ._errors import InvalidArgument
from ._model import Model, load


def _softmax(logits: numpy.ndarray) -> numpy.ndarray:
    shifted = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _fit_head(rows: numpy.ndarray, targets: numpy.ndarray, classes: int, strength: float, steps: int) -> numpy.ndarray:
    """Weights [width + 1, classes] of multinomial regression with an L2 penalty: accelerated gradient descent with the
    step that the largest singular value allows."""
    x = numpy.hstack([rows, numpy.ones((len(rows), 1))])
    wanted = numpy.eye(classes)[targets]
    decay = numpy.full((x.shape[1], 1), 1.0 / (strength * len(x)))
    decay[-1] = 0
    step = 1.0 / (0.5 * numpy.linalg.norm(x, 2) ** 2 / len(x) + float(decay.max()))
    weights = numpy.zeros((x.shape[1], classes))
    ahead, momentum = weights, 1.0
    for _ in range(steps):
        gradient = x.T @ (_softmax(x @ ahead) - wanted) / len(x) + decay * ahead
        after = ahead - step * gradient
        following = (1 + (1 + 4 * momentum * momentum) ** 0.5) / 2
        ahead = after + (momentum - 1) / following * (after - weights)
        change = numpy.abs(after - weights).max()
        weights, momentum = after, following
        if change < 1e-6:
            break
    return weights


def _logits(rows: numpy.ndarray, weights: numpy.ndarray) -> numpy.ndarray:
    return rows @ weights[:-1] + weights[-1]


def _temperature(logits: numpy.ndarray, targets: numpy.ndarray) -> float:
    """The divisor of the logits with the smallest cross-entropy."""
    best, best_loss = 1.0, float("inf")
    for candidate in numpy.geomspace(0.1, 10, 161):
        chances = _softmax(logits / candidate)[numpy.arange(len(targets)), targets]
        loss = -float(numpy.log(numpy.maximum(chances, 1e-12)).mean())
        if loss < best_loss:
            best, best_loss = float(candidate), loss
    return best


class MienClassifier:
    """Learns classes of your own from embeddings of faces, with calibrated probabilities. Works in pipelines, grid
    searches and cross-validation of scikit-learn.

    `bundle`: a name, a path or a Model; used when X holds pictures. `strength`: inverse of the L2 penalty, as C in
    scikit-learn. `folds`: the temperature is fitted on held-out folds. `faces`: as for Model.predict.

    >>> import numpy
    >>> draw = numpy.random.default_rng(0)
    >>> X = numpy.vstack([draw.normal(-1, 1, (40, 8)), draw.normal(1, 1, (40, 8))])
    >>> y = ["no"] * 40 + ["yes"] * 40
    >>> MienClassifier().fit(X, y).score(X, y) > 0.9
    True
    """

    _estimator_type = "classifier"

    def __init__(self, bundle: Union[str, Model] = "compact", *, strength: float = 10.0, folds: int = 5,
                 steps: int = 500, faces: str = "auto") -> None:
        self.bundle = bundle
        self.strength = strength
        self.folds = folds
        self.steps = steps
        self.faces = faces

    def get_params(self, deep: bool = True) -> Dict[str, Any]:
        """Parameters by name."""
        return {name: getattr(self, name) for name in ("bundle", "strength", "folds", "steps", "faces")}

    def set_params(self, **params: Any) -> "MienClassifier":
        """Changes parameters by name."""
        for name, value in params.items():
            if name not in self.get_params():
                raise InvalidArgument(f"{name}: not a parameter (expected one of {', '.join(self.get_params())})")
            setattr(self, name, value)
        return self

    def embed(self, X: Any) -> numpy.ndarray:
        """Rows of X: embeddings as they are, or those of the largest face of each picture."""
        if isinstance(X, numpy.ndarray) and X.ndim == 2 and X.dtype.kind == "f":
            rows = X.astype(float)
        elif isinstance(X, (list, tuple)) and len(X) and numpy.isscalar(numpy.asarray(X[0], dtype=object).flat[0]) \
                and not isinstance(X[0], (str, bytes)) and numpy.ndim(X[0]) == 1:
            rows = numpy.asarray(X, dtype=float)
        else:
            model = self.bundle if isinstance(self.bundle, Model) else load(self.bundle)
            rows = model.embed(list(X), faces=self.faces).astype(float)
        broken = numpy.flatnonzero(~numpy.isfinite(rows).all(axis=1))
        if len(broken):
            raise InvalidArgument(f"X: row {broken[0]} has no face, or values that are not finite "
                                  f"({len(broken)} such rows; expected a face in each picture)")
        return rows

    def fit(self, X: Any, y: Sequence[Any]) -> "MienClassifier":
        """X: pictures, or embeddings [samples, width]; y: a class per row."""
        rows = self.embed(X)
        answers = numpy.asarray(y)
        if len(answers) != len(rows):
            raise InvalidArgument(f"y: has {len(answers)} classes (expected {len(rows)}, one per row of X)")
        self.classes_, targets = numpy.unique(answers, return_inverse=True)
        if len(self.classes_) < 2:
            raise InvalidArgument(f"y: has {len(self.classes_)} class (expected at least 2)")
        self.n_features_in_ = rows.shape[1]
        self.weights_ = _fit_head(rows, targets, len(self.classes_), self.strength, self.steps)
        self.temperature_ = self._calibrated(rows, targets)
        return self

    def _calibrated(self, rows: numpy.ndarray, targets: numpy.ndarray) -> float:
        counts = numpy.bincount(targets)
        folds = min(self.folds, int(counts.min()))
        if folds < 2:
            return 1.0
        part = numpy.zeros(len(targets), int)  # every class is spread over all folds
        for label in range(len(counts)):
            mine = numpy.flatnonzero(targets == label)
            part[mine] = numpy.arange(len(mine)) % folds
        held_out = numpy.zeros((len(targets), len(counts)))
        for fold in range(folds):
            inside = part != fold
            weights = _fit_head(rows[inside], targets[inside], len(counts), self.strength, self.steps)
            held_out[~inside] = _logits(rows[~inside], weights)
        return _temperature(held_out, targets)

    def predict_proba(self, X: Any) -> numpy.ndarray:
        """Calibrated probabilities, [rows, classes], in the order of classes_."""
        if not hasattr(self, "weights_"):
            raise InvalidArgument("classifier: is not fitted (expected a call of fit before)")
        return _softmax(_logits(self.embed(X), self.weights_) / self.temperature_)

    def predict(self, X: Any) -> numpy.ndarray:
        """The most probable class of each row."""
        chances = self.predict_proba(X)
        return self.classes_[chances.argmax(axis=1)]

    def score(self, X: Any, y: Sequence[Any], sample_weight: Optional[Sequence[float]] = None) -> float:
        """Share of right answers."""
        return float(numpy.average(self.predict(X) == numpy.asarray(y), weights=sample_weight))

    def __repr__(self) -> str:
        given: List[str] = [f"{name}={value!r}" for name, value in self.get_params().items()]
        return f"MienClassifier({', '.join(given)})"
