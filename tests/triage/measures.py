"""How good an order and a verdict are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score


def order(scores: Any, at_risk: Sequence[bool]) -> dict[str, float]:
    """How far down a queue one must read: AUC, average precision, recall at 5 and 10 %, depth for 95 %."""
    truth, values = np.array(at_risk), np.array(scores)
    placed = truth[np.argsort(-values, kind="stable")]
    met = np.cumsum(placed) / placed.sum()
    return {
        "AUC": float(roc_auc_score(truth, values)),
        "average precision": float(average_precision_score(truth, values)),
        "recall@5 %": float(met[len(met) // 20 - 1]),
        "recall@10 %": float(met[len(met) // 10 - 1]),
        "depth95": float((np.searchsorted(met, 0.95) + 1) / len(met)),
    }


def auc(scores: Any, truth: Sequence[bool]) -> float:
    """How often one that is comes before one that is not."""
    return float(roc_auc_score(np.array(truth), np.array(scores)))


def f1(said: Iterable[bool], truth: Sequence[bool]) -> float:
    """The harmonic mean of precision and recall."""
    return float(f1_score(list(truth), list(said)))


def by_group(right: Iterable[bool], groups: Iterable[str]) -> Mapping[str, float]:
    """The share that is right in each group."""
    found: dict[str, list[bool]] = defaultdict(list)
    for group, one in zip(groups, right, strict=True):
        found[group].append(one)
    return {group: float(np.mean(each)) for group, each in sorted(found.items())}
