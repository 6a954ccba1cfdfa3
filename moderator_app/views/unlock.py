"""The door: make a workspace, show its recovery key once, open it again, also after a lock."""

from collections.abc import Callable, Collection
from enum import StrEnum

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLayout, QLineEdit, QVBoxLayout, QWidget

from moderator_app.errors import ForTheModerator
from moderator_app.sealing import WrongKey
from moderator_app.views import words
from moderator_app.views.notices import announce
from moderator_app.views.runner import Errand
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Glyph, Label, box, column

FREE_TRIES = 3
LONGEST_WAIT_S = 30


class Way(StrEnum):
    """How a workspace is opened, by the names that the vault gives its slots."""

    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a way, not a passphrase
    RECOVERY = "recovery"
    KEYRING = "keyring"


Opener = Callable[[Way, str], object]  # opens by what was typed, or raises ForTheModerator


class UnlockForm(QWidget):
    """Asks for a key until the workspace opens; `opened` carries what the opener answered.

    The opener runs off the screen's thread. `new` asks twice and says what a passphrase is for. A keyring
    opens only when its button is pressed: whoever sits down at a locked screen must do something.
    """

    opened = Signal(object)
    left = Signal()
    view_wanted = Signal(object, str)  # the way and what was typed
    mend_wanted = Signal(object, str, str)  # and how: recover or restore

    def __init__(
        self, theme: Theme, opener: Opener, ways: Collection[str], *, new: bool = False, why: str = ""
    ) -> None:
        super().__init__()
        self._opener, self._new = opener, new
        self._wrong = self._left = 0
        self.second = QTimer(self, interval=1000)
        self.second.timeout.connect(self._wait)
        self._tried: tuple[Way, str] = (Way.KEYRING, "")
        self._by_phrase = new or Way.PASSPHRASE in ways
        self.by_keyring = not new and Way.KEYRING in ways
        px = theme.px
        whole = column(self, (0, 0, 0, 0), px(12))
        self.about = Label(why or self._about(), "body", "2", wrap=True)
        whole.addWidget(self.about)
        self._name = Label("", "strong")
        self.phrase = self._secret(whole, self._name)
        self.again = (
            self._secret(whole, Label(self.tr("The same passphrase again"), "strong")) if new else None
        )
        self.by_recovery = QCheckBox(self.tr("This is the recovery key"))
        if not self._by_phrase:
            self.by_recovery.setText(self.tr("Use the recovery key instead"))
        self.by_recovery.setVisible(not new)
        self.by_recovery.toggled.connect(self._follow)
        whole.addWidget(self.by_recovery)
        self.nothing = QCheckBox(self.tr("Leave nothing on this machine after this session"))
        self.nothing.hide()
        whole.addWidget(self.nothing)
        self.trouble = Label("", "control", "alarm", wrap=True)
        self.trouble.hide()
        whole.addWidget(self.trouble)
        self.paused = Label("", "control", "2")
        self.paused.hide()
        whole.addWidget(self.paused)
        self.view = Button(theme, self.tr("Open for reading only"))
        self.view.clicked.connect(lambda: self.view_wanted.emit(*self._tried))
        self.recover = Button(theme, self.tr("Save what can be read"))
        self.recover.clicked.connect(lambda: self.mend_wanted.emit(*self._tried, "recover"))
        self.restore = Button(theme, self.tr("Restore the newest backup"))
        self.restore.clicked.connect(lambda: self.mend_wanted.emit(*self._tried, "restore"))
        whole.addLayout(self._row_of_rescue(px(8)))
        self._boxes = (self.by_recovery, self.nothing)
        whole.addLayout(self._row_of_deeds(theme, new=new))
        for line in (self.phrase, self.again):
            if line is not None:
                line.returnPressed.connect(self.try_it)
        self._follow()

    def _row_of_deeds(self, theme: Theme, *, new: bool) -> QHBoxLayout:
        foot = QHBoxLayout()
        foot.setSpacing(theme.px(8))
        self.leave = Button(theme, self.tr("Quit"), "", "quiet")
        self.leave.clicked.connect(self.left)
        self.keyring = Button(theme, self.tr("Open with this system's keyring"), "lock-keyhole")
        self.keyring.clicked.connect(self.try_keyring)
        self.enter = Button(theme, self.tr("Make it") if new else self.tr("Open"), "", "primary")
        self.enter.clicked.connect(self.try_it)
        for button in (self.keyring, self.enter):
            button.setAutoDefault(True)  # Return presses it
        foot.addWidget(self.leave)
        foot.addStretch()
        foot.addWidget(self.keyring)
        foot.addWidget(self.enter)
        return foot

    def _row_of_rescue(self, gap: int) -> QHBoxLayout:
        rescue = QHBoxLayout()
        rescue.setSpacing(gap)
        for button in (self.view, self.recover, self.restore):
            button.hide()
            rescue.addWidget(button)
        rescue.addStretch()
        return rescue

    def _about(self) -> str:
        if self._new:
            return self.tr(
                "Messages are kept encrypted on this machine and nowhere else. This system has no keyring "
                "that could hold the key, so a passphrase protects it. Four words are good."
            )
        if self._by_phrase:
            return self.tr("Type the passphrase of this workspace.")
        return self.tr("The key of this workspace is in this system's keyring.")

    def _secret(self, whole: QVBoxLayout, label: Label) -> QLineEdit:
        made = QLineEdit()
        made.setEchoMode(QLineEdit.EchoMode.Password)
        made.setAccessibleName(label.text())
        label.setBuddy(made)
        whole.addWidget(label)
        whole.addWidget(made)
        return made

    @Slot()
    def _follow(self) -> None:
        """A recovery key is read from paper, so it is shown while it is typed."""
        recovery = self.by_recovery.isChecked()
        typed = self._by_phrase or recovery
        name = self.tr("Recovery key") if recovery else self.tr("Passphrase")
        self._name.setText(name)
        self.phrase.setAccessibleName(name)
        echo = QLineEdit.EchoMode.Normal if recovery else QLineEdit.EchoMode.Password
        self.phrase.setEchoMode(echo)
        for widget in (self._name, self.phrase, self.enter):
            widget.setVisible(typed)
        self.keyring.setVisible(self.by_keyring)
        self.take_focus()

    def take_focus(self) -> None:
        """Put the cursor where the person goes on."""
        (self.keyring if self.phrase.isHidden() else self.phrase).setFocus()

    def offer_nothing(self, *, chosen: bool) -> None:
        """Let the person choose a session that leaves nothing."""
        self.nothing.setChecked(chosen)
        self.nothing.show()

    @property
    def busy(self) -> bool:
        """Whether a key is being tried."""
        return not self.leave.isEnabled()

    @Slot()
    def try_it(self) -> None:
        """Open with what was typed, or say what is wrong with it."""
        if self.again is not None and self.again.text() != self.phrase.text():
            self.say(self.tr("The two passphrases differ."))
            return
        self._try(Way.RECOVERY if self.by_recovery.isChecked() else Way.PASSPHRASE)

    @Slot()
    def try_keyring(self) -> None:
        """Open by the keyring."""
        self._try(Way.KEYRING)

    def _try(self, way: Way) -> None:
        self.try_again(way, "" if way is Way.KEYRING else self.phrase.text())

    def try_again(self, way: Way, typed: str) -> None:
        """Open with a key that was typed before."""
        if self.busy or self._left:
            return
        self._tried = (way, typed)
        for button in (self.view, self.recover, self.restore):
            button.hide()
        self._rest(still=True)
        self.trouble.hide()
        errand = Errand(lambda: self._opener(way, typed), self)
        errand.done.connect(self._done)
        errand.failed.connect(self._failed)
        errand.start()

    def _rest(self, *, still: bool) -> None:
        """While a key is tried nothing can be pressed; the screen goes on living."""
        for widget in (self.phrase, self.again, self.leave, self.keyring, self.enter, *self._boxes):
            if widget is not None:
                widget.setEnabled(not still)
        if still:
            self.setCursor(Qt.CursorShape.BusyCursor)
        else:
            self.unsetCursor()

    @Slot(object)
    def _done(self, found: object) -> None:
        self._tried = (Way.KEYRING, "")
        self.phrase.clear()
        if self.again is not None:
            self.again.clear()
        self._rest(still=False)
        self.opened.emit(found)

    @Slot(object)
    def _failed(self, error: BaseException) -> None:
        self._rest(still=False)
        if isinstance(error, ForTheModerator):
            self.say(" ".join(words.trouble(error)))
            self._slow_down(wrong=isinstance(error, WrongKey))
            self.view.setVisible(error.viewable)
            for button in (self.recover, self.restore):
                button.setVisible(error.mendable)
        else:
            self.say(self.tr("Something went wrong in Hearthlight; nothing was changed."))

    def _slow_down(self, *, wrong: bool) -> None:
        """After three wrong keys each further try waits: 1, 2, 4 ... 30 seconds."""
        self._wrong += wrong
        if wrong and self._wrong >= FREE_TRIES:
            self._left = min(2 ** (self._wrong - FREE_TRIES), LONGEST_WAIT_S)
            announce(self.paused, self._count_down())
            self.second.start()

    @Slot()
    def _wait(self) -> None:
        self._left -= 1
        self._count_down()
        if not self._left:
            self.second.stop()

    def _count_down(self) -> str:
        told = self.tr("You can try again in %n s.", "", self._left)
        self.paused.setText(told)
        self.paused.setVisible(bool(self._left))
        for button in (self.enter, self.keyring):
            button.setEnabled(not self._left)
        return told

    def say(self, sentence: str) -> None:
        """Say what is wrong, seen and heard."""
        self.trouble.setText(sentence)
        self.trouble.show()
        announce(self.trouble, sentence)
        self.take_focus()
        self.phrase.selectAll()


