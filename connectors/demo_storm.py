"""The demo's worst day: what no platform documents and every platform sends sooner or later."""

import random
from datetime import timedelta

from connectors.demo_platform import DemoPlatform

_VANISHING, _BROKEN = 5, 11  # which of every 23 and 37 messages
HOSTILE_TEXTS = (
    "half a character \ud83d and another \udc00 half",
    "\u202eright to left override, then \u2066isolates\u2069 left open \u2067",
    "zero\u200bwidth\u200cspaces\u200d and a \ufeffmark \u2060between",
    "a NUL \0 in the middle and \x1b[31mterminal red\x07",
    "Z" + "\u0334\u0317\u0301" * 400 + "algo",
    (
        "family \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 flag \U0001f3f4\U000e0067"
        "\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f skin \U0001f44d\U0001f3fd"
    ),
    "<script>alert(1)</script> <img src=x> &amp; {slots} %s %(x)s \\n '; DROP TABLE message; --",
    "",
    " \n\t\u2028\u2029 ",
    "\ufdfd" * 300,
    "\U000f0000 private use \uffff noncharacter \ufffe",
)


def make_hostile(platform: DemoPlatform) -> None:
    """Add the worst day of a real platform: skewed clocks, broken records, huge texts."""
    now = platform.clock()
    root = platform.say(
        "@storm_glass", "A thread for stormy weather.", title="Stormy weather", channel="#storm"
    )
    thread = platform.conversation(root)[0].thread_id
    dice = random.Random(f"storm {platform.seed}")  # noqa: S311 - repeatable, no secret
    skews = (timedelta(), timedelta(days=400), timedelta(days=-9_000), timedelta(minutes=7))
    texts = [*HOSTILE_TEXTS, "word " * 2_000_000, *(f"gust number {n}" for n in range(240))]
    dice.shuffle(texts)
    for number, text in enumerate(texts):
        platform.post_raw(
            f"@storm_{number % 17}",
            text,
            thread,
            at=now + dice.choice(skews) - timedelta(minutes=dice.randint(0, 600)),
            vanishes=number % 23 == _VANISHING,
            unreadable=number % 37 == _BROKEN and text.startswith("gust"),
        )
