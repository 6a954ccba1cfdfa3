"""Our own sentences, made from `sentences.toml`: attacks and spam, and what only looks like them."""

import random
import tomllib
from pathlib import Path
from typing import Any, Final

_DATA: Final = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text("utf-8"))
_SHARE_BEFORE, _SHARE_AFTER, _SHARE_CAPITAL, _SHARE_SLIP, _SHARE_EVASION = 0.12, 0.4, 0.5, 0.1, 0.12


def made(name: str, many: int, seed: int = 5) -> list[tuple[str, bool]]:
    """So many sentences of "attack" or "spam", half of them such and half of them not; always the same."""
    data, chance = _DATA[name], random.Random(seed)
    found = []
    for _ in range(many):
        yes = chance.random() < 0.5
        shape = chance.choice(data["yes" if yes else "no"])
        filled = shape.format(**{blank: chance.choice(words) for blank, words in data["fill"].items()})
        found.append((_worn(filled, data, chance, evasive=yes), yes))
    return found


def _worn(text: str, data: dict[str, Any], chance: random.Random, *, evasive: bool) -> str:
    """As people type it: something before and after, capitals or none, a slip, a digit for a letter."""
    if chance.random() < _SHARE_BEFORE:
        text = chance.choice(data["before"]) + text
    if chance.random() < _SHARE_AFTER:
        text += chance.choice(data["after"])
    if chance.random() < _SHARE_CAPITAL:
        text = text[0].upper() + text[1:]
    if evasive and chance.random() < _SHARE_SLIP:
        place = chance.randrange(1, len(text) - 1)
        text = text[:place] + text[place + 1 :]
    if evasive and chance.random() < _SHARE_EVASION:
        text = text.replace("a", "4").replace("e", "3") if chance.random() < 0.4 else text.replace(" ", "", 1)
    return text
