"""Colours, type and sizes: one table of tokens drives the palette, the style sheet and the painting."""

from PySide6.QtCore import QDir, QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QLayout, QWidget

from moderator_app import paths
from moderator_app.views.icons import Icons
from moderator_app.views.tokens import LIGHT, SCHEMES, Tokens

FONTS = ("Inter-Regular", "Inter-Medium", "Inter-SemiBold", "Inter-Bold")
FAMILIES = ["Inter", "Noto Sans", "DejaVu Sans", "Noto Color Emoji"]
SCALES = (100, 125, 150, 200)

# Type roles: size in units, weight. A label names its role with the property "role".
ROLES: dict[str, tuple[float, int]] = {
    "thread": (19, 600),
    "queue": (18, 600),
    "person": (15, 600),
    "brand": (15, 600),
    "message": (14, 400),
    "card": (13.5, 500),
    "control": (13, 500),
    "strong": (13, 600),
    "body": (12.5, 400),
    "meta": (12, 400),
    "caption": (11.5, 500),
}


class Theme(QObject):
    """The scheme and text scale in force. Painted widgets ask it and repaint on `changed`."""

    changed = Signal()

    def __init__(self, app: QApplication, choice: str = "system", scale: int = 100) -> None:
        super().__init__(app)
        self._app = app
        self.choice = choice
        self.scale = scale
        self.tokens: Tokens = LIGHT
        self.icons = Icons()
        for name in FONTS:
            QFontDatabase.addApplicationFont(str(paths.resource(f"fonts/{name}.ttf")))
        app.setStyle("Fusion")
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._system_changed)
        hints.accessibility().contrastPreferenceChanged.connect(self._system_changed)
        self.apply()

    def choose(self, choice: str) -> None:
        """Take a scheme by name, or "system" to follow the desktop."""
        self.choice = choice
        self.apply()

    def choose_scale(self, scale: int) -> None:
        """Make all text and every length `scale` per cent of their size."""
        self.scale = scale
        self.apply()

    def px(self, units: float) -> int:
        """Units of the design in pixels of the screen."""
        return round(units * self.scale / 100)

    def font(self, role: str, weight: int = 0) -> QFont:
        """The font of a type role, with figures that do not jump when they change."""
        size, usual = ROLES[role]
        font = QFont(FAMILIES)
        font.setPointSizeF(self._points(size))
        font.setWeight(QFont.Weight(weight or usual))
        font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def color(self, name: str) -> QColor:
        """A token as a colour."""
        return QColor(str(getattr(self.tokens, name)))

    @property
    def still(self) -> bool:
        """Whether the person asked the desktop for less motion."""
        wish = QGuiApplication.styleHints().accessibility().motionPreference()
        return wish == Qt.MotionPreference.ReducedMotion

    def apply(self) -> None:
        """Set palette, font and style sheet for the scheme and scale."""
        self.tokens = SCHEMES[self._wanted()]
        self._app.setPalette(self._palette())
        self._app.setFont(self.font("control", 400))
        self._app.setStyleSheet(self._sheet())
        self.changed.emit()

    @Slot()
    def _system_changed(self) -> None:
        if self.choice == "system":
            self.apply()

    def _wanted(self) -> str:
        if self.choice in SCHEMES:
            return self.choice
        hints = QGuiApplication.styleHints()
        shade = "dark" if hints.colorScheme() == Qt.ColorScheme.Dark else "light"
        high = hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast
        return f"contrast-{shade}" if high else shade

    def _points(self, units: float) -> float:
        dpi = QGuiApplication.primaryScreen().logicalDotsPerInchY()
        return units * self.scale / 100 * 72 / dpi

    def _palette(self) -> QPalette:
        """Every role, because Qt keeps the roles of the desktop for those left out."""
        t = self.tokens
        role = QPalette.ColorRole
        colours = {
            role.Window: t.surface,
            role.WindowText: t.text,
            role.Base: t.surface,
            role.AlternateBase: t.sunken,
            role.ToolTipBase: t.surface,
            role.ToolTipText: t.text,
            role.PlaceholderText: t.text3,
            role.Text: t.text,
            role.Button: t.surface,
            role.ButtonText: t.text,
            role.BrightText: t.on_accent,
            role.Light: t.hairline,
            role.Midlight: t.hairline,
            role.Dark: t.outline,
            role.Mid: t.outline,
            role.Shadow: t.text3,
            role.Highlight: t.accent,
            role.HighlightedText: t.on_accent,
            role.Link: t.accent,
            role.LinkVisited: t.accent,
            role.Accent: t.accent,
        }
        palette = QPalette()
        for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive):
            for name, colour in colours.items():
                palette.setColor(group, name, QColor(colour))
        off = {role.WindowText, role.Text, role.ButtonText, role.HighlightedText}
        for name, colour in colours.items():
            shade = t.text3 if name in off else colour
            palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(shade))
        return palette

    def _sheet(self) -> str:
        px, t = self.px, self.tokens
        roles = "\n".join(
            f'*[role="{role}"] {{ font-size: {self._points(size):.3f}pt; font-weight: {weight}; }}'
            for role, (size, weight) in ROLES.items()
        )
        values = {f"px{n}": f"{px(n)}px" for n in (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 18, 20, 24, 28)}
        # Heights and paddings inside a border of one pixel, and of two where a control has focus.
        for n in (24, 28, 34):
            values |= {f"h{n}": f"{px(n) - 2}px", f"f{n}": f"{px(n) - 4}px"}
        for n in (4, 8, 12):
            values |= {f"p{n}": f"{px(n) - 1}px", f"q{n}": f"{px(n) - 2}px"}
        values |= {"control": f"{self._points(13):.3f}pt", "caption": f"{self._points(12):.3f}pt"}
        values |= {name: getattr(t, name) for name in t.__slots__ if isinstance(getattr(t, name), str)}
        for name in ("crisis", "red", "amber", "green", "neutral"):
            hue = getattr(t, name)
            values |= {f"{name}_mark": hue.mark, f"{name}_soft": hue.soft, f"{name}_text": hue.text}
        # A prefix of Qt's, because the way to our folder may hold what a style sheet cannot quote.
        QDir.setSearchPaths("icons", [str(paths.resource("icons"))])
        values |= {"tick": f"tick-on-{'dark' if t.dark else 'light'}.svg", "dot": f"{px(14) // 2 + 2}px"}
        values["pill_edge"] = t.outline if t.contrast else "transparent"
        sheet = paths.resource("style.qss").read_text("utf-8")
        for name in sorted(values, key=len, reverse=True):
            sheet = sheet.replace(f"@{name}", values[name])
        return f"{roles}\n{sheet}"


def rescale(root: QWidget, scale: int) -> None:
    """Bring the margins and gaps of every layout to a text scale.

    A layout keeps its measures in units; they are read the first time from what it was built with.
    """
    for layout in root.findChildren(QLayout):
        units = layout.property("units")
        if units is None:
            at = layout.contentsMargins()
            built = (at.left(), at.top(), at.right(), at.bottom(), layout.spacing())
            units = [value * 100 / (root.property("scale") or scale) for value in built]
            layout.setProperty("units", units)
        left, top, right, bottom, gap = (round(value * scale / 100) for value in units)
        layout.setContentsMargins(left, top, right, bottom)
        if gap >= 0:
            layout.setSpacing(gap)
    root.setProperty("scale", scale)
