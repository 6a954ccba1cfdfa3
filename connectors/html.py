"""HTML of a platform as text that is safe to show: no markup, no picture that tells anybody it was seen."""

from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

import nh3

from connectors.contract import Media

_BLOCKS: Final = frozenset({"p", "div", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"})
_KEPT: Final = _BLOCKS | {"a", "aside", "br", "code", "hr", "img", "li", "span", "table", "td", "th", "tr"}
_PLAIN: Final = frozenset({"emoji", "emojione", "custom-emoji"})  # classes of pictures that are letters


def to_text(html: str) -> str:
    """What a reader sees, paragraph by paragraph; a link whose words hide where it goes is followed by it."""
    return _read(html).text()


def pictures(html: str) -> tuple[Media, ...]:
    """The pictures in it, to be loaded when somebody asks."""
    return tuple(_read(html).media)


def _read(html: str) -> "_Reader":
    attributes = {"a": {"href"}, "img": {"src", "alt", "title", "class"}, "span": {"class"}}
    clean = nh3.clean(
        html,
        tags=set(_KEPT),
        attributes=attributes,
        url_schemes={"http", "https", "mailto", "matrix"},
        link_rel=None,
        clean_content_tags={"script", "style", "mx-reply", "template"},
    )
    reader = _Reader()
    reader.feed(clean)
    reader.close()
    return reader


class _Reader(HTMLParser):
    """Reads what the sanitiser let through, which is always well formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.media: list[Media] = []
        self._parts: list[str] = []
        self._links: list[tuple[str, int]] = []  # where it goes, and where its words begin

    def text(self) -> str:
        lines = [line.strip() for line in "".join(self._parts).replace("\xa0", " ").split("\n")]
        joined = "\n".join(lines)
        while "\n\n\n" in joined:
            joined = joined.replace("\n\n\n", "\n\n")
        return joined.strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag in ("br", "hr", "tr"):
            self._parts.append("\n")
        elif tag == "li":
            self._parts.append("\n- ")
        elif tag in _BLOCKS:
            self._parts.append("\n\n")
        elif tag in ("td", "th"):
            self._parts.append(" ")
        elif tag == "a":
            self._links.append((found.get("href", ""), len(self._parts)))
        elif tag == "img":
            self._picture(found)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._parts.append("\n\n")
        elif tag == "a" and self._links:
            href, since = self._links.pop()
            host = urlsplit(href).hostname or ""
            if host and host not in "".join(self._parts[since:]):
                said = "".join(self._parts[since:]).strip()
                own = said.startswith(("@", "#"))  # a mention or a tag says where it goes
                self._parts.append("" if own else f" ({href})")

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def _picture(self, found: dict[str, str]) -> None:
        alt = found.get("alt", "") or found.get("title", "")
        if _PLAIN & set(found.get("class", "").split()):
            self._parts.append(alt)
            return
        if found.get("src", "").startswith(("https://", "http://")):
            self.media.append(Media(found["src"], alt=alt))
        self._parts.append(f"[{alt}]" if alt else "")
