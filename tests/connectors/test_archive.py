"""Exports as people really have them: odd delimiters, odd encodings, broken rows, mail, archives."""

import csv
import io
import json
import os
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.archive import ArchiveConnector, FieldMapping, Format, inspect
from connectors.archive_mapping import from_json, read_time
from connectors.contract import Audience, Command, Kind, RemoteGone, RemoteMessage, Verb
from connectors.errors import Reason, Refused

SHARED = Path(os.environ.get("HEARTHLIGHT_SHARED") or Path(__file__).parents[3] / "shared")


def pull(path, mapping=None, state="", since=None):
    values = {"path": str(path)} | ({"mapping": mapping.to_json()} if mapping else {})
    return list(ArchiveConnector(values, {}).pull("import", state, since))


def messages(path, mapping=None):
    return [m for page in pull(path, mapping) for m in page.messages]


@pytest.fixture
def write(tmp_path):
    def _write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


# ---------------------------------------------------------------------- CSV


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_in_every_dress(write, mark, encoding):
    rows = [
        ["comment_id", "Author", "Created At", "Body"],
        ["1", "ana", "2026-11-20T10:00:00Z", 'Grüße; all, "well"\ttoday | yes'],
        ["2", "bo", "2026-11-20 12:30", "two\nlines"],
    ]
    out = io.StringIO()
    csv.writer(out, delimiter=mark).writerows(rows)
    path = write("export.dat", out.getvalue().encode(encoding))
    first, second = messages(path)
    assert (first.id, first.text) == ("1", rows[1][3])
    assert first.person
    assert first.person.handle == "ana"
    assert first.created_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert second.text == "two\nlines"


def test_windows_encoding_is_read(write):
    (one,) = messages(write("old.csv", "id;text\n1;Schöne Grüße\n".encode("cp1252")))
    assert one.text == "Schöne Grüße"


def test_broken_rows_are_counted_and_named(write):
    path = write("a.csv", "id,text\n1,fine\n2,too,many,fields\n3\n4,fine too\n")
    connector = ArchiveConnector({"path": str(path)}, {})
    (page,) = connector.pull("import", "")
    assert [m.id for m in page.messages] == ["1", "4"]
    assert page.skipped == 2
    assert [trouble.line for trouble in connector.troubles] == [3, 4]
    assert "too" not in connector.troubles[0].why


def test_importing_twice_adds_nothing(write):
    path = write("a.csv", "text,author\nhello,ana\nhello,ana\nhello,bo\n")
    first = [m.id for m in messages(path)]
    assert len(set(first)) == 3
    assert [m.id for m in messages(path)] == first
    longer = write("b.csv", "text,author\nhello,ana\nhello,ana\nhello,bo\nnew,bo\n")
    assert [m.id for m in messages(longer)][:3] == first


def test_missing_time_keeps_the_order(write):
    path = write("a.csv", "text\n" + "".join(f"row {n}\n" for n in range(50)))
    times = [m.created_at for m in messages(path)]
    assert times == sorted(set(times))
    assert abs(datetime.now(UTC) - times[0]) < timedelta(days=2)


def test_fields_of_a_row_find_their_place(write):
    path = write(
        "a.csv",
        "Message ID,Thread ID,User Name,Sent At,Content,Type,Language,Parent ID,Subject\n"
        "7,t1,ana,1795000000,hola,dm,es,6,Saludos\n",
    )
    (one,) = messages(path)
    assert (one.id, one.thread_id, one.kind, one.lang) == ("7", "t1", Kind.DIRECT, "es")
    assert (one.parent_id, one.thread_title, one.audience) == ("6", "Saludos", Audience.PRIVATE)
    assert one.created_at == datetime.fromtimestamp(1795000000, UTC)


def test_mapping_of_ones_own_with_constants(write):
    path = write("a.csv", "nr;wer;was;wann\n1;ana;hallo;03/04/2026\n2;us;antwort;04/04/2026\n")
    mapping = FieldMapping(
        text="was",
        id="nr",
        author="wer",
        time="wann",
        time_format="%d/%m/%Y",
        us="us",
        constants={"lang": "de", "kind": "post", "channel": "Altes Forum"},
    )
    first, second = messages(path, mapping)
    assert (first.lang, first.kind, first.channel) == ("de", Kind.POST, "Altes Forum")
    assert first.created_at == datetime(2026, 4, 3, tzinfo=UTC)
    assert (first.ours, second.ours) == (False, True)
    assert from_json(mapping.to_json()) == mapping


