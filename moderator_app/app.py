"""Puts everything together for a window: unlock, open, connect the lanes, and leave in good order."""

import contextlib
import functools
import gc
import logging
import os
import re
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QLocale,
    QMessageLogContext,
    QObject,
    QTimer,
    QtMsgType,
    QTranslator,
    Signal,
    SignalInstance,
    Slot,
    qInstallMessageHandler,
)
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMessageBox

from connectors import registry
from moderator_app import logs, passing, paths, process
from moderator_app.backups import Backups
from moderator_app.desk import accounts, actions, erasure, language, reading, search, sweep
from moderator_app.desk import sync as trips
from moderator_app.desk.insights import Week
from moderator_app.desk.requests import Target
from moderator_app.desk.rows import ImportPreview
from moderator_app.desk.sync import Trip
from moderator_app.door import Door
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.forgetting import Forgetting
from moderator_app.keeping import Keeping
from moderator_app.leaving import Leaving
from moderator_app.paths import Profile
from moderator_app.settings import Settings
from moderator_app.vault import Locked, trusted_keyring
from moderator_app.views import files, words
from moderator_app.views.accounts_sheet import AccountsSheet
from moderator_app.views.english import English
from moderator_app.views.import_sheet import ImportSheet
from moderator_app.views.main_window import MainWindow
from moderator_app.views.runner import Answer, Runner
from moderator_app.views.sign_in import Form, Platform, SignInSheet
from moderator_app.views.theme import Theme
from moderator_app.views.unlock import RecoveryDialog, UnlockDialog, Way
from moderator_app.views.week_sheet import WeekSheet
from moderator_app.workspace import Workspace

if TYPE_CHECKING:
    from connectors.archive_mapping import FieldMapping

_log = logging.getLogger(__name__)

_SEND_SECONDS = 1.0  # how often the outbox is looked at: a hold of ten seconds should not last twelve
_TICK_SECONDS = 5.0  # how often it is asked whose turn it is to pull
_FIRST_PULL_MS = 100  # after the first picture: it may load a platform's libraries
_RENEW_DELAY_MS = 5000
_READER_DELAY_MS = 1000  # the language process starts after the first picture, so that it does not delay it


