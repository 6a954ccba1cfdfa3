"""A window of the same layout with nothing of ours in it: four columns, a table, labels, a place to write."""

import json
import sys

from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from tests.benchmarks.window_child import FirstPaint, stamp


def _column(*widgets: QWidget) -> QWidget:
    whole = QWidget()
    layout = QVBoxLayout(whole)
    for widget in widgets:
        layout.addWidget(widget)
    return whole


def main() -> None:
    sys.stdin.readline()
    application = QApplication(sys.argv[:1])
    window = QMainWindow()
    rail = QListWidget()
    rail.addItems([f"Queue {number}" for number in range(12)])
    model = QStandardItemModel()
    for number in range(100):
        model.appendRow(QStandardItem(f"Conversation {number}"))
    table = QTableView()
    table.setModel(model)
    columns = QSplitter()
    columns.addWidget(rail)
    columns.addWidget(_column(QLabel("Queue"), QLineEdit(), table))
    columns.addWidget(_column(QLabel("Conversation"), QPlainTextEdit(), QPushButton("Send")))
    columns.addWidget(_column(*(QLabel(f"Fact {number}") for number in range(12))))
    window.setCentralWidget(_column(QLabel("Window"), columns))
    window.resize(1440, 900)
    answer: dict[str, float] = {}

    def first() -> None:
        answer.update(stamp())
        application.quit()

    FirstPaint(table.viewport(), lambda: True, first)
    window.show()
    application.exec()
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
