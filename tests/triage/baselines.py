"""What anybody would try first, measured beside triage on the same splits."""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

_KEYWORDS: Final = re.compile(
    r"\b(suicid\w*|kill(ing)? myself|end(ing)? (it all|my life)|want(ed)? to die|better off dead"
    r"|self[ -]?harm\w*|hurt(ing)? myself|no reason to live|don'?t want to live|not worth living"
    r"|overdos\w*)\b",
    re.IGNORECASE,
)
_SLURS: Final = re.compile(
    r"\b(hate|disgusting|kill|scum|vermin|stupid|idiots?|fuck\w*|bitch\w*|retard\w*)\b", re.IGNORECASE
)


class Vader:
    """The more negative, the more urgent."""

    name = "VADER"

    def __init__(self) -> None:
        self._analyser = SentimentIntensityAnalyzer()

    def scores(self, texts: Sequence[str]) -> Any:
        return np.array([-self._analyser.polarity_scores(text)["compound"] for text in texts])


class Keywords:
    """How many of a handful of words there are."""

    name = "keywords"

    def __init__(self, words: "re.Pattern[str]" = _KEYWORDS) -> None:
        self._words = words

    def scores(self, texts: Sequence[str]) -> Any:
        return np.array([float(len(self._words.findall(text))) for text in texts])


def slurs() -> Keywords:
    """A handful of words of attacks."""
    return Keywords(_SLURS)


class Tfidf:
    """TF-IDF of words and logistic regression, trained on what the learned layer is trained on."""

    name = "TF-IDF + logistic"

    def __init__(self, texts: Sequence[str], labels: Sequence[bool], weights: Sequence[float]) -> None:
        self._model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=200_000),
            LogisticRegression(C=10, solver="liblinear", random_state=0),
        )
        self._model.fit(texts, labels, logisticregression__sample_weight=list(weights))

    def scores(self, texts: Sequence[str]) -> Any:
        return self._model.predict_proba(texts)[:, 1]