class Program(QObject):
    """What the window asks of the program around it: accounts, imports, exports, lanes, the lock."""

    lock_wanted = Signal(bool)  # true: with everything out of sight first

    def __init__(self, app: QApplication, workspace: Workspace, theme: Theme) -> None:
        super().__init__()
        self._app, self._workspace, self._theme = app, workspace, theme
        self.runner = Runner(workspace.desk, self)
        self._reader = language.Worker()
        self._busy: set[int] = set()  # accounts whose lane is at work
        self._pulled: dict[int, float] = {}
        self._reading = False
        self._rereading = False
        self._ending = False
        self._importing: dict[str, str] = {}  # the file that is being read, and how
        if not workspace.read_only:
            workspace.desk.do(sweep.begin)  # before the window shows a word
        self.window = MainWindow(workspace.desk, self.runner, workspace.settings, theme, self)
        self.keeping = Keeping(workspace, self.runner, theme, self.window, self.window.notices)
        self.window.top.passing.setVisible(workspace.passing is not None)
        self.leaving = Leaving(workspace, self.runner, theme, self.window, self.window.notices)
        self.forgetting = Forgetting(workspace, self.runner, theme, self.window)
        self.forgetting.erased.connect(self._back_up)

    @Slot()
    def _back_up(self) -> None:
        """With the words of an erasure went every backup; a demo has none."""
        if self._workspace.backups is not None:
            self.keeping.back_up(quiet=True)

    def start(self) -> None:
        """Begin the regular work; the window is already on the screen."""
        if self._workspace.read_only:
            self.window.say_read_only()
            return
        self.runner.changed.connect(self._changed)
        self.keeping.start()
        self.runner.every(_SEND_SECONDS, self._send_due)
        self.runner.every(_TICK_SECONDS, self._pull_due)
        # Children of the runner, so that its shutdown stops them, too.
        begin = (
            (_FIRST_PULL_MS, self.forgetting.start),
            (_FIRST_PULL_MS, self._pull_due),
            (_READER_DELAY_MS, self._read_on),
            (_RENEW_DELAY_MS, self._renew_search),
            (_RENEW_DELAY_MS, self._read_again),
        )
        for delay, work in begin:
            timer = QTimer(self.runner, singleShot=True, interval=delay)
            timer.timeout.connect(work)
            timer.start()
        # What stands by now stays: without this, looking it over for garbage stops the screen for 70 ms.
        gc.freeze()

    def open_demo(self) -> None:
        """Connect the demo community."""
        self._workspace.connect("demo", {"community": "harbour", "seed": "7", "hostile": "0"})

    def leave(self) -> int:
        """Keep what is being written and where the person is; answers how many replies wait to leave."""
        if self._workspace.read_only:
            return 0
        self.window.reply.save()
        waiting, place = len(self._workspace.desk.ask(actions.outbox)), self.window.place()
        self.leaving.note(typing="sheet" in place)
        try:
            self._workspace.keep_place(place | self._importing)
        except (OSError, ForTheModerator) as error:
            _log.warning("the place could not be kept", exc_info=error)
        return waiting

    def return_to(self, place: Mapping[str, str]) -> None:
        """Go on where `leave` left, also with a file that was being read."""
        self.window.return_to(place)
        if "import" in place:
            self._read_in(place["import"], place["mapping"])

    @property
    def exchange_wanted(self) -> SignalInstance:
        """Something needs the workspace closed: its title and the work."""
        return self.keeping.exchange_wanted

    @property
    def leave_agreed(self) -> SignalInstance:
        """The window may be closed now."""
        return self.leaving.agreed

    def may_leave(self) -> bool:
        """Whether the window may close at once; else `leave_agreed` may follow."""
        return self.leaving.may()

    def closed_backups(self) -> Backups:
        """The backups for that work, with a key of their own."""
        return self._workspace.closed_backups()

    def stop(self) -> None:
        """Bring every lane to rest and close the workspace; nothing that was recorded is lost."""
        self._ending = True
        gc.unfreeze()  # a locked window must leave nothing of what it showed
        self.runner.shutdown()
        self._reader.close()
        self._workspace.close()

    # ---------------------------------------------------------------- lanes

    @Slot(object)
    def _changed(self, tables: frozenset[str]) -> None:
        if "message" in tables:
            self._read_on()
        if "cue_change" in tables:
            self._read_again()

    def _read_on(self) -> None:
        """Let the rules read what came in, one batch run at a time."""
        if self._reading:
            return
        self._reading = True

        def work() -> int:
            return reading.read_pending(self._workspace.desk, self._reader, lambda: self._ending)

        self.runner.run("language", work).then(self._was_read).failed(self._not_read)

    def _read_again(self) -> None:
        """Where the rules or the packs have changed, read everything once more in the background."""
        if self._rereading:
            return
        self._rereading = True
        desk, reader = self._workspace.desk, self._reader

        def work(tell: Callable[[int, int], None], stopped: Callable[[], bool]) -> int:
            return reading.read_again(desk, reader, tell, lambda: self._ending or stopped())

        def start(stale: int) -> None:
            if stale:
                job = self.runner.job("language", self.tr("Reading everything again"), work)
                job.then(self._was_read_again).failed(self._not_read_again)
            else:
                self._rereading = False

        self.runner.ask(reading.stale).then(start)

    def _was_read_again(self, _: int) -> None:
        self._rereading = False

    def _not_read_again(self, error: BaseException) -> None:
        self._rereading = False
        self.runner.trouble.emit(error)

    def _was_read(self, count: int) -> None:
        self._reading = False
        if count:
            self._read_on()

    def _not_read(self, error: BaseException) -> None:
        # What is unread stands with the reds meanwhile; the next message tries again.
        self._reading = False
        self.runner.trouble.emit(error)

    def _renew_search(self) -> None:
        """Fold what was stored before the program learned to fold better; nothing to do on most days."""
        work, title = functools.partial(search.renew, self._workspace.desk), self.tr("Renewing the search")
        self.runner.ask(search.stale).then(
            lambda stale: self.runner.job("renew", title, work) if stale else None
        )

    def _pull_due(self) -> None:
        now = self._workspace.desk.clock.now().timestamp()
        for account_id, sync in self._workspace.syncs().items():
            waited = now - self._pulled.get(account_id, 0.0)
            if sync.poll_seconds and waited >= sync.poll_seconds:
                self._trip(account_id)

    def _trip(self, account_id: int, *, now: bool = False, since: datetime | None = None) -> None:
        desk = self._workspace.desk
        if account_id in self._busy or not (now or desk.ask(trips.due, account_id)):
            return
        self._busy.add(account_id)
        self._pulled[account_id] = desk.clock.now().timestamp()
        sync, reach = self._workspace.syncs()[account_id], self._workspace.since

        def work(tell: Callable[[int, int], None], stopped: Callable[[], bool]) -> Trip:
            return sync.run(lambda page: tell(page.done, page.total), stopped, since or reach)

        title = self.tr("Bringing what is new")
        self._free(account_id, self.runner.job(f"account-{account_id}", title, work))

    def _free(self, account_id: int, answer: Answer[Trip]) -> None:
        """Let the account's lane be used again, however its work ends."""

        def failed(error: BaseException) -> None:
            self._busy.discard(account_id)
            self.runner.trouble.emit(error)

        answer.then(lambda _: self._busy.discard(account_id)).failed(failed)

    def _send_due(self) -> None:
        """Send what has waited its hold, without waiting for the next pull."""
        desk = self._workspace.desk
        for account_id, sync in self._workspace.syncs().items():
            if account_id in self._busy:
                continue
            due = desk.ask(actions.next_due, account_id)
            if due is None or due > desk.clock.now() or not desk.ask(trips.due, account_id):
                continue
            self._busy.add(account_id)
            send = functools.partial(sync.run, pull=False)
            self._free(account_id, self.runner.run(f"account-{account_id}", send))

    # ---------------------------------------------------------------- what the window asks

    def sync_now(self) -> None:
        """Ask every platform now, whatever it asked us to wait for."""
        for account_id, sync in self._workspace.syncs().items():
            if sync.poll_seconds:
                self._trip(account_id, now=True)

    def connect_account(self) -> None:
        """Open the form of the platforms."""
        found = [
            Platform(key, kind.name, kind.fields)
            for key, kind in registry.available().items()
            if kind.poll_seconds
        ]
        SignInSheet(self._theme, self.window, found, self._connect).open()

    def open_accounts(self) -> None:
        """Show every account, its health and what can be done there."""
        AccountsSheet(self._theme, self.window, self.runner, self).open()

    def remove_account(self, account_id: int, *, erase: bool) -> Answer[bool]:
        """Stop reading an account, destroy its secrets, and ask for the erasure of what it brought."""

        def work() -> bool:
            told = self._workspace.disconnect(account_id)
            if erase:
                self._workspace.desk.do(erasure.ask, Target("account", account_id))
            return told

        return self.runner.run("startup", work).then(self._say_removed)

    def _say_removed(self, told: bool) -> None:
        if not told:
            self.window.notices.say(
                self.tr("The account was removed here, but the platform could not be told."),
                self.tr("End the sign-in on its own page, under connected apps or sessions."),
            )

    def sign_in(self, account_id: int) -> None:
        """Open the form of one account whose sign-in lapsed."""
        known = next(
            one for one in self._workspace.desk.ask(accounts.sign_ins) if one.account_id == account_id
        )
        kind = registry.connector(known.platform)
        form = [Platform(known.platform, kind.name, kind.fields)]
        SignInSheet(self._theme, self.window, form, self._connect, known.values).open()

    def _connect(self, form: Form, days: int, attempt: accounts.Attempt) -> Answer[int]:
        def work() -> int:
            return self._workspace.connect(form.platform, form.values, form.secrets, attempt)

        answer = self.runner.run("sign-in", work)  # its own lane: a browser may keep it waiting
        since = self._workspace.desk.clock.now() - timedelta(days=days)
        return answer.then(lambda account_id: self._trip(account_id, now=True, since=since))

    def import_file(self) -> None:
        """Choose a file, look at it, and open the mapping."""
        title = self.tr("Choose an export")
        kinds = self.tr("Exports (*.csv *.tsv *.txt *.jsonl *.ndjson *.json *.mbox *.zip);;All files (*)")
        files.ask_file(self.window, title, kinds, self.look_at)

    def look_at(self, path: Path) -> None:
        """Show the first rows of a file and ask which column is what."""

        def look(mapping: Mapping[str, str]) -> Answer[ImportPreview]:
            return self.runner.latest("import", self.runner.run("startup", lambda: _preview(path, mapping)))

        def opened(preview: ImportPreview) -> None:
            sheet = ImportSheet(self._theme, self.window, preview, look)
            sheet.chosen.connect(lambda mapping: self._import(path, mapping))
            sheet.open()

        self.runner.run("startup", lambda: _preview(path, {})).then(opened)

    def _import(self, path: Path, mapping: Mapping[str, str]) -> None:
        self._read_in(str(path), _mapping(mapping).to_json())

    def _read_in(self, path: str, mapping: str) -> None:
        values = {"path": path, "mapping": mapping}
        self._importing = {"import": path, "mapping": mapping}

        def work(tell: Callable[[int, int], None], stopped: Callable[[], bool]) -> Trip:
            account_id = self._workspace.connect("archive", values)
            sync = self._workspace.syncs()[account_id]
            return sync.run(progress=lambda page: tell(page.done, page.total), cancelled=stopped)

        self.runner.job("import", self.tr("Importing"), work).then(self._imported).failed(self._not_imported)

    def _not_imported(self, error: BaseException) -> None:
        self._importing = {}
        self.runner.trouble.emit(error)

    def _imported(self, trip: Trip) -> None:
        self._importing = {}
        if trip.health != "ok":
            sentence = QT_TRANSLATE_NOOP("Error", "The file cannot be imported: {why}")
            self.window.notices.tell(ForTheModerator(sentence, why=trip.trouble))
            return
        told = self.tr("%n message(s) were imported.", "", trip.brought.new)
        skipped = self.tr("%n row(s) could not be read.", "", trip.brought.skipped)
        self.window.notices.say(told, skipped if trip.brought.skipped else "")

    def export_week(self) -> None:
        """Show the week as it would leave."""
        sheet = WeekSheet(self._theme, self.window, self.runner)
        sheet.wanted.connect(self.write_week)
        sheet.open()

    def open_privacy(self) -> None:
        """Show what is kept, what is asked about it, and the record."""
        self.forgetting.open_sheet()

    @Slot(object, object)
    def write_week(self, week: Week, folder: Path) -> None:
        """Write the files off the screen and record that they were written."""

        def work() -> list[Path]:
            from moderator_app.desk import paper  # noqa: PLC0415 - the PDF library is only loaded for a PDF

            files = paper.export(week, folder)
            self._workspace.desk.do(actions.exported, str(week.monday), files)
            return files

        def written(files: list[Path]) -> None:
            told = self.tr("%n file(s) were written to {folder}.", "", len(files))
            self.window.notices.say(told.format(folder=folder))

        self.runner.run("import", work).then(written)

    def keep_settings(self, settings: Settings) -> None:
        """Write the preferences; the profile of a demo is thrown away with them."""
        self._workspace.settings = settings
        self.runner.run("startup", lambda: settings.save(self._workspace.profile.settings))

    def open_backups(self) -> None:
        """Show the backups and the keys."""
        self.keeping.open_sheet()

    def lock(self) -> None:
        """Cover the window and let go of the key."""
        self.lock_wanted.emit(False)

    def panic(self) -> None:
        """Take the window out of sight and lock."""
        self.lock_wanted.emit(True)


