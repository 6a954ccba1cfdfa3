"""Where the links of a message really lead. Nothing is opened or loaded before somebody asks."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QWidget

from moderator_app.desk.rows import MessageRow
from moderator_app.views.dialogs import Sheet
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Label, box, column

_LINK = re.compile(r"https?://[^\s<>\"\u201c\u201d\u2018\u2019\u00ab\u00bb]+", re.IGNORECASE)
_AFTER = ".,;:!?)]}'"  # ends a sentence, not an address


@dataclass(frozen=True, slots=True)
class Found:
    """One way out of a message: `kind` is platform, link or a kind of picture; `said` describes it."""

    kind: str
    url: str
    said: str = ""


def found_in(row: MessageRow) -> list[Found]:
    """The message itself on its platform, the links in its words, its pictures; each address once."""
    found = [Found("platform", row.permalink)] if row.permalink else []
    found += [Found("link", match.rstrip(_AFTER)) for match in _LINK.findall(row.text)]
    media = row.enclosed.media if row.enclosed else ()
    found += [Found(one.kind, one.url, one.alt) for one in media]
    safe = [one for one in found if host(one.url)]
    return list({one.url: one for one in reversed(safe)}.values())[::-1]


def host(url: str) -> str:
    """The server that an address leads to, as the network spells it; empty where it is no web address.

    Letters that look like others are shown as what they are: `xn--...`.
    """
    try:
        parts = urlsplit(url)
        name = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return ""
    return name if parts.scheme.lower() in ("http", "https") else ""


class LinksSheet(Sheet):
    """Each link with the server it really leads to, and one button that opens it in the browser."""

    def __init__(self, theme: Theme, parent: QWidget, row: MessageRow) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("Links and pictures"), self.tr("Done"))
        self.cancel.hide()
        about = self.tr("What you open can tell its server that you looked. Nothing is loaded by itself.")
        self.body.addWidget(Label(about, "meta", "2", wrap=True))
        for one in found_in(row):
            self.body.addWidget(self._line(one))
        self.body.addStretch()

    def _line(self, found: Found) -> QWidget:
        px = self.theme.px
        card = box("true")
        line = QHBoxLayout(card)
        line.setContentsMargins(px(12), px(8), px(8), px(8))
        texts = QWidget()
        inside = column(texts, (0, 0, 0, 0), px(2))
        names = {
            "platform": self.tr("This message on its platform"),
            "link": self.tr("A link"),
            "image": self.tr("A picture"),
            "video": self.tr("A film"),
            "audio": self.tr("A sound"),
        }
        said = names.get(found.kind, self.tr("A file"))
        if found.said:
            said = self.tr("{what}: {words}").format(what=said, words=found.said)
        inside.addWidget(Label(said, "meta", "2", wrap=True))
        server = host(found.url)
        inside.addWidget(Label(server, "strong", wrap=True))
        address = Label(found.url, "meta", wrap=True)
        address.setWordWrap(True)
        inside.addWidget(address)
        line.addWidget(texts, 1)
        name = self.tr("Open {server} in the browser").format(server=server)
        go = Button(self.theme, self.tr("Open"), "external-link", "", name)
        go.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(found.url)))
        line.addWidget(go)
        return card
