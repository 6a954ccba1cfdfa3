"""Measure triage against every target: `make eval`. Prints figures only, never a text.

Each figure stands beside VADER, a list of keywords and TF-IDF with logistic regression, measured in the same
run on the same splits. build/eval.json holds them; --json PATH writes them elsewhere, too.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from moderator_app.desk.language import Rules
from moderator_app.desk.rows import Level, Reading
from tests.triage import baselines, measures, train
from tests.triage.data import AT_RISK, FOLDER, Row, field_mix, halves, rows, shuffled, there

_DEFAULT: Final = Path("build/eval.json")
_LANGUAGES: Final = ("en", "es", "de", "fr", "pt", "hi-Latn")
_DIALECT: Final = frozenset(
    {"ain't", "aint", "finna", "tryna", "gon", "bruh", "nigga", "niggas", "yall", "y'all", "homie", "dat"}
)


@dataclass(slots=True)
class Figure:
    """One measured thing: ours, its target where there is one, and the others beside it."""

    what: str
    value: float
    least: float | None = None
    most: float | None = None
    beside: dict[str, float] = field(default_factory=dict)
    groups: dict[str, float] = field(default_factory=dict)

    @property
    def holds(self) -> bool | None:
        if self.least is None and self.most is None:
            return None
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )


class Reader:
    """Triage as the program reads: each text alone, as the platform gives it."""

    def __init__(self) -> None:
        self._rules = Rules()

    def read(self, texts: Sequence[str], langs: Sequence[str] = ()) -> list[Reading]:
        return self._rules.read(list(zip(texts, langs or [""] * len(texts), strict=True)))

    def cues(self, texts: Sequence[str]) -> list[Reading]:
        """The cues alone, without the learned layer."""
        return Rules(alone=True).read([(text, "") for text in texts])

    def scores(self, name: str, texts: Sequence[str]) -> Any:
        return np.array([one.scores[name] for one in self.read(texts)])


def _ordered(reader: Reader, others: Sequence[Any]) -> list[Figure]:
    texts, at_risk = field_mix()
    ours = measures.order(reader.scores("crisis", texts), at_risk)
    beside = {one.name: measures.order(one.scores(texts), at_risk) for one in others}
    return [
        Figure(f"field mix, {name}", value, beside={who: found[name] for who, found in beside.items()})
        for name, value in ours.items()
    ]


def _posts(reader: Reader, others: Sequence[Any]) -> list[Figure]:
    posts = rows("cssrs500")
    truth, texts = [row.label in AT_RISK for row in posts], [row.text for row in posts]
    ours = reader.scores("crisis", texts)
    beside = {one.name: measures.auc(one.scores(texts), truth) for one in others}
    bounded = np.clip(ours, 1e-6, 1 - 1e-6)
    crossed, alone = _by_user(posts, truth, np.log(bounded / (1 - bounded)))
    return [
        Figure("C-SSRS posts, AUC, never trained on", measures.auc(ours, truth), least=0.80, beside=beside),
        Figure(
            "C-SSRS posts, AUC, trained on other users' (not shipped)",
            crossed,
            least=0.86,
            beside={"TF-IDF + logistic": alone},
        ),
    ]


def _by_user(posts: Sequence[Row], truth: Sequence[bool], ours: Any) -> tuple[float, float]:
    """Cross-validated by user: our score and n-grams together, and TF-IDF alone."""
    from scipy.sparse import csr_matrix, hstack  # noqa: PLC0415 - with the training libraries
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - see above
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - see above
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415 - see above

    texts, labels = [row.text for row in posts], np.array(truth)
    both, alone = np.zeros(len(posts)), np.zeros(len(posts))
    for known, unknown in GroupKFold(5).split(texts, labels, [row.group for row in posts]):
        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        first = words.fit_transform([texts[i] for i in known])
        x = hstack([first, csr_matrix(ours[known].reshape(-1, 1) / 8)]).tocsr()
        model = LogisticRegression(C=3, solver="liblinear", class_weight="balanced", random_state=0)
        model.fit(x, labels[known])
        last = words.transform([texts[i] for i in unknown])
        both[unknown] = model.decision_function(
            hstack([last, csr_matrix(ours[unknown].reshape(-1, 1) / 8)]).tocsr()
        )
        plain = baselines.Tfidf([texts[i] for i in known], list(labels[known]), [1.0] * len(known))
        alone[unknown] = plain.scores([texts[i] for i in unknown])
    return measures.auc(both, truth), measures.auc(alone, truth)


def _hard(reader: Reader, others: Sequence[Any]) -> list[Figure]:
    cases = [
        json.loads(line) for line in (FOLDER / "crisis_functional.jsonl").read_text("utf-8").splitlines()
    ]
    found = reader.read([case["text"] for case in cases])
    crisis = [one.level is Level.CRISIS for one in found]
    meant = [case["expected_level"] == "crisis" for case in cases]
    may = [
        meant_ or "crisis" in (case.get("also_ok") or ()) for case, meant_ in zip(cases, meant, strict=True)
    ]
    right = [
        one.level.word in (said := {case["expected_level"], *(case.get("also_ok") or ())})
        or ("abuse" in said and one.scores["abuse"] >= 0.5)
        for one, case in zip(found, cases, strict=True)
    ]
    groups = dict(measures.by_group(right, [case["group"] for case in cases]))
    recall = np.mean([one for one, wanted in zip(crisis, meant, strict=True) if wanted])
    specific = np.mean([not one for one, allowed in zip(crisis, may, strict=True) if not allowed])
    beside: dict[str, dict[str, float]] = {"recall": {}, "specificity": {}}
    for one in others:
        said = one.scores([case["text"] for case in cases]) >= 0.5
        beside["recall"][one.name] = float(np.mean(said[np.array(meant)]))
        beside["specificity"][one.name] = float(np.mean(~said[~np.array(may)]))
    return [
        Figure("hard cases, recall of crisis", float(recall), least=0.97, beside=beside["recall"]),
        Figure("hard cases, specificity", float(specific), least=0.93, beside=beside["specificity"]),
        Figure("hard cases, worst of the groups", min(groups.values()), least=0.80, groups=groups),
    ]


def _ordinary(reader: Reader, others: Sequence[Any]) -> list[Figure]:
    texts = [row.text for name in ("goemotions", "clinc150", "davidson") for row in rows(name)][::4]
    found = reader.read(texts)
    said = float(np.mean([one.level is Level.CRISIS for one in found]))
    raised = float(np.mean([one.level <= Level.AMBER for one in found]))
    beside = {one.name: float(np.mean(one.scores(texts) >= 0.5)) for one in others if one.name != "VADER"}
    return [
        Figure("ordinary texts called crisis", said, most=0.003, beside=beside),
        Figure("ordinary texts at amber or above", raised),
    ]


def _attacks(reader: Reader) -> list[Figure]:
    cases = rows("hatecheck")
    texts, meant = [row.text for row in cases], np.array([row.label == "hateful" for row in cases])
    made = train.abuse()
    others = [
        baselines.Vader(),
        baselines.slurs(),
        baselines.Tfidf(*(list(part) for part in zip(*made, strict=True))),
    ]
    right = (reader.scores("abuse", texts) >= 0.5) == meant
    groups = dict(measures.by_group(right, [row.group for row in cases]))
    beside = {one.name: float(np.mean((one.scores(texts) >= 0.5) == meant)) for one in others}
    passed = sum(share >= 0.7 for share in groups.values())
    tweets = [row for row in halves("davidson")[1] if row.label != "hate"]
    spoken = [bool(_DIALECT & set(row.text.casefold().split())) for row in tweets]
    blamed = reader.scores("abuse", [row.text for row in tweets]) >= 0.5
    gap = float(blamed[np.array(spoken)].mean() - blamed[~np.array(spoken)].mean())
    return [
        Figure("HateCheck, accuracy", float(right.mean()), least=0.80, beside=beside),
        Figure("HateCheck, functions passed at 70 % of 29", passed, least=24, groups=groups),
        Figure("HateCheck, worst function", min(groups.values()), least=0.4),
        Figure("tweets that are no hate called an attack", float(blamed.mean())),
        Figure("dialect gap: more often in words of African-American English", gap),
    ]


def _spam(reader: Reader) -> list[Figure]:
    """Cross-validated: the shipped weights have seen all of these posts."""
    posts = shuffled(rows("youtube_spam"))
    truth = [row.label == "spam" for row in posts]
    ours, plain = np.zeros(len(posts)), np.zeros(len(posts))
    cues = [one.scores["spam"] for one in reader.cues([row.text for row in posts])]
    for fold in range(5):
        unknown = list(range(fold, len(posts), 5))
        made = train.spam([row for place, row in enumerate(posts) if place % 5 != fold])
        model = train.Fit("spam", made)
        ours[unknown] = [max(model.chance(posts[place].text), cues[place]) for place in unknown]
        other = baselines.Tfidf(*(list(part) for part in zip(*made, strict=True)))
        plain[unknown] = other.scores([posts[place].text for place in unknown])
    beside = {"TF-IDF + logistic": measures.f1(plain >= 0.5, truth)}
    return [Figure("spam, F1, cross-validated", measures.f1(ours >= 0.5, truth), least=0.93, beside=beside)]


def _languages(reader: Reader) -> list[Figure]:
    own = [row for row in rows("authored_seed") if row.label == "crisis"]
    found = []
    for lang in _LANGUAGES:
        texts = [row.text for row in own if row.lang == lang][:300]
        urgent = float(np.mean([one.level <= Level.RED for one in reader.read(texts)])) if texts else 0.0
        found.append(Figure(f"own sentences of crisis at red or above, {lang}", urgent))
    return found


def _speed(reader: Reader) -> list[Figure]:
    texts = [row.text for row in halves("goemotions")[1][:3000]]
    reader.read(texts[:300])
    times = []
    for text in texts:
        began = time.process_time_ns()
        reader.read([text])
        times.append((time.process_time_ns() - began) / 1e6)
    return [
        Figure("speed, messages a second of one core", 1000 / float(np.mean(times)), least=1500),
        Figure("speed, ms for a message, p99", float(np.percentile(times, 99)), most=3.0),
    ]


def measure(say: Console) -> list[Figure]:
    """Everything, in the order of the targets."""
    reader, made = Reader(), train.risk()
    others = [
        baselines.Vader(),
        baselines.Keywords(),
        baselines.Tfidf(*(list(part) for part in zip(*made, strict=True))),
    ]
    parts: list[tuple[str, Callable[[], list[Figure]]]] = [
        ("hard cases", lambda: _hard(reader, others)),
        ("posts", lambda: _posts(reader, others)),
        ("ordinary texts", lambda: _ordinary(reader, others)),
        ("field mix", lambda: _ordered(reader, others)),
        ("attacks", lambda: _attacks(reader)),
        ("spam", lambda: _spam(reader)),
        ("languages", lambda: _languages(reader)),
        ("speed", lambda: _speed(reader)),
    ]
    found: list[Figure] = []
    for name, part in parts:
        began = time.monotonic()
        found += part()
        say.print(f"[dim]{name}: {time.monotonic() - began:.0f} s[/dim]")
    return found


def show(found: Sequence[Figure], say: Console) -> None:
    """The table for people: what, ours, target, the others, and the groups that fall short."""
    table = Table("what", "triage", "target", "holds", "beside it", box=None, pad_edge=False)
    for one in found:
        target = (
            f">= {one.least:g}"
            if one.least is not None
            else f"<= {one.most:g}"
            if one.most is not None
            else ""
        )
        holds = {True: "yes", False: "NO", None: ""}[one.holds]
        beside = ", ".join(f"{name} {value:.3f}" for name, value in one.beside.items())
        table.add_row(one.what, f"{one.value:.4g}", target, holds, beside)
    say.print(table)
    for one in found:
        short = {name: round(share, 2) for name, share in one.groups.items() if share < 0.8}
        if short:
            say.print(f"{one.what}, groups under 80 %: {short}")


def main() -> None:
    """Measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path, action="append", default=[])
    chosen = options.parse_args()
    if not there():
        sys.exit(
            "The research folder is not here. Set HEARTHLIGHT_SHARED to the folder that holds data/triage."
        )
    say = Console(width=200)
    found = measure(say)
    show(found, say)
    held = [one.holds for one in found if one.holds is not None]
    say.print(f"{sum(held)} of {len(held)} targets hold")
    told = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "figures": [asdict(one) | {"holds": one.holds} for one in found],
    }
    for path in (_DEFAULT, *chosen.json):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