def _mapping(chosen: Mapping[str, str]) -> "FieldMapping":
    from connectors.archive_mapping import FieldMapping  # noqa: PLC0415 - only an import needs it

    return FieldMapping(**chosen)  # type: ignore[arg-type]  # its column fields are texts


def _preview(path: Path, chosen: Mapping[str, str]) -> ImportPreview:
    from connectors import archive, archive_mapping  # noqa: PLC0415 - only an import needs them

    found = archive.inspect(path, _mapping(chosen) if chosen else None)
    fields = archive_mapping.COLUMN_FIELDS
    return ImportPreview(
        format=str(found.format),
        columns=found.columns,
        rows=found.sample_rows,
        fields=fields,
        chosen={field: getattr(found.mapping, field) for field in fields},
        problems=found.problems,
    )


# ------------------------------------------------------------------ starting


def application(debug_log: Path | None, *, debug: bool) -> QApplication:
    process.keep_private()
    process.keep_small()
    if debug_log is not None:
        with contextlib.suppress(PermissionError):  # a folder that can only be read keeps no log
            logs.start(debug_log, debug=debug)
    desktop = os.environ.get("XDG_CURRENT_DESKTOP", "")
    if desktop and "GNOME" not in desktop and "DBUS_SESSION_BUS_ADDRESS" in os.environ:
        # Follows the desktop's light and dark; without a desktop there is nobody to ask.
        os.environ.setdefault("QT_QPA_PLATFORMTHEME", "xdgdesktopportal")
    app = QApplication(sys.argv[:1])
    app.setApplicationName("hearthlight")
    app.setApplicationDisplayName("Hearthlight")
    app.setDesktopFileName("org.hearthlight.Hearthlight")
    icon = paths.resource("icons/hearthlight.svg")
    if icon.exists():
        app.setWindowIcon(QIcon(str(icon)))
    qInstallMessageHandler(_qt_said)
    files.remember_nothing()
    return app