class UnlockDialog(QDialog):
    """The form in a window of its own, for the first start and wherever no other window stands."""

    def __init__(
        self, theme: Theme, opener: Opener, ways: Collection[str] = (), *, new: bool, why: str = ""
    ) -> None:
        super().__init__()
        self.found: object = None
        self.setWindowTitle(self.tr("Hearthlight"))
        px = theme.px
        whole = column(self, (px(28), px(24), px(28), px(24)), px(12))
        title = self.tr("Make your workspace") if new else self.tr("Open your workspace")
        whole.addLayout(heading(theme, Label(title, "thread")))
        self.form = UnlockForm(theme, opener, ways, new=new, why=why)
        self.form.opened.connect(self._opened)
        self.form.left.connect(self.reject)
        whole.addWidget(self.form)
        whole.setSizeConstraint(QLayout.SizeConstraint.SetMinimumSize)
        self.setMinimumWidth(px(460))

    @Slot(object)
    def _opened(self, found: object) -> None:
        self.found = found
        self.accept()

    def reject(self) -> None:
        """Leave; not in the middle of an attempt, whose workspace nobody would close."""
        if not self.form.busy:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.form.busy:
            event.ignore()
        else:
            super().closeEvent(event)


def heading(theme: Theme, title: Label) -> QHBoxLayout:
    """The lock and what the screen is for."""
    top = QHBoxLayout()
    top.setSpacing(theme.px(10))
    top.addWidget(Glyph(theme, "lock-keyhole", "accent", 22))
    top.addWidget(title, 1)
    return top


