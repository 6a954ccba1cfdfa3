"""The week on paper: one chart drawing for PDF and screen, and the two-page summary.

ReportLab draws both (docs/decisions/006-charts.md); nothing here asks the database.
"""

import functools
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from reportlab.graphics import renderSVG
from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from moderator_app.desk import insights
from moderator_app.paths import resource

_TEXT: Final = HexColor("#1B1E22")
_QUIET: Final = HexColor("#62676F")
_ACCENT: Final = HexColor("#0B6660")
_LINE: Final = HexColor("#DFDBD2")
_SUNKEN: Final = HexColor("#F8F7F3")
_FEWEST_BARS: Final = 5  # a chart of fewer points is a sentence (R94)


@functools.cache
def _fonts() -> None:
    for name, file in (
        ("Inter", "Inter-Regular"),
        ("Inter-Bold", "Inter-SemiBold"),
    ):
        pdfmetrics.registerFont(TTFont(name, str(resource(f"fonts/{file}.ttf"))))
    pdfmetrics.registerFontFamily("Inter", normal="Inter", bold="Inter-Bold")


def _style(size: float, *, bold: bool = False, colour: Any = _TEXT, after: float = 0) -> ParagraphStyle:
    return ParagraphStyle(
        f"s{size}{bold}{colour.hexval()}{after}",
        fontName="Inter-Bold" if bold else "Inter",
        fontSize=size,
        leading=size * 1.4,
        textColor=colour,
        spaceAfter=after,
    )


def chart(summary: insights.Week, width: float = 480, height: float = 150) -> Drawing:
    """Messages in each of the last eight weeks as bars with their numbers; hidden ones are outlined."""
    _fonts()
    drawing = Drawing(width, height)
    base, top = 26.0, height - 18
    most = max((count or 0 for _, count in summary.weeks), default=0) or 1
    step = width / max(len(summary.weeks), 1)
    drawing.add(Line(0, base, width, base, strokeColor=_LINE, strokeWidth=1))
    for i, (monday, count) in enumerate(summary.weeks):
        left, wide = i * step + step * 0.18, step * 0.64
        tall = (top - base) * (count or 0) / most
        middle = left + wide / 2
        if count is None:
            box = Rect(left, base, wide, 8, fillColor=None, strokeColor=_QUIET, strokeDashArray=(2, 2))
            drawing.add(box)
        elif count:
            drawing.add(Rect(left, base, wide, tall, rx=2, ry=2, fillColor=_ACCENT, strokeColor=None))
        said = "hidden" if count is None else f"{count:,}"
        drawing.add(_label(middle, base + max(tall, 8) + 5, said, _TEXT))
        drawing.add(_label(middle, 10, f"{monday:%d %b}", _QUIET))
    return drawing


def _label(x: float, y: float, text: str, colour: Any) -> String:
    return String(x, y, text, fontName="Inter", fontSize=8.5, fillColor=colour, textAnchor="middle")


def chart_svg(summary: insights.Week) -> bytes:
    """The same chart for the screen."""
    drawn = ET.fromstring(renderSVG.drawToString(chart(summary)))  # noqa: S314 - our own drawing
    # Qt's SVG subset has no clipping: it would paint the clip rectangle over everything.
    for parent in list(drawn.iter()):
        for child in list(parent):
            if child.tag.endswith("clipPath"):
                parent.remove(child)
    return ET.tostring(drawn)


def _grid(rows: Sequence[Sequence[str]], widths: Sequence[float]) -> Table:
    cell, head = _style(9), _style(8.5, colour=_QUIET)
    body = [[Paragraph(escape(text), head if i == 0 else cell) for text in row] for i, row in enumerate(rows)]
    table = Table(body, colWidths=widths, repeatRows=1, hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE),
                ("BACKGROUND", (0, 0), (-1, 0), _SUNKEN),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("TOPPADDING", (0, 0), (-1, -1), 3),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return table


def _footer(canvas: Any, document: Any) -> None:
    canvas.saveState()
    canvas.setFont("Inter", 8)
    canvas.setFillColor(_QUIET)
    canvas.drawString(20 * mm, 12 * mm, "Hearthlight weekly summary. Counts only; small counts are hidden.")
    canvas.drawRightString(A4[0] - 20 * mm, 12 * mm, str(document.page))
    canvas.restoreState()


def pdf(summary: insights.Week, path: Path) -> None:
    """Write the summary as an A4 document with the chart; fonts are embedded."""
    _fonts()
    last_day = summary.monday + timedelta(days=6)
    title = f"Week of {summary.monday:%d %B} to {last_day:%d %B %Y}"
    margin = 20 * mm
    document = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        leftMargin=margin,
        rightMargin=margin,
        topMargin=18 * mm,
        bottomMargin=20 * mm,
        title=title,
        author="Hearthlight",
        lang="en",
    )
    heading = _style(12, bold=True, after=4)
    quiet = _style(9, colour=_QUIET, after=4)
    story: list[Any] = [Paragraph(title, _style(18, bold=True, after=10))]
    figures = [["", "this week", "last week", "mean of 4 weeks"]] + [
        [f.label, *(insights.said(v, f.unit) for v in (f.value, f.last, f.mean))] for f in summary.figures
    ]
    story += [_grid(figures, [200, 90, 90, 100]), Spacer(1, 14)]
    known = [count for _, count in summary.weeks if count is not None]
    if len(known) >= _FEWEST_BARS:
        picture: list[Any] = [chart(summary)]
    else:
        picture = [Paragraph("Fewer than five weeks can be shown, so there is no chart yet.", quiet)]
    story.append(KeepTogether([Paragraph("Messages by week", heading), *picture, Spacer(1, 10)]))
    for table in summary.tables:
        rows = [["", *table.columns]] + [
            [name, *(insights.said(cell) for cell in cells)] for name, cells in table.rows
        ]
        widths = [200.0] + [90.0] * len(table.columns)
        parts = [Paragraph(table.label, heading), Paragraph(escape(table.definition), quiet)]
        story.append(KeepTogether([*parts, _grid(rows, widths), Spacer(1, 12)]))
    story.append(Paragraph("What the numbers mean", heading))
    story += [
        Paragraph(f"<b>{escape(f.label)}</b>: {escape(f.definition)}", _style(9, after=2))
        for f in summary.figures
    ]
    story += [Spacer(1, 8), Paragraph("Method", heading)]
    story += [Paragraph(escape(sentence), _style(9, after=2)) for sentence in summary.method]
    document.build(story, onFirstPage=_footer, onLaterPages=_footer)


def export(summary: insights.Week, folder: Path) -> list[Path]:
    """Write the Markdown, the CSV and the PDF into a folder; answers the three paths."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"week-{summary.monday.isoformat()}"
    text, table, page = (folder / f"{stem}.{suffix}" for suffix in ("md", "csv", "pdf"))
    text.write_text(insights.markdown(summary), "utf-8")
    table.write_text(insights.csv(summary), "utf-8", newline="")
    pdf(summary, page)
    return [text, table, page]