@pytest.mark.parametrize("text", ["", "[]", "{", '{"nonsense": "x"}', '{"text": 3}', '{"constants": "x"}'])
def test_mapping_that_nobody_made_is_refused(text):
    with pytest.raises(Refused):
        from_json(text)


# ---------------------------------------------------------------------- JSON


def test_json_lines_with_nested_names(write):
    rows = [
        {"id": 1, "user": {"name": "ana", "age": 3}, "text": "hello", "tags": ["a"], "ok": True},
        {"id": 2, "user": None, "text": None},
    ]
    path = write("a.jsonl", "\n".join(map(json.dumps, rows)) + "\n{broken\n[1]\n")
    connector = ArchiveConnector({"path": str(path)}, {})
    (page,) = connector.pull("import", "")
    (one,) = page.messages
    assert (one.id, one.text) == ("1", "hello")
    assert page.skipped == 3
    assert [t.line for t in connector.troubles] == [2, 3, 4]
    assert inspect(path).columns == ("id", "user.name", "user.age", "text", "tags", "ok", "user")


def test_json_list_is_streamed(write):
    rows = [{"id": n, "text": f"number {n} " + "x" * 300} for n in range(1_201)]
    pages = pull(write("a.json", json.dumps(rows, indent=1)))
    assert [len(page.messages) for page in pages] == [500, 500, 201]
    assert [m.id for page in pages for m in page.messages] == [str(n) for n in range(1_201)]
    assert pages[-1].done == pages[-1].total


def test_json_list_that_breaks_off_keeps_what_came_before(write):
    path = write("a.json", '[{"id": 1, "text": "one"}, {"id": 2, "text": "tw')
    (page,) = pull(path)
    assert [m.id for m in page.messages] == ["1"]
    assert page.skipped == 1


def test_json_that_nests_without_end_is_no_danger(write):
    assert pull(write("a.jsonl", '{"text": ' + "[" * 100_000 + "\n"))[0].skipped == 1
    assert pull(write("b.json", "[" * 100_000))[0].skipped == 1


# ---------------------------------------------------------------------- mail

MBOX = b"""From ana@example.org Fri Nov 20 10:00:00 2026
Message-ID: <1@example.org>
From: =?utf-8?q?Ana_L=C3=B3pez?= <ana@example.org>
Subject: Meeting on Friday
Date: Fri, 20 Nov 2026 10:00:00 +0100
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Sch=F6n, see you.
>From now on I bring cake.

From bo@example.org Fri Nov 20 11:00:00 2026
Message-ID: <2@example.org>
References: <1@example.org>
In-Reply-To: <1@example.org>
From: bo@example.org
Subject: Re: Meeting on Friday
Date: Fri, 20 Nov 2026 11:00:00 +0100
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=x

--x
Content-Type: text/html; charset=utf-8

<html><head><style>p {}</style></head><body><p>Wonderful &amp; good.</p><p>Bo</p></body></html>
--x--

From cy@example.org Fri Nov 20 12:00:00 2026
Message-ID: <3@example.org>
From: Cy <cy@example.org>
Subject: AW: Re: Meeting on Friday
Date: not a date at all

I come as well.

"""


def test_mailbox_is_threaded(write):
    first, second, third = messages(write("mail", MBOX))
    assert first.text == "Schön, see you.\nFrom now on I bring cake."
    assert first.person
    assert (first.person.handle, first.person.name) == ("ana@example.org", "Ana López")
    assert first.created_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert second.text == "Wonderful & good.\n\nBo"
    assert second.parent_id == first.id
    assert {m.thread_id for m in (first, second, third)} == {first.id}
    assert {m.thread_title for m in (first, second, third)} == {"Meeting on Friday"}
    assert {m.kind for m in (first, second, third)} == {Kind.DIRECT}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    noise=st.lists(
        st.sampled_from([*MBOX.split(b"\n"), b"<![x[", b"=?x?q?=", b"\xff\x00", b"--x"]), max_size=40
    )
)
def test_mailbox_of_noise_never_fails(tmp_path, noise):
    path = tmp_path / "noise"
    path.write_bytes(b"From x\n" + b"\n".join(noise))
    pull(path)


