"""The frame that outlives a lock, and the screen that stands in it while the key is gone."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QDialog, QHBoxLayout, QStackedLayout, QToolTip, QWidget
from shiboken6 import isValid

from moderator_app.views.theme import Theme, rescale
from moderator_app.views.unlock import UnlockForm, heading
from moderator_app.views.widgets import Button, Label, box, column

WIDE = 520


@dataclass(frozen=True, slots=True)
class Exchanged:
    """How work on a closed workspace ended: a sentence, and a recovery key to show once ("" for none)."""

    told: str
    recovery_key: str = ""


class LockScreen(QWidget):
    """Covers everything at once, says what does not happen meanwhile, and then asks for the key."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("lockScreen")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        px = theme.px
        whole = column(self, (px(20), px(20), px(20), px(20)), 0)
        whole.addStretch(2)
        card = self._card = box("card")
        card.setMaximumWidth(px(WIDE))
        self._inside = column(card, (px(28), px(24), px(28), px(24)), px(12))
        self.title = Label(self.tr("Open your workspace"), "thread")
        self._inside.addLayout(heading(theme, self.title))
        self.told = Label("", "body", wrap=True)
        self.told.hide()
        self._inside.addWidget(self.told)
        self.form: UnlockForm | None = None
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(card, 100)  # as wide as it may be; aligned in the middle it would not wrap its lines
        row.addStretch(1)
        whole.addLayout(row)
        whole.addStretch(3)
        self.setProperty("scale", theme.scale)
        theme.changed.connect(self._restyle)

    @Slot()
    def _restyle(self) -> None:
        if self.property("scale") != self._theme.scale:
            rescale(self, self._theme.scale)
            self._card.setMaximumWidth(self._theme.px(WIDE))

    def begin(self) -> None:
        """Stand there without a form: what was open is being put away."""
        self._drop()
        self.title.setText(self.tr("Hearthlight is locked"))
        self.told.setText(self.tr("Locking: what you wrote is being kept."))
        self.told.show()

    def say_busy(self, title: str, done: int = 0, total: int = 0) -> None:
        """Say what is done with the closed workspace, and how far it is."""
        self.title.setText(title)
        share = self.tr("{share} %").format(share=100 * done // total) if total else ""
        told = self.tr("The workspace is closed meanwhile. {share}")
        self.told.setText(told.format(share=share).strip())
        self.told.show()

    def say(self, title: str, told: str) -> None:
        """Say how something ended."""
        self.title.setText(title)
        self.told.setText(told)
        self.told.setVisible(bool(told))

    def say_waiting(self, waiting: int) -> None:
        """Say that nothing is fetched or sent, and what waits for it."""
        said = self.tr("Nothing is fetched or sent while locked.")
        if waiting:
            said += " " + self.tr("%n repl(y|ies) wait(s|).", "", waiting)
        self.told.setText(said)

    def ask(self, form: UnlockForm) -> None:
        """Ask for the key."""
        self._drop()
        self.form = form
        self._inside.addWidget(form)
        form.show()  # a layout shows it in a later turn, too late for the focus
        form.take_focus()

    def _drop(self) -> None:
        if self.form is not None:
            self.form.hide()
            self.form.deleteLater()
            self.form = None


class Veil(QWidget):
    """Covers names and messages while work goes on behind it; no key is needed to take it away."""

    lifted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("lockScreen")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        px = theme.px
        whole = column(self, (px(20), px(20), px(20), px(20)), px(12))
        whole.addStretch(2)
        title = Label(self.tr("Names and messages are covered"), "thread")
        text = self.tr("Messages still come in and replies still leave. Lock it if you go away.")
        self.lift = Button(theme, self.tr("Show them again"), "eye", "primary")
        self.lift.setAutoDefault(True)
        self.lift.clicked.connect(self.lifted)
        for widget in (title, Label(text, "body", "2"), self.lift):
            whole.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addStretch(3)


class Frame(QWidget):
    """One window of the desktop for all workspaces that are opened in it, so that a lock moves nothing.

    A new window after each unlock could not stand where the old one stood: Wayland places windows itself.
    """

    left = Signal()  # it was closed

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("frame")
        self._pages = QStackedLayout(self)
        self._pages.setContentsMargins(0, 0, 0, 0)
        self.screen_locked = LockScreen(theme)
        self._pages.addWidget(self.screen_locked)
        self.veil = Veil(theme)
        self.veil.lifted.connect(self.turn_veil)
        self._pages.addWidget(self.veil)
        self._aside: list[QWidget] = []  # the dialogs that the veil took from view
        self._worked: QWidget | None = None  # what had the focus under it
        self._shown: QWidget | None = None
        self.may_close: Callable[[], bool] = lambda: True  # whoever has something to ask first says no
        self.setWindowTitle(self.tr("Hearthlight"))
        self.setMinimumSize(360, 320)
        self.resize(theme.px(1440) if theme.scale == 100 else 1440, 900)  # noqa: PLR2004 - the size of the design

    @property
    def covered(self) -> bool:
        """Whether the lock screen is what can be seen."""
        return self._pages.currentWidget() is self.screen_locked

    def take(self, window: QWidget) -> None:
        """Show a workspace's window in here."""
        window.setWindowFlags(Qt.WindowType.Widget)
        self._shown = window
        self._pages.addWidget(window)
        self._pages.setCurrentWidget(window)
        window.windowTitleChanged.connect(self.setWindowTitle)
        self.setWindowTitle(window.windowTitle())

    @property
    def veiled(self) -> bool:
        """Whether the veil is what can be seen."""
        return self._pages.currentWidget() is self.veil

    @Slot()
    def turn_veil(self) -> None:
        """Cover what is shown, or show it again with every dialog that stood over it."""
        if self.covered or self._shown is None:
            return
        if self.veiled:
            self._pages.setCurrentWidget(self._shown)
            self.setWindowTitle(self._shown.windowTitle())
            for dialog in self._aside:
                if isValid(dialog):
                    dialog.show()
            if self._worked is not None and isValid(self._worked):
                self._worked.setFocus()
            self._aside, self._worked = [], None
            return
        QToolTip.hideText()
        self._worked = self._shown.focusWidget()
        others = [one for one in QApplication.topLevelWidgets() if one is not self and one.isVisible()]
        self._aside = [one for one in others if isinstance(one, QDialog)]
        for one in others:
            one.hide()
        self._pages.setCurrentWidget(self.veil)
        self.setWindowTitle(self.tr("Hearthlight"))
        self.veil.lift.setFocus()
        self.repaint()

    def cover(self, *, away: bool = False) -> None:
        """Let no word be visible when this returns; `away` also takes the window itself from view."""
        QToolTip.hideText()
        for other in QApplication.topLevelWidgets():
            if other is not self and other.isVisible():
                other.hide()
        self._pages.setCurrentWidget(self.screen_locked)
        self.setWindowTitle(self.tr("Hearthlight"))
        if self.isVisible():
            self.repaint()
        if away:
            self.showMinimized()

    def let_go(self) -> None:
        """Forget the window that was shown; its owner deletes it."""
        self._aside, self._worked = [], None
        if self._shown is not None:
            self._pages.removeWidget(self._shown)
            self._shown.windowTitleChanged.disconnect(self.setWindowTitle)
            self._shown.setParent(None)
            self._shown = None

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close what is shown first, so that it keeps what is being written."""
        form = self.screen_locked.form
        if not self.may_close():
            event.ignore()
            return
        if (form is not None and form.busy) or (self._shown is not None and not self._shown.close()):
            event.ignore()
            return
        super().closeEvent(event)
        self.left.emit()
