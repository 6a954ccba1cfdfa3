"""Says that others may be seeing this screen, and offers to cover what must not be seen."""

from PySide6.QtWidgets import QFrame, QHBoxLayout

from moderator_app.views.commands import Commands
from moderator_app.views.notices import announce
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Glyph, Label, box


class SharingBanner(QFrame):
    """Stands until the sharing ends or somebody dismisses it; another sharing brings it back."""

    def __init__(self, theme: Theme, commands: Commands) -> None:
        super().__init__()
        whole = QHBoxLayout(self)
        px = theme.px
        whole.setContentsMargins(px(12), px(8), px(12), px(0))
        frame = box("red")
        row = QHBoxLayout(frame)
        row.setContentsMargins(px(12), px(6), px(8), px(6))
        row.setSpacing(px(10))
        row.addWidget(Glyph(theme, "eye", "red", 18))
        self.text = Label("", "control", wrap=True)
        row.addWidget(self.text, 1)
        keys = self.tr("Veil ({keys})").format(keys=commands.keys("veil"))
        self.veil = Button(theme, keys, "eye-off")
        self.veil.clicked.connect(commands.action("veil").trigger)
        row.addWidget(self.veil)
        self.dismiss = Button(theme, "", "x", "icon", self.tr("Dismiss the warning about screen sharing"))
        self.dismiss.clicked.connect(self.hide)
        row.addWidget(self.dismiss)
        whole.addWidget(frame)
        self.hide()

    def tell(self, *, shared: bool) -> None:
        """Warn, or take the warning away."""
        told = self.tr("Your screen is being shared: names and messages can be seen.")
        self.text.setText(told)
        self.setVisible(shared)
        if shared:
            announce(self, told)