# ---------------------------------------------------------------------- archives


def zipped(tmp_path, members, **options):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_zip_of_many_things(tmp_path):
    path = zipped(
        tmp_path,
        {
            "../../etc/evil.csv": "id,text\n1,one\n",
            "folder/b.jsonl": '{"id": 2, "text": "two"}\n',
            "picture.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 500,
            "inner.zip": b"PK\x03\x04 and so on",
        },
    )
    (page,) = pull(path)
    assert [m.text for m in page.messages] == ["one", "two"]
    assert page.skipped == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["export.zip"]
    assert inspect(path).format is Format.ZIP


def test_zip_bomb_is_refused(tmp_path):
    path = zipped(tmp_path, {"a.csv": b"text\n" + b"0" * 30_000_000})
    with pytest.raises(Refused) as refusal:
        pull(path)
    assert refusal.value.reason is Reason.INVALID
    assert "packed" in inspect(path).problems[0]


def test_encrypted_zip_says_so(tmp_path):
    path = zipped(tmp_path, {"a.csv": "text\nhello\n"})
    raw = bytearray(path.read_bytes())
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(magic) + place] |= 1
    path.write_bytes(raw)
    with pytest.raises(Refused, match="encrypted"):
        pull(path)
    assert "encrypted" in inspect(path).problems[0]


def test_damaged_zip_says_so(tmp_path):
    path = zipped(tmp_path, {"a.csv": "text\n" + "hello\n" * 5_000})
    raw = bytearray(path.read_bytes())
    raw[60:80] = b"\xff" * 20
    path.write_bytes(raw)
    assert sum(page.skipped for page in pull(path)) > 0
    path.write_bytes(raw[:90])
    with pytest.raises(Refused, match="damaged"):
        pull(path)


# ---------------------------------------------------------------------- inspection


def test_inspection_shows_the_first_rows_and_a_guess(write):
    path = write("a.csv", "id,created,user,body\n" + "".join(f"{n},x,ana,row {n}\n" for n in range(90)))
    seen = inspect(path)
    assert seen.format is Format.CSV
    assert seen.columns == ("id", "created", "user", "body")
    assert len(seen.sample_rows) == 20
    assert (seen.mapping.text, seen.mapping.author, seen.mapping.time) == ("body", "user", "created")
    assert any("times cannot be read" in one for one in seen.problems)


@pytest.mark.parametrize("content", ["", "\n\n", "id,text\n"])
def test_empty_file_says_so(write, content):
    path = write("a.csv", content)
    assert inspect(path).problems == ("The file holds no rows.",)
    assert pull(path) == []


def test_missing_file_says_so(tmp_path):
    assert "cannot be read" in inspect(tmp_path / "nowhere.csv").problems[0]
    connector = ArchiveConnector({"path": str(tmp_path / "nowhere.csv")}, {})
    for ask in (connector.authorize, connector.probe, lambda: list(connector.pull("import", ""))):
        with pytest.raises(Refused) as refusal:
            ask()
        assert refusal.value.reason is Reason.NOT_FOUND


# ---------------------------------------------------------------------- the connector


def test_crash_between_pages_goes_on_there(write):
    path = write("a.csv", "text\n" + "same words\n" * 1_400)
    whole = pull(path)
    assert [len(page.messages) for page in whole] == [500, 500, 400]
    rest = pull(path, state=whole[0].state)
    assert [m.id for page in rest for m in page.messages] == [
        m.id for page in whole[1:] for m in page.messages
    ]
    assert pull(path, state=whole[-1].state) == []


def test_file_that_grew_goes_on_and_one_that_changed_begins_again(write):
    path = write("a.csv", "id,text\n1,one\n2,two\n")
    (page,) = pull(path)
    write("a.csv", "id,text\n1,one\n2,two\n3,three\n")
    (grown,) = pull(path, state=page.state)
    assert [m.id for m in grown.messages] == ["3"]
    write("a.csv", "id,text\n9,other\n1,one\n2,two\n3,three\n")
    (again,) = pull(path, state=grown.state)
    assert [m.id for m in again.messages] == ["9", "1", "2", "3"]


