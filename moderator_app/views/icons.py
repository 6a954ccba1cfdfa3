"""The Lucide icons, drawn in any colour, and the shapes of the four levels."""

from PySide6.QtCore import QByteArray, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF
from PySide6.QtSvg import QSvgRenderer

from moderator_app import paths
from moderator_app.desk.rows import Level


class Icons:
    """Icons by name. Each is rendered once per colour and size at the pixels of the screen."""

    def __init__(self) -> None:
        self._sources: dict[str, bytes] = {}
        self._pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}

    def pixmap(self, name: str, colour: QColor, size: int, ratio: float = 1.0) -> QPixmap:
        """The icon as a picture of size x size units."""
        key = (name, colour.name(QColor.NameFormat.HexArgb), size, ratio)
        found = self._pixmaps.get(key)
        if found is None:
            found = self._render(name, colour, size, ratio)
            self._pixmaps[key] = found
        return found

    def icon(
        self,
        name: str,
        colour: QColor,
        size: int,
        off: QColor | None = None,
        gap: int = 0,
        *,
        mirrored: bool = False,
    ) -> QIcon:
        """The icon for a button, with a gap before its words; sharp at one, two and three pixels."""
        icon = QIcon()
        for ratio in (1.0, 2.0, 3.0):
            for mode, ink in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, off or colour)):
                picture = self.pixmap(name, ink, size, ratio)
                icon.addPixmap(_padded(picture, size, gap, mirrored=mirrored), mode)
        return icon

    def paint(self, painter: QPainter, name: str, colour: QColor, where: QRectF) -> None:
        """Draw the icon into a rectangle."""
        ratio = painter.device().devicePixelRatioF()
        pixmap = self.pixmap(name, colour, round(where.width()), ratio)
        painter.drawPixmap(where.topLeft(), pixmap)

    def _render(self, name: str, colour: QColor, size: int, ratio: float) -> QPixmap:
        source = self._sources.get(name)
        if source is None:
            source = paths.resource(f"icons/{name}.svg").read_bytes()
            self._sources[name] = source
        drawn = source.replace(b"currentColor", colour.name().encode())
        pixmap = QPixmap(QSize(size, size) * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        QSvgRenderer(QByteArray(drawn)).render(painter, QRectF(0, 0, size, size))
        painter.end()
        return pixmap


def _padded(picture: QPixmap, size: int, gap: int, *, mirrored: bool) -> QPixmap:
    """A picture with room on the side of the words."""
    if not gap:
        return picture
    ratio = picture.devicePixelRatio()
    wider = QPixmap(QSize(size + gap, size) * ratio)
    wider.setDevicePixelRatio(ratio)
    wider.fill(Qt.GlobalColor.transparent)
    painter = QPainter(wider)
    painter.drawPixmap(QPointF(gap if mirrored else 0, 0), picture)
    painter.end()
    return wider


def paint_level(painter: QPainter, level: Level, where: QRectF, mark: QColor, ground: QColor) -> None:
    """Draw the shape of a level: octagon, triangle, diamond or hollow circle."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if level is Level.GREEN:
        edge = max(1.6, where.width() * 0.13)
        painter.setPen(QPen(mark, edge))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inset = edge / 2 + where.width() * 0.08
        painter.drawEllipse(where.adjusted(inset, inset, -inset, -inset))
    else:
        painter.setPen(QPen(mark, where.width() * 0.08, j=Qt.PenJoinStyle.RoundJoin))
        painter.setBrush(mark)
        painter.drawPath(_outline(level, where))
        if level in (Level.CRISIS, Level.RED):
            _exclaim(painter, where, ground, 0.06 if level is Level.RED else 0.0)
    painter.restore()


def _outline(level: Level, where: QRectF) -> QPainterPath:
    corners = {
        Level.CRISIS: [
            *((0.3, 0.04), (0.7, 0.04), (0.96, 0.3), (0.96, 0.7)),
            *((0.7, 0.96), (0.3, 0.96), (0.04, 0.7), (0.04, 0.3)),
        ],
        Level.RED: [(0.5, 0.08), (0.97, 0.9), (0.03, 0.9)],
        Level.AMBER: [(0.5, 0.04), (0.96, 0.5), (0.5, 0.96), (0.04, 0.5)],
    }[level]
    path = QPainterPath()
    path.addPolygon(
        QPolygonF(
            [QPointF(where.x() + x * where.width(), where.y() + y * where.height()) for x, y in corners]
        )
    )
    path.closeSubpath()
    return path


def _exclaim(painter: QPainter, where: QRectF, colour: QColor, lower: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    wide, high = where.width(), where.height()
    bar = QRectF(where.x() + wide * 0.43, where.y() + high * (0.24 + 2 * lower), wide * 0.14, 0)
    bar.setHeight(high * (0.32 - lower))
    painter.drawRoundedRect(bar, wide * 0.07, wide * 0.07)
    dot = wide * 0.085
    painter.drawEllipse(QPointF(where.center().x(), where.y() + high * (0.71 + lower)), dot, dot)
