"""What is painted by hand: mirrored for languages that run leftward, marked where the cues are."""

import pytest
from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter
from views.evening import MARA

from moderator_app.desk.rows import Level, Span
from moderator_app.views.cue_text import CueText, draw_line, merged
from moderator_app.views.icons import paint_level
from moderator_app.views.widgets import initials


def colours(image, where):
    return {
        image.pixelColor(x, y).name()
        for x in range(int(where.left()), int(where.right()))
        for y in range(int(where.top()), int(where.bottom()))
    }


def canvas(wide=400, high=120):
    image = QImage(wide, high, QImage.Format.Format_RGB32)
    image.fill(QColor("#ffffff"))
    return image


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_the_stripe_of_a_card_stands_where_reading_begins(qtbot, window, theme, direction):
    table = window.queue.table
    window.setLayoutDirection(direction)
    qtbot.wait(50)
    image = table.viewport().grab().toImage()
    card = table.visualRect(window.queue.model.index(0, 0))
    mark = QColor(theme.tokens.crisis.mark).name()
    middle = card.center().y()
    places = [x for x in range(card.width()) if image.pixelColor(x, middle).name() == mark]
    assert places
    left = direction == Qt.LayoutDirection.LeftToRight
    assert (max(places) < 40) if left else (min(places) > card.width() - 40)


def test_cues_are_filled_and_underlined_at_their_place_beyond_emoji(theme):
    text = "🙏🙏 I feel so alone tonight"
    start = text.index("so alone")
    laid = CueText(theme, text, [Span(start, start + 8)], theme.font("message"), 380)
    image = canvas()
    painter = QPainter(image)
    laid.paint(painter, QPointF(0, 0), theme.color("text"))
    painter.end()
    found = {x for x in range(400) for y in range(30) if image.pixelColor(x, y).name() == "#ffe9a8"}
    assert found
    assert laid.why(QPointF((min(found) + max(found)) / 2, 10)) == 0
    assert laid.why(QPointF(2, 10)) is None
    assert theme.color("cue_line").name() in colours(image, QRectF(0, 0, 400, 30))


def test_a_text_is_cut_to_its_lines_with_dots(theme):
    whole = CueText(theme, MARA, [], theme.font("body"), 260)
    cut = CueText(theme, MARA, [], theme.font("body"), 260, max_lines=2)
    assert cut.height < whole.height
    assert cut._layout.text().endswith("…")


def test_spans_that_touch_become_one():
    assert merged([Span(4, 9), Span(0, 2), Span(7, 12)]) == [Span(0, 2), Span(4, 12)]
    assert merged([]) == []


@pytest.mark.parametrize(("text", "edge"), [("Ines Z.", "right"), ("ليلى", "right")])
def test_a_line_stands_at_its_side_and_reads_its_own_way(theme, text, edge):
    image = canvas(300, 40)
    painter = QPainter(image)
    painter.setFont(theme.font("strong"))
    draw_line(painter, QRectF(0, 0, 300, 40), text, Qt.AlignmentFlag.AlignRight)
    painter.end()
    inked = [x for x in range(300) for y in range(40) if image.pixelColor(x, y).lightness() < 128]
    assert inked
    assert min(inked) > 150, edge


def test_each_level_has_a_shape_of_its_own(theme):
    shapes = []
    for level in Level:
        image = canvas(64, 64)
        painter = QPainter(image)
        paint_level(painter, level, QRectF(0, 0, 64, 64), QColor("#000000"), QColor("#ffffff"))
        painter.end()
        dark = frozenset(
            (x, y)
            for x in range(0, 64, 2)
            for y in range(0, 64, 2)
            if image.pixelColor(x, y).lightness() < 128
        )
        shapes.append(dark)
    for n, one in enumerate(shapes):
        for other in shapes[n + 1 :]:
            assert len(one ^ other) > 60


def test_initials():
    names = ("Mara Lindqvist", "@ines_again", "kai", "", "🌻")
    assert [initials(name) for name in names] == ["ML", "IA", "K", "?", "?"]


@pytest.mark.parametrize(
    ("text", "n", "told"),
    [
        ("%n message(s)", 1, "1 message"),
        ("%n message(s)", 2, "2 messages"),
        ("%n message(s)", 0, "0 messages"),
        ("%n repl(y|ies)", 1, "1 reply"),
        ("%n repl(y|ies)", 5, "5 replies"),
    ],
)
def test_english_counts(english, text, n, told):
    assert QCoreApplication.translate("Any", text, None, n) == told


def test_the_desktops_scheme_is_followed_when_asked(qtbot, theme):
    hints = QGuiApplication.styleHints()
    theme.choose("system")
    hints.setColorScheme(Qt.ColorScheme.Dark)
    if hints.colorScheme() != Qt.ColorScheme.Dark:
        pytest.skip("this platform does not know colour schemes")
    qtbot.waitUntil(lambda: theme.tokens.dark)
    hints.setColorScheme(Qt.ColorScheme.Light)
    qtbot.waitUntil(lambda: not theme.tokens.dark)
    hints.unsetColorScheme()