def test_nothing_can_be_done_to_a_file(write):
    connector = ArchiveConnector({"path": str(write("a.csv", "id,text\n1,one\n"))}, {})
    abilities = connector.probe().verbs
    for verb in Verb:
        assert abilities[verb].why_not == "An imported file cannot be answered."
        with pytest.raises(Refused) as refusal:
            connector.perform(Command("k", verb, "1"))
        assert refusal.value.reason is Reason.UNSUPPORTED
    assert connector.find_sent(Command("k", Verb.REPLY, "1")) is None


def test_fetch_and_thread(write):
    path = write(
        "a.csv", "id,thread,created,text\n2,t,2026-02-02,two\n1,t,2026-01-01,one\n3,u,2026-01-03,three\n"
    )
    connector = ArchiveConnector({"path": str(path)}, {})
    found, missing = connector.fetch(["2", "9"])
    assert isinstance(found, RemoteMessage)
    assert missing == RemoteGone("9")
    assert [m.id for m in connector.thread("2")] == ["1", "2"]


def test_ten_megabytes_of_text_are_one_message(write):
    text = "word " * 2_000_000
    (one,) = messages(write("a.jsonl", json.dumps({"text": text}) + "\n"))
    assert one.text == text.strip()
    (two,) = messages(write("a.csv", f"id,text\n1,{text}\n"))
    assert len(two.text) == len(text.strip())


# ---------------------------------------------------------------------- hostile

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
_HOSTILE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_HOSTILE
@given(raw=st.binary(max_size=400) | st.text('a,;"\n\r\t|{}[]\\0', max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path, raw):
    path = tmp_path / "any"
    path.write_bytes(raw)
    inspect(path)
    try:
        found = messages(path)
    except Refused:
        return
    for message in found:
        message.text.encode()
        assert message.id
        assert message.created_at.utcoffset() == timedelta()


@_HOSTILE
@given(texts=st.lists(ANY_TEXT, max_size=12))
def test_json_lines_of_any_text_lose_nothing(tmp_path, texts):
    path = tmp_path / "any.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts) or "\n")
    mapping = FieldMapping(text="text")
    expected = [t.encode("utf-8", "replace").decode().replace("\0", "").strip() for t in texts]
    assert [m.text for m in messages(path, mapping)] == [t for t in expected if t]


@_HOSTILE
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40), max_size=12
    )
)
def test_csv_of_any_text_loses_nothing(tmp_path, texts):
    path = tmp_path / "any.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(texts))
    found = [m.text for m in messages(path, FieldMapping(text="text", id="id"))]
    assert found == [t.strip() for t in texts if t.strip()]


@_HOSTILE
@given(written=st.text(max_size=30) | st.integers().map(str) | st.floats().map(str))
def test_any_time_is_read_or_not(written):
    found = read_time(written)
    assert found is None or found.utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("written", "year"),
    [
        ("2026-11-22T10:00:00Z", 2026),
        ("20261122", 2026),
        ("1795000000", 2026),
        ("1795000000000", 2026),
        ("1795000000.5", 2026),
        ("Sun, 22 Nov 2026 10:00:00 +0200", 2026),
        ("22.11.2026 10:00", 2026),
        ("2026/11/22", 2026),
    ],
)
def test_usual_times(written, year):
    found = read_time(written)
    assert found
    assert found.year == year


# ---------------------------------------------------------------------- real data


@pytest.mark.shared
@pytest.mark.parametrize("name", ["clinc150", "hatecheck", "youtube_spam"])
def test_real_data_sets_are_imported_whole(name):
    path = SHARED / "data" / "triage" / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("The shared research folder is not here.")
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    pages = pull(path)
    found = [m for page in pages for m in page.messages]
    assert len(found) + sum(page.skipped for page in pages) == len(rows)
    assert len(found) == sum(1 for row in rows if row["text"].strip())
    assert len({m.id for m in found}) == len(found)
    assert [m.text for m in found] == [row["text"].strip() for row in rows if row["text"].strip()]
    assert pages[-1].done == pages[-1].total
