"""The gate: everything has a name, Tab reaches it, focus shows, text can be read and is not cut."""

from collections import Counter

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QFontMetrics, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QLabel,
    QLineEdit,
    QScrollArea,
    QWidget,
)

from moderator_app.views.tokens import SCHEMES
from moderator_app.views.widgets import ElidedLabel

LEAST = 24


@pytest.fixture
def full(qtbot, window, open_item):
    """The window with a conversation, a draft with remarks, and nothing moving."""
    open_item("Mara Lindqvist")
    window.reply.text.setPlainText("Hi Mara, you just need to calm down. You must rest!")
    qtbot.waitUntil(window.reply._hints.isVisible)
    qtbot.waitUntil(lambda: window.conduct.row.seen, timeout=4000)
    qtbot.wait(250)
    return window


def stops(window):
    """What Tab should reach: visible, enabled, in the tab chain."""
    return [
        widget
        for widget in window.findChildren(QWidget)
        if widget.isVisible()
        and widget.isEnabled()
        and widget.window() is window
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.focusProxy() is None
    ]


def spoken(widget):
    found = QAccessible.queryAccessibleInterface(widget)
    return found.text(QAccessible.Text.Name) if found else ""


def test_everything_that_takes_the_focus_has_a_name(full):
    nameless = [w for w in stops(full) if not spoken(w)]
    assert nameless == []


def test_no_two_buttons_have_the_same_name(full):
    names = Counter(spoken(w) for w in full.findChildren(QAbstractButton) if w.isVisible())
    assert {name: n for name, n in names.items() if n > 1} == {}


def test_targets_are_large_enough(full):
    small = [
        (type(w).__name__, spoken(w), w.width(), w.height())
        for w in full.findChildren(QAbstractButton)
        if w.isVisible() and (w.width() < LEAST or w.height() < LEAST)
    ]
    # The clear button inside a line edit is Qt's own; Escape and Select all do the same.
    assert [s for s in small if s[0] != "QLineEditIconButton"] == []
    assert full.rail.list.visualRect(full.rail.model.index(1)).height() >= LEAST


def walk(qtbot, window, key):
    """Press Tab until the focus has been everywhere and is back."""
    path = []
    for _ in range(120):
        focus = QApplication.focusWidget()
        if path and focus is path[0]:
            return path
        path.append(focus)
        if focus is window.reply.text:  # blanks and text keep Tab only where there are blanks
            assert "{" not in window.reply.text.toPlainText()
        qtbot.keyClick(focus, key)
    raise AssertionError([type(w).__name__ for w in path[-8:]])


def test_tab_reaches_everything_and_back_is_the_reverse(qtbot, full):
    full.activateWindow()
    full.queue.table.setFocus()
    forward = walk(qtbot, full, Qt.Key.Key_Tab)
    assert {id(w) for w in stops(full)} <= {id(w) for w in forward}
    full.queue.table.setFocus()
    back = walk(qtbot, full, Qt.Key.Key_Backtab)
    assert back == [forward[0], *reversed(forward[1:])]


def test_tab_goes_as_the_eye_goes(qtbot, full):
    full.queue.table.setFocus()
    path = walk(qtbot, full, Qt.Key.Key_Tab)
    panes = [full.top, full.rail, full.queue, full.talk, full.reply, full.person]

    def pane(widget):
        return next(n for n, p in enumerate(panes) if p.isAncestorOf(widget))

    order = [pane(widget) for widget in path]
    turn = order.index(min(order))
    assert order[turn:] + order[:turn] == sorted(order)


def picture(widget):
    return widget.grab().toImage()


def differs(one: QImage, other: QImage):
    return one.size() != other.size() or one != other


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_focus_can_be_seen(qtbot, full, theme, scheme):
    theme.choose(scheme)
    qtbot.wait(50)
    unseen = []
    for widget in stops(full):
        area = full if isinstance(widget, QScrollArea) else widget
        full.setFocus()
        QApplication.sendEvent(widget, QEvent(QEvent.Type.Leave))
        widget.clearFocus()
        before = picture(area)
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        if not differs(before, picture(area)):
            unseen.append((type(widget).__name__, spoken(widget)))
    assert unseen == []


