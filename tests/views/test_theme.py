"""Four schemes that can be read, one type scale, icons and fonts that are there."""

import re
from itertools import combinations

import pytest
from PySide6.QtGui import QColor, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication, QCheckBox, QRadioButton, QWidget

from moderator_app import paths
from moderator_app.desk.rows import Level
from moderator_app.views import commands, rail
from moderator_app.views.tokens import SCHEMES


def luminance(colour):
    parts = [QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF()]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.fixture(params=sorted(SCHEMES))
def tokens(request):
    return SCHEMES[request.param]


def test_every_text_can_be_read_on_its_ground(tokens):
    t = tokens
    grounds = (t.surface, t.sunken, t.canvas, t.rail, t.card, t.hover)
    pairs = [(text, ground) for text in (t.text, t.text2, t.text3) for ground in grounds]
    pairs += [(t.text, t.cue), (t.on_accent, t.accent), (t.accent_text, t.accent_soft)]
    pairs += [(t.text, t.accent_soft), (t.on_inverse, t.inverse), (t.accent, t.surface)]
    pairs += [(t.safe, t.surface), (t.accent, t.surface), (t.text2, t.accent_soft)]
    for hue in (t.crisis, t.red, t.amber, t.green, t.neutral):
        pairs += [(hue.text, hue.soft), (t.text, hue.soft), (t.text2, hue.soft), (hue.text, t.surface)]
    pairs += [(text, ground) for ground, text in t.avatars]
    assert {(a, b): round(contrast(a, b), 2) for a, b in pairs if contrast(a, b) < 4.5} == {}


def test_every_mark_and_edge_can_be_seen(tokens):
    t = tokens
    pairs = [(hue.mark, ground) for hue in map(t.level, Level) for ground in (t.card, t.rail)]
    pairs += [(t.outline, ground) for ground in (t.surface, t.canvas)]
    pairs += [(t.cue_line, t.cue), (t.accent, t.rail), (t.accent, t.canvas)]
    assert {(a, b): round(contrast(a, b), 2) for a, b in pairs if contrast(a, b) < 3.0} == {}


# Machado, Oliveira and Fernandes (2009), full severity.
SEEN = {
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def lab(colour, matrix=None):
    parts = [QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF()]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    if matrix:
        r, g, b = (min(max(sum(m * v for m, v in zip(row, (r, g, b), strict=True)), 0), 1) for row in matrix)
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
    )
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_levels_differ_for_colour_blind_eyes_too(tokens):
    """Shape and word say the level as well; neighbours in urgency shall still not look alike."""
    if tokens.contrast:
        pytest.skip("high contrast schemes trade hue for contrast; shapes and words remain")
    marks = [tokens.level(level).mark for level in Level]
    for matrix in (None, *SEEN.values()):
        for one, other in combinations(marks, 2):
            apart = (
                sum((a - b) ** 2 for a, b in zip(lab(one, matrix), lab(other, matrix), strict=True)) ** 0.5
            )
            assert apart > 10, (one, other, matrix)


def test_every_icon_named_is_there(window):
    named = {command.icon for command in window.commands.table} | set(rail.ICONS.values())
    views = paths.resources().parent / "moderator_app" / "views"
    told = "\n".join(file.read_text("utf-8") for file in views.glob("*.py"))
    there = {file.stem for file in paths.resource("icons").glob("*.svg")}
    assert named <= there
    quoted = set(re.findall(r'"([a-z]+(?:-[a-z0-9]+)+)"', told))
    lucide_like = {name for name in quoted if name.split("-")[0] in {"user", "circle", "calendar", "chevron"}}
    assert lucide_like <= there
    assert commands.LETTERS


def test_the_fonts_are_ours(theme):
    for role, weight in (("message", 400), ("card", 500), ("strong", 600)):
        found = QFontInfo(theme.font(role))
        assert (found.family(), found.weight()) == ("Inter", weight)


def test_licences_ship_with_fonts_and_icons():
    assert "SIL Open Font License" in paths.resource("fonts/LICENSE-inter.txt").read_text("utf-8")
    assert "ISC License" in paths.resource("icons/LICENSE-lucide.txt").read_text("utf-8")
    assert sum(f.stat().st_size for f in paths.resource("fonts").iterdir()) < 2_000_000


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_every_palette_role_is_ours(theme, scheme):
    theme.choose(scheme)
    used = {
        str(getattr(theme.tokens, name)).lower()
        for name in theme.tokens.__slots__
        if str(getattr(theme.tokens, name)).startswith("#")
    }
    palette = QApplication.palette()
    for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive, QPalette.ColorGroup.Disabled):
        for role in QPalette.ColorRole:
            if role not in (QPalette.ColorRole.NoRole, QPalette.ColorRole.NColorRoles):
                assert palette.color(group, role).name() in used, (group, role)


def test_text_scale_reaches_every_length(theme):
    theme.choose_scale(200)
    assert theme.px(10) == 20
    assert theme.font("message").pointSizeF() == pytest.approx(2 * 14 * 72 / 96, rel=0.05)


def test_the_style_sheet_has_no_name_left_in_it(theme):
    assert not re.findall(r"@\w+", QApplication.instance().styleSheet())


@pytest.mark.parametrize("kind", [QCheckBox, QRadioButton])
@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_what_can_be_ticked_can_be_seen(qtbot, theme, scheme, kind):
    theme.choose(scheme)
    for ground in (theme.tokens.surface, theme.tokens.canvas):
        holder = QWidget()
        holder.setStyleSheet(f"QWidget#ground {{ background: {ground}; }}")
        holder.setObjectName("ground")
        box = kind("", holder)
        qtbot.addWidget(holder)
        holder.show()
        box.adjustSize()
        seen = []
        for checked in (False, True):
            box.setChecked(checked)
            picture = holder.grab(box.geometry()).toImage()
            middle = picture.height() // 2
            row = [picture.pixelColor(x, middle).name() for x in range(picture.width())]
            edge = next((colour for colour in row if contrast(colour, ground) >= 3.0), None)
            assert edge is not None, (kind, checked, row)
            seen.append(row)
        assert seen[0] != seen[1]