def _qt_said(kind: QtMsgType, context: QMessageLogContext, message: str | None) -> None:
    """Keep who of Qt complains and not what about: some of its warnings quote the text they stumble on."""
    who = re.match(r"[\w:]{1,60}(?=[:(] ?)", message or "")
    said = f"{context.category or 'qt'} {who[0].rstrip(':') if who else ''}".strip()
    if kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg):
        _log.error("Qt: %s", said)
    elif kind is QtMsgType.QtWarningMsg:
        _log.info("Qt: %s", said)


def translate(app: QApplication, language_code: str) -> list[QTranslator]:
    """Install the program's language: English plurals always, another language over them."""
    if QLocale.system().language() is QLocale.Language.C:
        # A machine without a language of its own: dates and numbers as people write them.
        QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom))
    installed: list[QTranslator] = [English(app)]
    translator = QTranslator(app)
    if language_code and translator.load(str(paths.resource(f"i18n/hearthlight_{language_code}.qm"))):
        installed.append(translator)
    for one in installed:
        app.installTranslator(one)
    return installed


def _made(profile: Profile, theme: Theme) -> Workspace | None:
    """A new workspace, by the keyring or else by a passphrase; None when the person leaves."""
    if trusted_keyring() is not None:
        try:
            return _shown(Workspace.open(profile), theme)
        except Locked as error:
            _log.info("the keyring cannot be used", exc_info=error)

    def opener(_: Way, typed: str) -> Workspace:
        return Workspace.open(profile, typed)

    dialog = UnlockDialog(theme, opener, new=True)
    dialog.exec()
    return _shown(dialog.found, theme) if isinstance(dialog.found, Workspace) else None


