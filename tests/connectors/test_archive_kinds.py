"""Exports of known makers: surveys of Google Forms and LimeSurvey, chats of WhatsApp and Discord."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.archive import ArchiveConnector, inspect
from connectors.archive_dates import iso, month_first
from connectors.contract import Audience, RemoteMessage

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


def messages(path: Path) -> list[RemoteMessage]:
    pages = list(ArchiveConnector({"path": str(path)}, {}).pull("import", ""))
    assert sum(page.skipped for page in pages) == 0
    return [m for page in pages for m in page.messages]


def table(rows: list[list[str]], mark: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=mark).writerows(rows)
    return out.getvalue()


def packed(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


# ---------------------------------------------------------------------- surveys


@pytest.mark.parametrize(
    ("first", "stamp", "when"),
    [
        ("Timestamp", "2026/11/05 9:14:07 PM GMT+1", datetime(2026, 11, 5, 20, 14, 7, tzinfo=UTC)),
        ("Timestamp", "11/5/2026 21:14:07", datetime(2026, 11, 5, 21, 14, 7, tzinfo=UTC)),
        ("Timestamp", "25/11/2026 21:14:07", datetime(2026, 11, 25, 21, 14, 7, tzinfo=UTC)),
        ("Zeitstempel", "05.11.2026 21:14:07", datetime(2026, 11, 5, 21, 14, 7, tzinfo=UTC)),
        ("Horodateur", "05/11/2026 21:14:07", datetime(2026, 11, 5, 21, 14, 7, tzinfo=UTC)),
    ],
)
def test_google_forms_in_several_languages(write: Write, first: str, stamp: str, when: datetime) -> None:
    rows = [
        [first, "What helped you this week?", "Which evenings suit you?", "Anything else?"],
        [stamp, "The walk on Sunday", "Tuesday, Thursday", ""],
    ]
    (one,) = messages(write("answers.csv", table(rows)))
    assert one.created_at == when
    assert one.text == (
        "What helped you this week?\nThe walk on Sunday\n\nWhich evenings suit you?\nTuesday, Thursday"
    )
    assert one.person is None
    assert one.audience is Audience.PRIVATE


def test_google_forms_with_one_question_and_an_address(write: Write) -> None:
    rows = [
        ["Timestamp", "Email Address", "How was it?"],
        ["2026/11/05 9:14:07 AM", "ada@one.example", "Warm"],
    ]
    (one,) = messages(write("answers.csv", table(rows)))
    assert one.text == "Warm"
    assert one.person is not None
    assert one.person.handle == "ada@one.example"


LIME_CODES = ["id", "submitdate", "lastpage", "startlanguage", "seed", "ipaddr", "q1", "q2[SQ001]"]
LIME_WORDS = [
    "Response ID",
    "Date submitted",
    "Last page",
    "Start language",
    "Seed",
    "IP address",
    "What helped?",
    "How much?",
]
LIME_BOTH = [f"{code}. {said}" for code, said in zip(LIME_CODES, LIME_WORDS, strict=True)]


@pytest.mark.parametrize("columns", [LIME_CODES, LIME_WORDS, LIME_BOTH])
@pytest.mark.parametrize("mark", [",", ";"])
def test_limesurvey_with_codes_with_words_and_with_both(write: Write, columns: list[str], mark: str) -> None:
    rows = [columns, ["7", "2026-11-05 21:14:07", "3", "de", "88", "192.0.2.7", "Der Spaziergang", "sehr"]]
    (one,) = messages(write("results.csv", f"\ufeff{table(rows, mark)}"))
    assert (one.id, one.lang) == ("7", "de")
    assert one.created_at == datetime(2026, 11, 5, 21, 14, 7, tzinfo=UTC)
    assert "Der Spaziergang" in one.text
    assert "192.0.2.7" not in repr(one), "where somebody was is nobody's answer"
    assert "88" not in one.text


def test_an_answer_that_was_begun_and_never_sent_keeps_its_time(write: Write) -> None:
    columns = ["id", "submitdate", "startdate", "q1"]
    begun = ["8", "1980-01-01 00:00:00", "2026-11-05 20:00:00", "Half of it"]
    rows = [columns, begun, ["9", "", "2026-11-06 20:00:00", "Too"]]
    first, second = messages(write("results.csv", table(rows)))
    assert second.created_at == datetime(2026, 11, 6, 20, tzinfo=UTC)
    assert first.text == "Half of it"
    assert first.created_at == datetime(2026, 11, 5, 20, tzinfo=UTC)


# ---------------------------------------------------------------------- WhatsApp

ANDROID = """05/11/2026, 21:14 - Messages and calls are end-to-end encrypted.
05/11/2026, 21:14 - Ada: Is anybody awake?
I cannot sleep.
05/11/2026, 21:15 - Bo R.: Here: me. What keeps you up?
25/11/2026, 07:02 - Ada: <Media omitted>
"""
IOS = (
    "\u200e[05.11.26, 21:14:33] Circle: \u200eYou created this group\n"
    "[05.11.26, 21:14:40] Ada: Is anybody awake?\nI cannot sleep.\n"
    "[05.11.26, 21:15:02] Bo R.: Here: me. What keeps you up?\n"
)
AMERICAN = (
    "11/5/26, 9:14\u202fPM - Ada: Is anybody awake?\nI cannot sleep.\n"
    "11/25/26, 12:02\u202fAM - Bo R.: Here: me. What keeps you up?\n"
)


@pytest.mark.parametrize("text", [ANDROID, IOS, AMERICAN], ids=["android", "ios", "american"])
def test_a_chat_of_whatsapp(write: Write, text: str) -> None:
    said = [m for m in messages(write("chat.txt", text)) if m.person and m.person.handle in ("Ada", "Bo R.")]
    assert said[0].text == "Is anybody awake?\nI cannot sleep."
    assert said[1].text == "Here: me. What keeps you up?"
    assert (said[0].created_at.month, said[0].created_at.day, said[0].created_at.hour) == (11, 5, 21)
    assert {m.thread_id for m in said} == {"whatsapp"}
    assert {m.audience for m in said} == {Audience.PRIVATE}


def test_midnight_in_the_american_way(write: Write) -> None:
    assert messages(write("chat.txt", AMERICAN))[1].created_at == datetime(2026, 11, 25, 0, 2, tzinfo=UTC)


def test_a_zipped_chat_leaves_its_pictures_alone(write: Write) -> None:
    files: dict[str, str | bytes] = {"_chat.txt": IOS} | {
        f"{n}-PHOTO.jpg": b"\xff\xd8\0\0" for n in range(1200)
    }
    assert len(messages(write("WhatsApp Chat.zip", packed(files)))) == 3


def test_importing_a_longer_export_finds_the_same_ids(write: Write) -> None:
    first = {m.id for m in messages(write("chat.txt", ANDROID))}
    longer = messages(write("chat.txt", ANDROID + "26/11/2026, 08:00 - Ada: Good morning\n"))
    assert first < {m.id for m in longer}


# ---------------------------------------------------------------------- Discord


def test_what_discordchatexporter_writes(write: Write) -> None:
    export = {
        "guild": {"id": "1", "name": "Harbour"},
        "channel": {"id": "22", "type": "GuildTextChat", "name": "evening-lounge"},
        "dateRange": {"after": None, "before": None},
        "messages": [
            {
                "id": "901", "type": "Default", "timestamp": "2026-11-05T21:14:07.123+01:00",
                "content": "Is anybody awake?", "author": {"id": "7", "name": "ada", "nickname": "Ada L."},
                "attachments": [], "reference": None,
            },
            {
                "id": "902", "type": "Reply", "timestamp": "2026-11-05T21:15:07+01:00", "content": "",
                "author": {"id": "8", "name": "bo"}, "attachments": [{"fileName": "lake.png"}],
                "reference": {"messageId": "901"},
            },
        ],
        "messageCount": 2,
    }  # fmt: skip
    first, second = messages(write("export.json", json.dumps(export, indent=2)))
    assert first.person is not None
    assert (first.id, first.person.id, first.person.name) == ("901", "7", "Ada L.")
    assert first.created_at == datetime(2026, 11, 5, 20, 14, 7, 123000, tzinfo=UTC)
    assert (first.thread_id, first.channel) == ("22", "evening-lounge")
    assert (second.parent_id, second.text) == ("901", "[lake.png]")


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_package_of_ones_own_data(write: Write, kind: str) -> None:
    rows = [
        {"ID": "901", "Timestamp": "2026-11-05 20:14:07", "Contents": "Good evening", "Attachments": ""},
        {"ID": "902", "Timestamp": "2026-11-05 20:15:07", "Contents": "", "Attachments": "https://x.example/a.png"},
    ]  # fmt: skip
    cells = [list(rows[0]), *(list(row.values()) for row in rows)]
    files: dict[str, str | bytes] = {
        "account/user.json": json.dumps({"id": "7", "email": "ada@one.example"}),
        "messages/index.json": json.dumps({"22": "evening-lounge in Harbour"}),
        "messages/c22/channel.json": json.dumps({"id": "22"}),
        f"messages/c22/messages.{kind}": json.dumps(rows) if kind == "json" else table(cells),
    }
    first, second = messages(write("package.zip", packed(files)))
    assert (first.id, first.text, first.thread_id) == ("901", "Good evening", "22")
    assert first.channel == "evening-lounge in Harbour"
    assert second.text == "[https://x.example/a.png]"


def test_a_look_before_the_import_names_the_columns(write: Write) -> None:
    found = inspect(write("chat.txt", ANDROID))
    assert (found.mapping.text, found.mapping.author, found.mapping.time) == ("text", "author", "time")


# ---------------------------------------------------------------------- dates


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31)), st.booleans())  # noqa: DTZ001 - exports have no zone
def test_dates_come_back_in_either_order(when: datetime, american: bool) -> None:
    when = when.replace(microsecond=0)
    day = f"{when.month}/{when.day}" if american else f"{when.day}/{when.month}"
    half = "PM" if when.hour >= 12 else "AM"
    for written in (
        f"{day}/{when.year}, {when:%H:%M:%S}",
        f"{day}/{when:%y}, {(when.hour % 12) or 12}:{when:%M:%S} {half}",
    ):
        assert datetime.fromisoformat(iso(written, month_first=american)) == when


@pytest.mark.parametrize(
    ("written", "american"),
    [
        (["5/11/26, 9:14 PM", "25/11/26, 9:14 PM"], False),
        (["5/11/26, 9:14 PM", "11/25/26, 9:14 PM"], True),
        (["5/11/26, 9:14 PM"], True),
        (["5/11/26, 21:14"], False),
        (["5.11.26, 9:14 PM"], False),
        (["2026-11-05 21:14"], False),
        ([], False),
    ],
)
def test_the_order_of_day_and_month_is_what_the_file_shows(written: list[str], american: bool) -> None:
    assert month_first(written) is american


def test_a_zone_is_kept() -> None:
    found = datetime.fromisoformat(iso("2026/11/05 9:14:07 PM GMT-3:30", month_first=False))
    assert found == datetime(2026, 11, 5, 21, 14, 7, tzinfo=timezone(-timedelta(hours=3, minutes=30)))


@given(st.text())
def test_no_text_makes_the_dates_stumble(written: str) -> None:
    iso(written, month_first=True)
    month_first([written])
