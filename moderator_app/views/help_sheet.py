"""The keys, from the table of commands."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from moderator_app.views.commands import Commands
from moderator_app.views.dialogs import Sheet
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Label, Pill, column


class HelpSheet(Sheet):
    """Every command with its keys, under its heading. Single keys work outside text fields."""

    def __init__(self, theme: Theme, commands: Commands, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("Keyboard help"), self.tr("Done"))
        self.cancel.hide()
        px = theme.px
        hint = self.tr("Single keys work outside text fields. Escape leads back to the list.")
        self.body.addWidget(Label(hint, "body", "2", wrap=True))
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setAccessibleName(self.tr("Commands and their keys"))
        page = QWidget()
        inside = column(page, (0, 0, px(10), 0), px(6))
        for heading, table in commands.groups():
            inside.addWidget(Label(heading, "strong"))
            grid = QGridLayout()
            grid.setHorizontalSpacing(px(12))
            grid.setVerticalSpacing(px(4))
            for place, command in enumerate(table):
                grid.addWidget(Label(command.text, "body"), place, 0)
                keys = commands.all_keys(command.name)
                if keys:
                    grid.addWidget(Pill(keys), place, 1, Qt.AlignmentFlag.AlignLeading)
            grid.setColumnStretch(0, 3)
            grid.setColumnStretch(1, 2)
            inside.addLayout(grid)
        inside.addStretch()
        scroll.setWidget(page)
        self.body.addWidget(scroll, 1)
        self.resize(px(560), px(640))
