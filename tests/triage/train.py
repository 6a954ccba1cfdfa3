"""Train the learned layer: `make train`. The same data and seeds give the same weights, byte for byte.

scikit-learn is needed only here. What may be trained on, and what not, is said in `tests.triage.data`.
"""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from moderator_app.desk import cue_language, learned
from moderator_app.desk.cue_words import cut
from moderator_app.paths import resource
from tests.triage import generate
from tests.triage.data import Row, halves, rows, sentences

VERSION: Final = "2026-11-23"
_SADNESS: Final = frozenset({"sadness", "grief", "remorse", "fear", "nervousness", "disappointment"})
_HARSH: Final = frozenset({"anger", "annoyance", "disgust", "disapproval"})
# How the parts of the risk are weighed. By hand: nothing that may be shipped is labelled with all of them.
_MIX: Final = {"cue": 1.6, "urgent": 0.5, "distress": 0.2, "who": 2.0, "length": 1.0}
_MIX_BIAS: Final = -4.5
_AMBER: Final = -5.5  # of the risk, a logit: what is green by its cues is amber from here on
_HATE: Final = 0.9  # of the chance of an attack: from here on it is a reason, amber

Labelled = list[tuple[str, bool, float]]  # a text, what it is, and its weight


def _of(texts: Iterable[str], yes: bool, weight: float) -> Labelled:
    return [(text, yes, weight) for text in texts]


def _texts(found: Iterable[Row]) -> list[str]:
    return [row.text for row in found]


def risk() -> Labelled:
    """Our own sentences of people at risk against everything that is not."""
    own = rows("authored_seed")
    worries = [one for row in halves("counselchat")[0] for one in sentences(row.text)]
    return [
        *_of(_texts(row for row in own if row.label == "crisis"), True, 1.0),
        *_of(_texts(row for row in own if row.label == "red"), True, 0.5),
        *_of(_texts(row for row in own if row.label in {"amber", "green"}), False, 1.0),
        *_of(_texts(row for row in own if row.label == "abuse"), False, 0.5),
        *_of(_texts(halves("goemotions")[0][:25_000]), False, 1.0),
        *_of(_texts(halves("clinc150")[0][:5_000]), False, 0.5),
        *_of(_texts(halves("davidson")[0][:5_000]), False, 0.5),
        *_of(worries, False, 0.3),
    ]


def distress() -> Labelled:
    """Sad and frightened words against cheerful and plain ones."""
    own, comments = rows("authored_seed"), halves("goemotions")[0]
    worries = [one for row in halves("counselchat")[0] for one in sentences(row.text)]
    sad = _texts(row for row in comments if row.label in _SADNESS)
    sad += worries + _texts(row for row in own if row.label in {"crisis", "red", "amber"})
    calm = _texts(row for row in comments if row.label not in _SADNESS)
    calm += _texts(row for row in own if row.label == "green") + _texts(halves("clinc150")[0][:4_000])
    even = len(calm) / len(sad)
    return [*_of(sad, True, even), *_of(calm, False, 1.0)]


def abuse() -> Labelled:
    """Attacks on groups of people, by their shape: mostly our own sentences of each kind and its opposite."""
    own, comments = rows("authored_seed"), halves("goemotions")[0]
    tweets = halves("davidson")[0]
    made = generate.made("attack", 30_000)
    return [
        *((text, yes, 1.0) for text, yes in made),
        *((row.text, row.label == "hateful", 0.25) for row in halves("hatemoji_build")[0]),
        *_of(_texts(row for row in tweets if row.label == "hate"), True, 0.4),
        *_of(_texts(row for row in tweets if row.label == "neither"), False, 0.15),
        # Curses among friends: without these, words of African-American English would count as attacks.
        *_of(_texts(row for row in tweets if row.label == "offensive")[:6_000], False, 0.06),
        *_of(_texts(row for row in own if row.label != "abuse" and row.lang == "en")[:2_500], False, 0.5),
        *_of(_texts(row for row in comments if row.label not in _HARSH)[:5_000], False, 0.15),
        *_of(_texts(halves("clinc150")[0][::10]), False, 0.15),
    ]


