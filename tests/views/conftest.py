"""A window's world for tests: a real encrypted store with people in it, a clock, a runner, a theme."""

import gc

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from views.evening import Program, StillClock, fill

from moderator_app.desk.desk import Desk
from moderator_app.models.store import Store
from moderator_app.paths import Profile
from moderator_app.settings import Settings
from moderator_app.views.english import English
from moderator_app.views.main_window import MainWindow
from moderator_app.views.runner import Runner
from moderator_app.views.theme import Theme


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def store(tmp_path):
    with Store.open(Profile.at(tmp_path / "profile"), bytearray(range(32))) as opened:
        yield opened


@pytest.fixture
def desk(store, clock):
    return Desk(store, "Priya", clock)


@pytest.fixture
def account(desk):
    return fill(desk)


@pytest.fixture
def runner(qapp, desk):
    made = Runner(desk)
    yield made
    assert made.shutdown()


@pytest.fixture(scope="session")
def english(qapp):
    translator = English()
    QApplication.installTranslator(translator)
    return translator


@pytest.fixture
def theme(qapp, english):
    """One theme for all tests, back to light and 100 % before each."""
    found = getattr(qapp, "hearthlight_theme", None)
    if found is None:
        found = Theme(qapp, "light")
        qapp.hearthlight_theme = found
    if (found.choice, found.scale) != ("light", 100):
        found.choice, found.scale = "light", 100
        found.apply()
    yield found
    gc.collect()


@pytest.fixture
def program():
    return Program()


@pytest.fixture
def window(qtbot, desk, account, runner, theme, program):
    made = MainWindow(desk, runner, Settings(moderator="Priya"), theme, program)
    made.resize(1440, 900)
    made.show()
    qtbot.waitUntil(lambda: bool(made.rail.model.counts))
    yield made
    made.close()
    runner.shutdown()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def open_item(qtbot, window):
    """Open the conversation with a person and wait until it is on the screen."""

    def opening(name):
        model = window.queue.model
        places = [n for n in range(model.rowCount()) if model.row(model.index(n, 0)).person == name]
        window.queue.select_index(model.index(places[0], 0))
        item = window.queue.current()
        qtbot.waitUntil(lambda: window.talk.item_id == item)
        return item

    return opening