def _shown(workspace: Workspace, theme: Theme) -> Workspace:
    if workspace.recovery_key:
        RecoveryDialog(theme, workspace.recovery_key).exec()
        workspace.recovery_key = ""
    return workspace


def run(
    folder: Path | None, *, demo: bool, debug: bool, read_only: bool = False, leave_nothing: bool = False
) -> int:
    """Open the window; answers the exit status."""
    temporary = Path(tempfile.mkdtemp(prefix="hearthlight-demo-")) if demo else None
    try:
        profile = Profile.at(temporary or folder)
        app = application(profile.log, debug=debug)
        settings = Settings.load(profile.settings)
        translate(app, settings.language)
        theme = Theme(app, settings.theme, settings.text_scale)
        theme.apply()
        process.close_memory()
        passing.clear(profile)
        return _evening(app, profile, theme, demo=demo, read_only=read_only, leave_nothing=leave_nothing)
    except ForTheModerator as error:
        _refuse(error)
        return 1
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _evening(
    app: QApplication, profile: Profile, theme: Theme, *, demo: bool, read_only: bool, leave_nothing: bool
) -> int:
    """From the first key to the last window, with any number of locks between."""

    def make(workspace: Workspace) -> Program:
        program = Program(app, workspace, theme)
        sys.excepthook = _excepthook(program)
        return program

    new = demo or not (profile.vault.exists() or profile.store.exists())
    workspace = None
    if new:
        workspace = Workspace.throwaway(profile) if demo else _made(profile, theme)
        if workspace is None:
            return 0
        if leave_nothing and not demo:
            workspace = workspace.pass_through()
    app.setQuitOnLastWindowClosed(False)  # between two shifts the screen may be minimised and hidden
    door = Door(profile, theme, make, demo=demo, read_only=read_only, leave_nothing=leave_nothing)
    if workspace is None:
        door.knock()
    else:
        door.enter(workspace)
    if demo and isinstance(door.program, Program):
        door.program.open_demo()
    try:
        return app.exec()
    finally:
        door.forget()
        sys.excepthook = process.told


def _refuse(error: ForTheModerator) -> None:
    """Say why no window opens: to whoever started it, on the screen and in the terminal."""
    sys.stderr.write(f"{error}\n")
    if QApplication.instance() is not None:
        sentence, remedy = words.trouble(error)
        box = QMessageBox(QMessageBox.Icon.Warning, "Hearthlight", sentence)
        box.setInformativeText(remedy)
        box.exec()


def _excepthook(program: Program) -> Callable[..., None]:
    """A bug in a slot: say so in the window, and where it is to whoever watches the terminal."""
    known = weakref.ref(program)

    def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        process.told(kind, error, trace)
        shown = known()
        if shown is not None:
            shown.runner.trouble.emit(error)

    return told
