"""The bar at the top: the name, the way to everything, and whether all is safe and up to date."""

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from moderator_app.desk.desk import Clock
from moderator_app.desk.rows import AccountRow
from moderator_app.views import words
from moderator_app.views.commands import Commands
from moderator_app.views.cue_text import draw_line
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Avatar, Button, Glyph, Label, Pill

HEIGHT = 52


class SearchButton(Button):
    """Looks like a search field and opens the palette."""

    def __init__(self, theme: Theme, commands: Commands) -> None:
        super().__init__(theme, commands.action("palette").text(), "search", "search")
        self._keys = commands.keys("palette")
        self.clicked.connect(commands.action("palette").trigger)

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(420), self._theme.px(34))

    def minimumSizeHint(self) -> QSize:
        wide = self.fontMetrics().horizontalAdvance(self.text()) + self._theme.px(56)
        return QSize(min(wide, self._theme.px(260)), self._theme.px(34))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        need = self.fontMetrics().horizontalAdvance(self.text() + self._keys) + self._theme.px(72)
        if self.width() < need:
            return
        painter = QPainter(self)
        painter.setFont(self._theme.font("caption", 600))
        painter.setPen(self._theme.color("text3"))
        inset = self._theme.px(12)
        side = Qt.AlignmentFlag.AlignLeft if self.isRightToLeft() else Qt.AlignmentFlag.AlignRight
        where = QRectF(self.rect().adjusted(inset, 0, -inset, 0))
        draw_line(painter, where, self._keys, side)


class TopBar(QWidget):
    """One line. What does not fit goes, the safety state first to its icon."""

    def __init__(self, theme: Theme, commands: Commands, clock: Clock, me: str) -> None:
        super().__init__()
        self.setObjectName("topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme, self._clock = theme, clock
        self._row = QHBoxLayout(self)
        self._mark = Glyph(theme, "heart-handshake", "accent", 22)
        self._brand = Label("Hearthlight", "brand")
        self.search = SearchButton(theme, commands)
        self._lock = Glyph(theme, "lock", "safe", 15)
        self._state = Label("", "meta", "2")
        self.passing = Pill(self.tr("Leaves nothing"), "teal")
        self.passing.setToolTip(self.tr("All that is fetched in this session is forgotten at its end."))
        self.passing.hide()
        self.person = self._icon(commands, "person", "panel-right")
        self.scheme = self._icon(commands, "theme", "moon")
        self.keys = self._icon(commands, "help", "keyboard")
        self.more = Button(theme, "", "ellipsis", "icon", self.tr("Menu"))
        self._menu = QMenu(self)
        self.more.clicked.connect(self._open_menu)
        self._commands = commands
        self._face = Avatar(theme, me, 30)
        self._face.setToolTip(me)
        self._row.addWidget(self._mark)
        self._row.addWidget(self._brand)
        self._row.addStretch(1)
        self._row.addWidget(self.search, 3)
        self._row.addStretch(1)
        for widget in (self.passing, self._lock, self._state):
            self._row.addWidget(widget)
        for button in (self.person, self.scheme, self.keys, self.more):
            self._row.addWidget(button)
        self._row.addWidget(self._face)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.show_accounts([])

    def _icon(self, commands: Commands, name: str, icon: str) -> Button:
        action = commands.action(name)
        button = Button(self._theme, "", icon, "icon", action.text())
        tip = self.tr("{what} ({keys})")
        button.setToolTip(tip.format(what=action.text(), keys=commands.keys(name)))
        button.clicked.connect(action.trigger)
        return button

    def show_accounts(self, rows: list[AccountRow]) -> None:
        """Say that the store is encrypted, and how fresh it is."""
        pulls = [row.last_pull_at for row in rows if row.last_pull_at is not None]
        text = self.tr("Encrypted")
        if pulls:
            shown = self.tr("Encrypted, synced {time}")
            text = shown.format(time=words.ago(min(pulls), self._clock.now()))
        self._state.setText(text)
        self._lock.setToolTip(text)

    def fit(self, units: int) -> None:
        """Leave out what has no room."""
        self._state.setVisible(units >= 1000)  # noqa: PLR2004 - measured on the design
        self._lock.setVisible(units >= 900)  # noqa: PLR2004 - measured on the design
        self._brand.setVisible(units >= 760)  # noqa: PLR2004 - measured on the design
        self.person.setVisible(units < 1320)  # noqa: PLR2004 - the breakpoint of the person
        self._face.setVisible(units >= 600)  # noqa: PLR2004 - measured on the design

    @Slot()
    def _open_menu(self) -> None:
        self._menu.clear()
        self._commands.fill_menu(self._menu)
        self._menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    @Slot()
    def _restyle(self) -> None:
        px = self._theme.px
        self.setFixedHeight(px(HEIGHT))
        self._row.setContentsMargins(px(20), 0, px(16), 0)
        self._row.setSpacing(px(8))
        self.scheme.set_icon("sun" if self._theme.tokens.dark else "moon")
