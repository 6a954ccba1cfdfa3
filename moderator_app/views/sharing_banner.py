"""Says that others may be seeing this screen, and offers to cover what must not be seen."""

from moderator_app.views.commands import Commands
from moderator_app.views.notices import announce
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Banner, Button


class SharingBanner(Banner):
    """Stands until the sharing ends or somebody dismisses it; another sharing brings it back."""

    def __init__(self, theme: Theme, commands: Commands) -> None:
        super().__init__(theme, "red", "eye")
        keys = self.tr("Veil ({keys})").format(keys=commands.keys("veil"))
        self.veil = Button(theme, keys, "eye-off")
        self.veil.clicked.connect(commands.action("veil").trigger)
        self.row.addWidget(self.veil)
        self.dismiss = Button(theme, "", "x", "icon", self.tr("Dismiss the warning about screen sharing"))
        self.dismiss.clicked.connect(self.hide)
        self.row.addWidget(self.dismiss)

    def tell(self, *, shared: bool) -> None:
        """Warn, or take the warning away."""
        told = self.tr("Your screen is being shared: names and messages can be seen.")
        self.text.setText(told)
        self.setVisible(shared)
        if shared:
            announce(self, told)