def spam(posts: Sequence[Row] | None = None) -> Labelled:
    """Advertising under posts; all that we have of them where it is not said which."""
    own, comments = rows("authored_seed"), halves("goemotions")[0]
    return [
        *((row.text, row.label == "spam", 15.0) for row in posts or rows("youtube_spam")),
        *((text, yes, 0.4) for text, yes in generate.made("spam", 1_500)),
        *_of(_texts(comments[:4_000]), False, 0.2),
        *_of(_texts(own[::4]), False, 0.2),
    ]


def shapes_of(text: str) -> Any:
    """The shapes of an English text, as the program folds it."""
    pack = cue_language.pack("en")
    return learned.shapes(pack.folder.sentences(cut(text)), pack.ordinary)


def table(places: Sequence[Any], size: int) -> csr_matrix:
    """Rows of hashed features, each of length one."""
    begins = np.cumsum([0, *(len(one) for one in places)])
    values = np.concatenate([np.full(len(one), 1 / np.sqrt(max(1, len(one)))) for one in places])
    return csr_matrix((values, np.concatenate(places), begins), shape=(len(places), size))


# How strongly each question may follow its data, and by how much it leans towards yes, in logits: a missed
# attack and missed spam cost more than one too many.
_STRENGTH: Final = {"risk": 10.0, "distress": 5.0, "abuse": 10.0, "spam": 60.0}
_LEAN: Final = {"risk": 0.0, "distress": 0.0, "abuse": 0.9, "spam": 0.6}


class Fit:
    """The weights and the bias of one question."""

    def __init__(self, name: str, found: Labelled) -> None:
        self._shaped = name == "abuse"
        size = learned.SHAPES_SIZE if self._shaped else learned.WORDS_SIZE
        model = LogisticRegression(C=_STRENGTH[name], solver="liblinear", max_iter=300, random_state=0)
        labels, weights = [yes for _, yes, _ in found], [weight for _, _, weight in found]
        model.fit(table([self._places(text) for text, _, _ in found], size), labels, sample_weight=weights)
        self.weights = model.coef_[0].astype(np.float16)
        self.bias = round(float(model.intercept_[0]) + _LEAN[name], 4)

    def _places(self, text: str) -> Any:
        return shapes_of(text) if self._shaped else learned.ngrams(text)

    def chance(self, text: str) -> float:
        """What it says of one text."""
        places = self._places(text)
        told = self.weights[places].astype(np.float32).sum() / np.sqrt(max(1, len(places)))
        return learned.chance(float(told) + self.bias)


def write(path: Path, weights: Mapping[str, Any]) -> None:
    """As numpy does, but without the time of day, so that the same weights are the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in weights.items():
            raw = io.BytesIO()
            np.lib.format.write_array(raw, values, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, raw.getvalue())


def main() -> None:
    """Train all four and write them beside their card."""
    weights, bias = {}, {"mix": _MIX_BIAS}
    for name, found in (("risk", risk()), ("distress", distress()), ("abuse", abuse()), ("spam", spam())):
        fit = Fit(name, found)
        weights[name], bias[name] = fit.weights, fit.bias
        Console().print(f"{name}: {len(found):,} texts, {int((fit.weights != 0).sum()):,} weights")
    folder = Path(resource("triage"))
    folder.mkdir(exist_ok=True)
    write(folder / "weights.npz", weights)
    card = {
        "version": VERSION,
        "what": "linear weights over hashed n-grams (risk, distress, spam) and shapes of sentences (abuse)",
        "trained on": {
            "authored_seed and tests/triage/sentences.toml": "our own sentences",
            "goemotions": "Demszky et al. 2020, Apache-2.0 / CC BY 4.0",
            "clinc150": "Larson et al. 2019, CC BY 3.0",
            "counselchat": "questions to counsellors, MIT; no text of it is shipped",
            "davidson": "Davidson et al. 2017, MIT; known bias against African-American English, low weight",
            "hatemoji_build": "Kirk et al. 2022, CC BY 4.0",
            "youtube_spam": "Alberto et al. 2015 (UCI), CC BY 4.0",
        },
        "never trained on": ["crisis_functional", "hatecheck", "cssrs500"],
        "bias": bias,
        "mix": _MIX,
        "thresholds": {"amber": _AMBER, "hate": _HATE},
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
