"""Connect an account: the form that a platform declares, and a sentence where it says no."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from moderator_app.desk.accounts import Attempt
from moderator_app.desk.rows import Field
from moderator_app.errors import ForTheModerator
from moderator_app.views import words
from moderator_app.views.dialogs import Sheet
from moderator_app.views.runner import Answer
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Choice, Label, Number, column

_DAYS = 56  # eight weeks: what the summary compares with


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform that can be connected: its key, its name, and the fields of its form."""

    key: str
    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed, secrets apart."""

    platform: str
    values: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)


Connect = Callable[[Form, int, Attempt], Answer[int]]


class SignInSheet(Sheet):
    """Asks for a platform and its fields, and stays open until the platform agrees; closing it gives up.

    `connect` signs in off the screen's thread and then goes back so many days; `known` are the values of an
    account that signs in again.
    """

    def __init__(
        self,
        theme: Theme,
        parent: QWidget,
        platforms: list[Platform],
        connect: Connect,
        known: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(theme, parent)
        again = known is not None
        title = self.tr("Sign in again") if again else self.tr("Connect an account")
        self.ask(title, self.tr("Sign in"))
        self._platforms, self._connect, self._known = platforms, connect, known or {}
        self._attempt, self._closed = Attempt(), False
        self.rejected.connect(self._give_up)
        self.platform = Choice(theme)
        for found in platforms:
            self.platform.addItem(found.name, found.key)
        self.field(self.tr("Platform"), self.platform)
        self.platform.setEnabled(not again)
        self._form = QScrollArea()
        self._form.setWidgetResizable(True)
        self._form.setFrameShape(QFrame.Shape.NoFrame)
        self._form.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._lines: dict[str, QLineEdit] = {}
        self.body.addWidget(self._form)
        self.trouble = Label("", "control", "red", wrap=True)
        self.trouble.hide()
        self.body.addWidget(self.trouble)
        self.days = Number(theme, 0, 3650, _DAYS, self.tr(" days"))
        if not again:
            self.field(self.tr("How far back the first pull goes"), self.days)
        about = self.tr("It goes to the platform only; passwords and tokens are kept sealed on this machine.")
        self.body.addWidget(Label(about, "meta", "2", wrap=True))
        self.platform.currentIndexChanged.connect(self._show_form)
        self.deed.clicked.disconnect()
        self.deed.clicked.connect(self.try_it)
        self._show_form(0)

    @Slot(int)
    def _show_form(self, index: int) -> None:
        made = QWidget()
        form = column(made, (0, 0, 0, 0), self.theme.px(6))
        self._lines = {}
        for asked in self._platforms[index].fields:
            line = QLineEdit(self._known.get(asked.key, asked.default))
            if asked.secret:
                line.setEchoMode(QLineEdit.EchoMode.Password)
            # A platform's own words: the connector wrote them, they are not ours to translate.
            line.setAccessibleName(asked.label)
            line.setAccessibleDescription(asked.help)
            name = asked.label if asked.required else self.tr("{field} (optional)").format(field=asked.label)
            label = Label(name, "strong")
            label.setBuddy(line)
            form.addWidget(label)
            form.addWidget(line)
            if asked.help:
                form.addWidget(Label(asked.help, "meta", "2", wrap=True))
            self._lines[asked.key] = line
        self._form.setWidget(made)
        self._fit(form)

    def _fit(self, form: QVBoxLayout) -> None:
        """As high as the form asks for, as far as the screen allows."""
        px = self.theme.px
        wide = self.minimumWidth() - px(40)
        room = self.screen().availableGeometry().height() - px(340)
        self._form.setFixedHeight(min(form.totalHeightForWidth(wide), max(px(160), room)))
        self.adjustSize()

    @Slot()
    def try_it(self) -> None:
        """Sign in with what was typed."""
        chosen = self._platforms[self.platform.currentIndex()]
        typed = {key: line.text().strip() for key, line in self._lines.items()}
        missing = [one for one in chosen.fields if one.required and not typed[one.key]]
        if missing:
            self._say(self.tr("{field} is missing.").format(field=missing[0].label))
            self._lines[missing[0].key].setFocus()
            return
        secret = {one.key for one in chosen.fields if one.secret}
        self.deed.setEnabled(False)
        self._say(self.tr("Signing in… Where your browser shows the platform's page, agree there."))
        values = {key: value for key, value in typed.items() if key not in secret}
        secrets = {key: value for key, value in typed.items() if key in secret}
        self._attempt = Attempt()
        form = Form(chosen.key, values, secrets)
        self._connect(form, self.days.value(), self._attempt).then(self._done).failed(self._failed)

    @Slot()
    def _give_up(self) -> None:
        self._closed = True
        self._attempt.give_up()

    def _done(self, _: int) -> None:
        self.accept()

    def _failed(self, error: BaseException) -> None:
        if self._closed:
            return  # nobody looks any more, and nothing was kept
        self.deed.setEnabled(True)
        if isinstance(error, ForTheModerator):
            self._say(" ".join(words.trouble(error)))
            return
        self._say(self.tr("Something went wrong in Hearthlight; nothing was kept."))
        raise error

    def _say(self, sentence: str) -> None:
        self.trouble.setText(sentence)
        self.trouble.show()