def luminance(pixel):
    parts = [((pixel >> shift) & 255) / 255 for shift in (16, 8, 0)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rendered_contrast(widget, image, ratio):
    """The strongest ink against the commonest ground, as it was painted."""
    at = widget.mapTo(widget.window(), QPoint(0, 0))
    inside = QRect(at, widget.size()).adjusted(2, 2, -2, -2)
    counted = Counter()
    for y in range(inside.top(), inside.bottom()):
        for x in range(inside.left(), inside.right()):
            counted[image.pixel(int(x * ratio), int(y * ratio)) & 0xFFFFFF] += 1
    if not counted:
        return 99.0
    ground = luminance(counted.most_common(1)[0][0])
    return max((max(ground, ink) + 0.05) / (min(ground, ink) + 0.05) for ink in map(luminance, list(counted)))


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_text_can_be_read_as_it_is_painted(qtbot, full, theme, scheme):
    theme.choose(scheme)
    full.search_was = full.queue.table.setFocus()
    qtbot.wait(300)
    shot = full.grab()
    image, ratio = shot.toImage(), shot.devicePixelRatio()
    read = {}
    for widget in full.findChildren(QWidget):
        if isinstance(widget, QLabel | QAbstractButton) and widget.isVisible() and widget.text():
            visible = widget.visibleRegion().boundingRect()
            if visible.size() == widget.size() and widget.isEnabled():
                read[f"{type(widget).__name__}: {widget.text()[:40]}"] = round(
                    rendered_contrast(widget, image, ratio), 2
                )
    assert len(read) > 30
    assert {text: value for text, value in read.items() if value < 4.5} == {}


@pytest.mark.parametrize("scale", [100, 150, 200])
@pytest.mark.parametrize("width", [1440, 1100])
def test_no_text_is_cut(qtbot, full, theme, scale, width):
    theme.choose_scale(scale)
    full.resize(width, 900)
    cut = []
    for page in ("list", "thread"):
        full._show_page(page)
        qtbot.wait(120)
        for widget in full.findChildren(QWidget):
            if not widget.isVisible() or widget.window() is not full:
                continue
            if isinstance(widget, QLabel) and not isinstance(widget, ElidedLabel) and widget.text():
                cut += cut_label(widget)
            if isinstance(widget, QAbstractButton) and widget.text() and widget is not full.top.search:
                need = QFontMetrics(widget.font()).horizontalAdvance(widget.text())
                if widget.contentsRect().width() < need:
                    cut.append((widget.text(), widget.width(), need))
    assert cut == []


def cut_label(label):
    inside = label.contentsRect()
    metrics = QFontMetrics(label.font())
    if label.wordWrap():
        need = metrics.boundingRect(0, 0, inside.width(), 10_000, Qt.TextFlag.TextWordWrap, label.text())
        fits = need.height() <= inside.height() + 2
    else:
        need = metrics.size(0, label.text())
        fits = need.width() <= inside.width() + 2
    return [] if fits else [(label.text(), inside.width(), inside.height())]


@pytest.mark.parametrize("scale", [100, 150, 200])
def test_nothing_scrolls_sideways(qtbot, full, theme, scale):
    theme.choose_scale(scale)
    qtbot.wait(120)
    for area in full.findChildren(QScrollArea):
        if area.isVisible() and area.widget() is not None:
            assert area.widget().minimumSizeHint().width() <= area.viewport().width() + 1, area
    assert full.centralWidget().width() <= full.width()


def test_panes_are_met_in_the_order_of_the_eye(full):
    columns = QAccessible.queryAccessibleInterface(full.columns)
    met = [columns.child(n).object() for n in range(columns.childCount())]
    assert [w for w in met if w in full.panes] == list(full.panes)


def test_a_whole_shift_by_keyboard(qtbot, full, desk):
    """Pick, read, answer, send, take back, escalate: without a pointer."""
    full.activateWindow()
    full.reply.text.clear()
    full.queue.table.setFocus()
    qtbot.keyClick(full.queue.table, Qt.Key.Key_J)
    qtbot.keyClick(full.queue.table, Qt.Key.Key_Return)
    item = full.queue.current()
    qtbot.waitUntil(lambda: full.talk.item_id == item)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_R)
    qtbot.keyClicks(full.reply.text, "Thank you for telling us, we are looking at it now.")
    qtbot.waitUntil(full.reply.send.isEnabled)
    qtbot.keyClick(full.reply.text, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: full.reply.text.toPlainText() == "")
    qtbot.keyClick(full.reply.text, Qt.Key.Key_Escape)
    qtbot.keyClick(full.queue.table, Qt.Key.Key_Z)
    qtbot.waitUntil(lambda: "Thank you" in full.reply.text.toPlainText())
    qtbot.keyClick(full.queue.table, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: any(d.isVisible() for d in full.findChildren(QDialog)))
    dialog = next(d for d in full.findChildren(QDialog) if d.isVisible())
    assert all(spoken(w) for w in stops(dialog)), [type(w) for w in stops(dialog) if not spoken(w)]
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)


@pytest.mark.parametrize(
    "command", ["close", "level", "note", "help", "outbox", "palette", "lines", "template"]
)
def test_dialogs_are_named_and_can_be_walked(qtbot, full, command):
    full.commands.action(command).trigger()
    qtbot.waitUntil(lambda: any(d.isVisible() for d in full.findChildren(QDialog)))
    dialog = next(d for d in full.findChildren(QDialog) if d.isVisible())
    assert dialog.windowTitle()
    reach = stops(dialog)
    assert reach
    for widget in reach:
        if not isinstance(widget, QLineEdit) or widget.parentWidget().inherits("QComboBox") is False:
            assert spoken(widget), type(widget).__name__
    small = [w.text() for w in dialog.findChildren(QAbstractButton) if w.isVisible() and w.height() < LEAST]
    assert small == []
    dialog.reject()