class RecoveryDialog(QDialog):
    """Shows the recovery key once. It is never stored, so the person says that it is on paper."""

    def __init__(self, theme: Theme, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Recovery key"))
        px = theme.px
        whole = column(self, (px(28), px(24), px(28), px(24)), px(12))
        whole.addWidget(Label(self.tr("Write down your recovery key"), "thread"))
        about = self.tr(
            "It opens the workspace if the keyring or the passphrase is lost. It is shown this once and is "
            "kept nowhere. Put it on paper, in a safe place."
        )
        whole.addWidget(Label(about, "body", "2", wrap=True))
        frame = box("sunken")
        inside = column(frame, (px(14), px(12), px(14), px(12)), 0)
        shown = Label(key.replace("-", " "), "body", wrap=True)
        shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByKeyboard)
        shown.setAccessibleName(self.tr("The recovery key"))
        inside.addWidget(shown)
        whole.addWidget(frame)
        self.written = QCheckBox(self.tr("I have written it down"))
        whole.addWidget(self.written)
        foot = QHBoxLayout()
        foot.addStretch()
        self.go_on = Button(theme, self.tr("Go on"), "", "primary")
        self.go_on.setEnabled(False)
        self.written.toggled.connect(self.go_on.setEnabled)
        self.go_on.clicked.connect(self.accept)
        foot.addWidget(self.go_on)
        whole.addLayout(foot)
        whole.setSizeConstraint(QLayout.SizeConstraint.SetMinimumSize)
        self.setMinimumWidth(px(480))
