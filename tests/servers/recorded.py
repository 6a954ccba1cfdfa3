"""Recorded traffic of a real platform over HTTP again: what it said to a path is said again, in order.

The recordings are JSON of `interactions`, whose bodies may be packed, or what VCR writes of the same as YAML.
They are others' and no part of this source.
"""

import base64
import gzip
import json
import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

SHARED = Path(os.environ.get("HEARTHLIGHT_SHARED") or Path(__file__).parents[3] / "shared")
_KEPT = {"content-type", "x-ratelimit-remaining", "x-ratelimit-used", "x-ratelimit-reset", "link"}
_VERB, _URI = re.compile(r"^    method: (\w+)$", re.MULTILINE), re.compile(r"^    uri: (\S+)$", re.MULTILINE)
_CODE = re.compile(r"^      code: (\d+)$", re.MULTILINE)
_SAID = re.compile(r"^      string: '((?:[^']|'')*)'$", re.MULTILINE)
_HEADER = re.compile(r"^      ([\w-]+):\n      - (.*(?:\n        .+)*)$", re.MULTILINE)
Answer = tuple[int, dict[str, str], bytes]


def _packed(body: Any) -> bytes:
    if isinstance(body, dict):
        body = (
            base64.b64decode(body["base64_string"]) if body.get("base64_string") else body.get("string") or ""
        )
    raw = body.encode() if isinstance(body, str) else body
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def _folded(written: str) -> str:
    """A text in single quotes: one break is a space, more are one break less."""
    lines = re.sub(r"[ ]*\n[ ]*", "\n", written)
    whole = re.sub(r"\n+", lambda breaks: breaks[0][1:] or " ", lines)
    return whole.replace("''", "'")


def _from_yaml(text: str) -> Iterator[tuple[str, str, Answer]]:
    for one in text.split("\n- request:\n")[1:]:
        request, _, response = one.partition("\n  response:\n")
        verb, uri, code, said = (
            found[1]
            for pattern, part in ((_VERB, request), (_URI, request), (_CODE, response), (_SAID, response))
            if (found := pattern.search(part))
        )
        headers = {
            name: _folded(value.strip("'"))
            for name, value in _HEADER.findall(response)
            if name.lower() in _KEPT
        }
        where = unquote(urlsplit(uri).path).rstrip("/")
        yield verb, where, (int(code), headers, _folded(said).encode())


def exchanges(path: Path, instead: dict[str, str]) -> Iterator[tuple[str, str, Answer]]:
    """Every request's method and path with what came back; `instead` replaces placeholders."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        yield from _from_yaml(text)
        return
    for placeholder, value in instead.items():
        text = text.replace(placeholder, value)
    recorded = json.loads(text)
    for one in recorded.get("interactions") or recorded["http_interactions"]:
        answer = one["response"]
        body = _packed(answer["body"])
        for placeholder, value in instead.items():  # in packed bodies they stand too
            body = body.replace(placeholder.encode(), value.encode())
        headers = {name: values[0] for name, values in answer["headers"].items() if name.lower() in _KEPT}
        where = unquote(urlsplit(one["request"]["uri"]).path).rstrip("/")
        yield one["request"]["method"], where, (answer["status"]["code"], headers, body)


class Recorded(ThreadingHTTPServer):
    """Use as a context; `asked` is what came: method, path, form."""

    daemon_threads = True

    def __init__(self, *recordings: Path, instead: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[tuple[str, str, Any]] = []
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        for recording in recordings:
            for method, path, answer in exchanges(recording, instead):
                self._answers.setdefault((method, path), []).append(answer)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def answer(self, method: str, path: str) -> Answer:
        """The next recorded answer; the last one stays."""
        kept = self._answers.get((method, path.rstrip("/")))
        if kept is None:
            return 404, {}, b'{"message": "Not Found", "error": 404}'
        return kept.pop(0) if len(kept) > 1 else kept[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Recorded

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        is_json = "json" in self.headers.get("Content-Type", "")
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append((self.command, path, json.loads(body) if is_json else dict(parse_qsl(body))))
        status, headers, raw = self.server.answer(self.command, path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the standard library's names

    def log_message(self, *args: object) -> None:
        pass
