"""The door: make a workspace, show its recovery key once, open it again."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLayout, QLineEdit, QWidget

from moderator_app.errors import ForTheModerator
from moderator_app.views import words
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Glyph, Label, box, column

Opener = Callable[[str, bool], str]  # what was typed, whether it is the recovery key -> a new recovery key


class UnlockDialog(QDialog):
    """Asks for a passphrase until the workspace opens.

    `opener` opens it, on the caller's terms, and answers the recovery key of a new one ("" for an old one);
    it raises ForTheModerator where the key does not fit. `new` asks twice and says what a passphrase is for.
    """

    def __init__(self, theme: Theme, opener: Opener, *, new: bool, why: str = "") -> None:
        super().__init__()
        self._opener, self._new = opener, new
        self.recovery_key = ""
        self.setWindowTitle(self.tr("Hearthlight"))
        px = theme.px
        whole = column(self, (px(28), px(24), px(28), px(24)), px(12))
        top = QHBoxLayout()
        top.setSpacing(px(10))
        top.addWidget(Glyph(theme, "lock-keyhole", "accent", 22))
        title = self.tr("Make your workspace") if new else self.tr("Open your workspace")
        top.addWidget(Label(title, "thread"), 1)
        whole.addLayout(top)
        whole.addWidget(Label(why or self._about(), "body", "2", wrap=True))
        self.phrase = self._secret(whole, self.tr("Passphrase"))
        self.again = self._secret(whole, self.tr("The same passphrase again")) if new else None
        self.by_recovery = QCheckBox(self.tr("This is the recovery key"))
        self.by_recovery.setVisible(not new)
        self.by_recovery.toggled.connect(self._show_typed)
        whole.addWidget(self.by_recovery)
        self.trouble = Label("", "control", "red", wrap=True)
        self.trouble.hide()
        whole.addWidget(self.trouble)
        foot = QHBoxLayout()
        foot.addStretch()
        self.leave = Button(theme, self.tr("Quit"), "", "quiet")
        self.leave.clicked.connect(self.reject)
        self.enter = Button(theme, self.tr("Make it") if new else self.tr("Open"), "", "primary")
        self.enter.setDefault(True)
        self.enter.clicked.connect(self.try_it)
        foot.addWidget(self.leave)
        foot.addWidget(self.enter)
        whole.addLayout(foot)
        whole.setSizeConstraint(QLayout.SizeConstraint.SetMinimumSize)
        self.setMinimumWidth(px(460))

    def _about(self) -> str:
        if self._new:
            return self.tr(
                "Messages are kept encrypted on this machine and nowhere else. This system has no keyring "
                "that could hold the key, so a passphrase protects it. Four words are good."
            )
        return self.tr("Type the passphrase of this workspace.")

    def _secret(self, whole: QLayout, name: str) -> QLineEdit:
        label = Label(name, "strong")
        made = QLineEdit()
        made.setEchoMode(QLineEdit.EchoMode.Password)
        made.setAccessibleName(name)
        label.setBuddy(made)
        whole.addWidget(label)
        whole.addWidget(made)
        return made

    @Slot(bool)
    def _show_typed(self, shown: bool) -> None:
        """A recovery key is read from paper, so it is shown while it is typed."""
        echo = QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password
        self.phrase.setEchoMode(echo)

    @Slot()
    def try_it(self) -> None:
        """Open with what was typed, or say what is wrong with it."""
        typed = self.phrase.text()
        if self.again is not None and self.again.text() != typed:
            self._say(self.tr("The two passphrases differ."))
            return
        QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            self.recovery_key = self._opener(typed, self.by_recovery.isChecked())
        except ForTheModerator as error:
            self._say(" ".join(words.trouble(error)))
            return
        finally:
            QGuiApplication.restoreOverrideCursor()
        self.accept()

    def _say(self, sentence: str) -> None:
        self.trouble.setText(sentence)
        self.trouble.show()
        self.phrase.setFocus()
        self.phrase.selectAll()


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
