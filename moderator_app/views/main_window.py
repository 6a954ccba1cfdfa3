"""The window: four columns, what stands above them, and how they give way where room is short."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QPoint, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QLayout,
    QMainWindow,
    QSplitter,
    QStackedLayout,
    QWidget,
)

from moderator_app.desk import accounts, actions, threads, triage
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.rows import (
    AccountRow,
    Heard,
    Hit,
    Level,
    Queue,
    ThreadView,
)
from moderator_app.settings import Settings
from moderator_app.views import words
from moderator_app.views.commands import LETTERS, Commands, Needs
from moderator_app.views.conduct import Conduct, Parts
from moderator_app.views.dialogs import Sheet
from moderator_app.views.help_sheet import HelpSheet
from moderator_app.views.notices import Notices
from moderator_app.views.outbox_view import OutboxView
from moderator_app.views.palette import Palette
from moderator_app.views.person_panel import WIDE as PERSON
from moderator_app.views.person_panel import PersonPanel
from moderator_app.views.queue_view import QueueView
from moderator_app.views.rail import Rail
from moderator_app.views.reply_box import ReplyBox
from moderator_app.views.runner import Runner
from moderator_app.views.sharing_banner import SharingBanner
from moderator_app.views.teaching_sheet import TeachingSheet
from moderator_app.views.theme import SCALES, Theme, rescale
from moderator_app.views.thread_view import PAGE, ThreadPane
from moderator_app.views.top_bar import TopBar
from moderator_app.views.widgets import Banner, Button, EmptyState, column

LIST = 404
THREAD = 420
FOUR, THREE, TWO = 1320, 1040, 800  # breakpoints in units
LOW = 640
SEEN_MS = 1000
PANEL_MS, ORDER_MS = 8, 120
AGE_S = 60
THREAD_TABLES = frozenset(
    {"item", "message", "action", "note", "thread", "person", "signal", "request", "retention_rule"}
)


class WindowActions(Protocol):
    """What the window asks of the program around it."""

    def connect_account(self) -> None: ...
    def open_accounts(self) -> None: ...
    def sign_in(self, account_id: int) -> None: ...
    def import_file(self) -> None: ...
    def export_week(self) -> None: ...
    def open_privacy(self) -> None: ...
    def sync_now(self) -> None: ...
    def open_backups(self) -> None: ...
    def lock(self) -> None: ...
    def panic(self) -> None: ...
    def keep_settings(self, settings: Settings) -> None: ...


class MainWindow(QMainWindow):
    """Shows one queue, one conversation and one person; every change goes through the runner."""

    veil_wanted = Signal()

    def __init__(
        self,
        desk: Desk,
        runner: Runner,
        settings: Settings,
        theme: Theme,
        program: WindowActions,
    ) -> None:
        super().__init__()
        self.setObjectName("window")
        self.desk, self.runner, self.settings = desk, runner, settings
        self.theme, self.program = theme, program
        self.setProperty("scale", theme.scale)
        # Before anything else hears of it: what is built anew at the new scale must not be scaled again.
        theme.changed.connect(self._rescale)
        self.commands = Commands(self)
        self._page = "list"
        self._person_wanted = False
        self._accounts: list[AccountRow] = []
        self._message_wanted: int | None = None
        self._unfinished: tuple[str, list[str]] | None = None
        self._build()
        self._bind()
        self._wire()
        self.open_queue(Queue.OPEN)
        self._count()
        self.queue.table.setFocus()
        runner.every(AGE_S, self._grow_older)
        self.resize(QSize(theme.px(1440), theme.px(900)) if theme.scale == 100 else QSize(1440, 900))  # noqa: PLR2004 - the size of the design

    # ---------------------------------------------------------------- building

    def _build(self) -> None:
        theme, clock = self.theme, self.desk.clock
        self.top = TopBar(theme, self.commands, clock, self.desk.who)
        self.banner = OfflineBanner(theme, self.program)
        self.sharing = SharingBanner(theme, self.commands)
        self.rail = Rail(theme, self.runner, self.commands)
        self.queue = QueueView(theme, self.runner)
        self.talk = ThreadPane(theme, self.commands, clock, self.desk.who)
        self.reply = ReplyBox(theme, self.runner, self.commands, self._known())
        self.person = PersonPanel(theme, self.commands, clock)
        self.nothing = EmptyState(theme, "heart-handshake")
        self._first: list[Button] = []
        for name, icon, kind in (("connect", "plug", "primary"), ("import", "upload", "")):
            action = self.commands.action(name)
            button = Button(theme, action.text(), icon, kind)
            button.clicked.connect(action.trigger)
            self.nothing.add(button)
            self._first.append(button)
        self._put_together()

    def _put_together(self) -> None:
        """Lay the panes out: three beside the conversation, and what is true of all above them."""
        middle = QWidget()
        middle.setObjectName("threadPane")
        talk = QWidget()
        self._talking = column(talk, (0, 0, 0, 0), 0)
        self._talking.addWidget(self.talk, 1)
        self._talking.addWidget(self.reply)
        self._pages = QStackedLayout(middle)
        self._pages.setContentsMargins(0, 0, 0, 0)
        self._pages.addWidget(self.nothing)
        self._pages.addWidget(talk)
        self._middle = middle
        self.columns = QSplitter(Qt.Orientation.Horizontal)
        self.columns.setHandleWidth(1)
        self.columns.setChildrenCollapsible(False)
        self.panes = (self.rail, self.queue, middle, self.person)
        for place, pane in enumerate(self.panes):
            self.columns.addWidget(pane)
            self.columns.setStretchFactor(place, 1 if pane is middle else 0)
        centre = QWidget()
        whole = column(centre, (0, 0, 0, 0), 0)
        whole.addWidget(self.top)
        whole.addWidget(self.sharing)
        whole.addWidget(self.banner)
        whole.addWidget(self.columns, 1)
        self.setCentralWidget(centre)
        # Columns give way when the window is narrower than they like: they must not keep it wide.
        layout = self.layout()
        assert layout is not None
        layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self.setMinimumSize(360, 320)
        self._raise_in_order()
        theme = self.theme
        self.notices = Notices(theme, self.runner, self)
        parts = Parts(self, theme, self.runner, self.commands, self.notices, self.talk, self.reply)
        self.conduct = Conduct(parts, self.settings)
        self._seen = QTimer(self, singleShot=True, interval=SEEN_MS)
        # The panel and the order of Tab follow in turns of their own: together they would hold the screen.
        self._panel = QTimer(self, singleShot=True, interval=PANEL_MS)
        self._order = QTimer(self, singleShot=True, interval=ORDER_MS)

    def _raise_in_order(self) -> None:
        """Let screen readers meet the panes in the order of the eye: a splitter lowers each one."""
        for pane in self.panes:
            pane.raise_()
        for place in range(self.columns.count()):
            self.columns.handle(place).raise_()

    def _known(self) -> Mapping[str, str]:
        """The blanks that need nobody's thought. A country's numbers are never among them."""
        leads = self.settings.leads
        known = {"mod_name": self.desk.who, "hours_open": self.settings.team_hours}
        return known | ({"lead_role": leads[0]} if leads else {})

    def _bind(self) -> None:
        bind, program = self.commands.bind, self.program
        bind("next", lambda: self._step(1))
        bind("previous", lambda: self._step(-1))
        bind("open", self._enter)
        bind("reply", self._write)
        bind("outbox", self._open_outbox)
        bind("filter", self._filter)
        bind("search", lambda: self._open_palette(only_messages=True))
        bind("palette", lambda: self._open_palette(only_messages=False))
        bind("news", self.queue.take_news)
        bind("panes", self._next_pane)
        bind("back", self._back)
        bind("person", self._toggle_person)
        bind("theme", self._switch_theme)
        bind("contrast", self._switch_contrast)
        bind("larger", lambda: self._scale(1))
        bind("smaller", lambda: self._scale(-1))
        bind("sync", program.sync_now)
        bind("accounts", program.open_accounts)
        bind("connect", program.connect_account)
        bind("import", program.import_file)
        bind("week", program.export_week)
        bind("teaching", self.open_teaching)
        bind("privacy", program.open_privacy)
        bind("backups", program.open_backups)
        bind("lock", program.lock)
        bind("panic", program.panic)
        bind("veil", self.veil_wanted.emit)
        bind("help", lambda: HelpSheet(self.theme, self.commands, self).open())
        for heard in Heard:
            bind(f"heard_{heard.value}", partial(self.open_heard, heard))
        for name in LETTERS:
            bind(f"queue_{name.value}", partial(self.open_queue, name, focus=True))

    def _wire(self) -> None:
        self.rail.list.queue_chosen.connect(self.open_queue)
        self.rail.list.command_chosen.connect(lambda name: self.commands.action(name).trigger())
        self.queue.chosen.connect(self.open_item)
        self.queue.opened.connect(self._opened)
        self.queue.queue_chosen.connect(self.open_queue)
        self.talk.conversation.earlier_wanted.connect(self._earlier)
        self.talk.conversation.write_again.connect(self._write)
        self.talk.conversation.built.connect(self._panel.start)
        self.person.earlier_wanted.connect(self.open_item)
        self.person.undo_wanted.connect(self.notices.undo)
        self.reply.changed.connect(self._allow)
        self.conduct.finished.connect(self._advance)
        self.conduct.taken.connect(self._taken)
        self.conduct.returned.connect(self.open_item)
        self.runner.changed.connect(self._changed)
        self.theme.changed.connect(self._fit)
        self._seen.timeout.connect(self._looked)
        self._panel.timeout.connect(self._show_person)
        self._order.timeout.connect(self._order_focus)

    # ---------------------------------------------------------------- queues and conversations

    @Slot(object)
    def open_queue(self, name: Queue, *, focus: bool = False) -> None:
        """Show a queue in the list."""
        if self.queue.model.name is not name or self.queue.title.text() == "":
            self.queue.show_queue(name)
        self.rail.list.mark(name)
        self.queue.show_count(self.rail.model.counts.get(name, 0))
        self.setWindowTitle(self.tr("Hearthlight: {queue}").format(queue=words.queue(name)))
        if focus:
            self._show_page("list")
            self.queue.table.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def open_heard(self, heard: Heard) -> None:
        """Show what needs a reply and holds something that was heard."""
        self.open_queue(Queue.OPEN, focus=True)
        self.queue.show_heard(heard)

    @Slot(int)
    def open_item(self, item_id: int) -> None:
        """Show a conversation."""
        if item_id == self.talk.item_id:
            return
        self.reply.save()
        self.talk.limit = PAGE
        self._read_thread(item_id)

    def _read_thread(self, item_id: int) -> None:
        answer = self.runner.ask(threads.view, item_id, self.talk.limit)
        self.runner.latest("thread", answer).then(self._show_thread)

    def _show_thread(self, thread: ThreadView) -> None:
        fresh = thread.item.item_id != self.talk.item_id
        self.talk.show_thread(thread)
        self.reply.show_thread(thread)
        self._pages.setCurrentIndex(1)
        if fresh:
            self.queue.select(thread.item.item_id)
            self._seen.start()
        if self._message_wanted is not None:
            self.talk.conversation.show_message(self._message_wanted)
            self._message_wanted = None
        self._allow()
        self._order.start()
        self._reopen()

    def open_teaching(self) -> None:
        """Show what triage missed and cried over, and what the team made of it."""
        sheet = TeachingSheet(self.theme, self, self.runner)
        sheet.item_wanted.connect(self._opened)
        sheet.open()

    # ---------------------------------------------------------------- over a lock

    @property
    def in_crisis(self) -> bool:
        """Whether what is shown is about somebody in danger: left alone, it is covered sooner (R69)."""
        shown = self.talk.thread_shown
        return self.queue.model.name is Queue.CRISIS or (
            shown is not None and shown.item.level is Level.CRISIS
        )

    def place(self) -> dict[str, str]:
        """Where the person is and what they have typed into an open sheet, to come back to."""
        found = {"queue": self.queue.model.name.value, "page": self._page}
        if self.talk.item_id is not None:
            found["item"] = str(self.talk.item_id)
        for sheet in self.findChildren(Sheet):
            typed = sheet.unfinished() if sheet.command else []
            if typed:
                found |= {"sheet": sheet.command, "typed": json.dumps(typed)}
        return found

    def return_to(self, place: Mapping[str, str]) -> None:
        """Come back to where `place` was taken."""
        self.open_queue(Queue(place["queue"]))
        if "item" in place:
            if "sheet" in place:
                self._unfinished = place["sheet"], json.loads(place["typed"])
            self._read_thread(int(place["item"]))
            self._show_page(place["page"])

    def _reopen(self) -> None:
        """Open the sheet again that stood open over the conversation, with what was typed in it."""
        if self._unfinished is None:
            return
        (command, typed), self._unfinished = self._unfinished, None
        self.commands.action(command).trigger()
        for sheet in self.findChildren(Sheet):
            if sheet.command == command:
                sheet.put_back(typed)

    @Slot()
    def _show_person(self) -> None:
        if self.talk.thread_shown is not None:
            self.person.show_thread(self.talk.thread_shown)
            self._order.start()

    @Slot()
    def _looked(self) -> None:
        shown = self.talk.thread_shown
        if shown is not None and not shown.item.seen and self.isVisible():
            self.runner.do(triage.seen, shown.item.item_id)

    @Slot(int)
    def _opened(self, item_id: int) -> None:
        self.open_item(item_id)
        self._show_page("thread")

    @Slot()
    def _earlier(self) -> None:
        if self.talk.item_id is not None:
            self.talk.limit += PAGE
            self._read_thread(self.talk.item_id)

    def _step(self, by: int) -> None:
        if not self.queue.step(by) and by > 0:
            self.notices.say(self.tr("That was the last one here."))

    def _enter(self) -> None:
        item = self.queue.current()
        if item is not None:
            self._opened(item)
            self.talk.conversation.focus_newest()

    def _write(self) -> None:
        self._show_page("thread")
        self.reply.text.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _filter(self) -> None:
        self._show_page("list")
        self.queue.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot(int)
    def _advance(self, item_id: int) -> None:
        """After a conversation has left the queue, show the next one."""
        if self.talk.item_id != item_id:
            return
        if not self.queue.step(1) and not self.queue.step(-1):
            self.talk.clear()
            self._pages.setCurrentIndex(0)
            self._show_page("list")
        self._allow()

    @Slot(object)
    def _taken(self, item_id: int | None) -> None:
        if item_id is None:
            self.notices.say(self.tr("Nobody is waiting."), self.tr("Take a breath."))
            return
        self.open_queue(Queue.MINE)
        self.queue.model.show_queue(Queue.MINE)
        self.open_item(item_id)
        self._show_page("thread")
        self.notices.say(self.tr("This one is yours now."))

    # ---------------------------------------------------------------- what changes

    @Slot(object)
    def _changed(self, tables: frozenset[str]) -> None:
        if self.talk.item_id is not None and tables & THREAD_TABLES:
            self._read_thread(self.talk.item_id)
        self._count()

    def _count(self) -> None:
        answer = self.runner.ask(_state)
        self.runner.latest("counts", answer).then(self._show_counts)

    def _show_counts(self, found: tuple[dict[Queue, int], list[AccountRow], int]) -> None:
        counts, rows, waiting = found
        self.rail.model.show_counts(counts, waiting)
        self.queue.show_count(counts.get(self.queue.model.name, 0))
        self._accounts = rows
        self.rail.show_accounts(rows)
        self.top.show_accounts(rows)
        self.banner.show_accounts(rows, self._standing())
        self._show_nothing(connected=bool(rows))

    def _show_nothing(self, *, connected: bool) -> None:
        """What stands where no conversation is open; before the first account, how to begin."""
        for button in self._first:
            button.setVisible(not connected)
        if connected:
            title = self.tr("No conversation is open.")
            text = self.tr("Choose one from the list, or press N to take the most urgent.")
        else:
            title = self.tr("Connect an account to begin.")
            text = self.tr("Messages are read into an encrypted file on this machine.")
        self.nothing.say(title, text)

    def _grow_older(self) -> None:
        """Each minute: waiting changes the order, and times on the screen grow."""
        self.runner.do(triage.age)
        self._count()

    @Slot()
    def _allow(self) -> None:
        """Turn commands on and off by what is open."""
        present: set[Needs] = set()
        shown = self.talk.thread_shown
        if self.queue.current() is not None or shown is not None:
            present.add(Needs.ITEM)
        if shown is not None and any(row.message_id for row in shown.messages):
            present.add(Needs.MESSAGE)
        if self.reply.written:
            present.add(Needs.DRAFT)
        blocked = frozenset() if self.reply.ready else frozenset({"send"})
        self.commands.allow(frozenset(present), blocked)
        self.reply.send.setEnabled(self.reply.ready)
        self.reply.draft.setEnabled(self.reply.written)

    def say_read_only(self) -> None:
        """Nothing can be recorded in this workspace: say so, for as long as it is open."""
        self.banner.show_accounts([], self._standing())

    def _standing(self) -> str:
        """What is true of the whole workspace and must stay in view."""
        store = self.desk.store
        if store.read_only:
            return self.tr("Open for reading only: nothing is fetched, sent or recorded.")
        if store.short_of_room:
            return self.tr("The disk is full. What you do is still recorded; fetching waits for free space.")
        return ""

    # ---------------------------------------------------------------- palette, outbox, looks

    def _open_palette(self, *, only_messages: bool) -> None:
        palette = Palette(self.theme, self.runner, self.commands, self, only_messages=only_messages)
        palette.hit_chosen.connect(self._go_to_hit)
        palette.open()

    @Slot(object)
    def _go_to_hit(self, hit: Hit) -> None:
        if hit.item_id is None:
            self.notices.say(self.tr("That message belongs to no conversation here."))
            return
        self._message_wanted = hit.message_id
        self.talk.limit = PAGE
        self._read_thread(hit.item_id)
        self._show_page("thread")

    def _open_outbox(self) -> None:
        outbox = OutboxView(self.theme, self.runner, self)
        outbox.item_wanted.connect(self._opened)
        outbox.open()

    def _switch_theme(self) -> None:
        other = "light" if self.theme.tokens.dark else "dark"
        self._choose(f"contrast-{other}" if self.theme.tokens.contrast else other)

    def _switch_contrast(self) -> None:
        shade = "dark" if self.theme.tokens.dark else "light"
        self._choose(shade if self.theme.tokens.contrast else f"contrast-{shade}")

    def _choose(self, scheme: str) -> None:
        self.theme.choose(scheme)
        self._keep(replace(self.settings, theme=scheme))

    def _scale(self, by: int) -> None:
        place = SCALES.index(self.theme.scale) + by if self.theme.scale in SCALES else 0
        scale = SCALES[min(max(place, 0), len(SCALES) - 1)]
        self.theme.choose_scale(scale)
        self._keep(replace(self.settings, text_scale=scale))

    def _keep(self, settings: Settings) -> None:
        self.settings = settings
        self.conduct.use_settings(settings)
        self.program.keep_settings(settings)

    # ---------------------------------------------------------------- room

    @Slot()
    def _rescale(self) -> None:
        if self.property("scale") != self.theme.scale:
            rescale(self, self.theme.scale)

    @property
    def units(self) -> QSize:
        """The size of the window in units of the design."""
        return self.size() * (100 / self.theme.scale)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    @Slot()
    def _fit(self) -> None:
        """Let columns give way: the person, then names in the rail, then all but one."""
        wide, high = self.units.width(), self.units.height()
        one = wide < TWO
        person = wide >= FOUR or self._person_wanted
        self.top.fit(wide)
        self.rail.set_narrow(wide < THREE or (person and wide < FOUR))
        self.talk.back.setVisible(one)
        self.queue.setVisible(not one or self._page == "list")
        squeezed = person and wide < THREE
        self._middle.setVisible((not one or self._page == "thread") and not (one and squeezed))
        self.queue.setVisible(self.queue.isVisibleTo(self) and not squeezed)
        self.person.setVisible(person)
        low = high < LOW
        self._place_reply(low=low)
        if one:
            self.columns.setSizes([self.rail.width(), *[self.columns.width()] * 3])
        else:
            self._share(person=person)
        self._order.start()

    def _share(self, *, person: bool) -> None:
        px = self.theme.px
        self.queue.setMinimumWidth(px(300))
        self._middle.setMinimumWidth(px(THREAD) if self.units.width() >= THREE else 0)
        self.person.setMinimumWidth(px(240))
        self.person.setMaximumWidth(px(400))
        listed = px(LIST if self.units.width() >= FOUR else 382)
        side = px(PERSON) if person else 0
        rest = max(self.columns.width() - self.rail.width() - listed - side, px(200))
        self.columns.setSizes([self.rail.width(), listed, rest, side])

    def _place_reply(self, *, low: bool) -> None:
        """Where the window is low the reply box scrolls with the conversation."""
        inside = self.talk.conversation.isAncestorOf(self.reply)
        if low and not inside:
            self.talk.conversation.add_tail(self.reply)
        elif not low and inside:
            self._talking.addWidget(self.reply)
        self.reply.set_inset(inset=not low)

    def _show_page(self, name: str) -> None:
        """Where there is room for one pane, show this one."""
        self._page = name
        if self.units.width() < TWO:
            self._person_wanted = False
            self._fit()

    def _toggle_person(self) -> None:
        self._person_wanted = not self._person_wanted
        self._fit()

    def _back(self) -> None:
        if self._person_wanted:
            self._toggle_person()
        self._show_page("list")
        self.queue.table.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _next_pane(self) -> None:
        """Lead the focus from pane to pane."""
        homes: list[QWidget] = [self.rail.list, self.queue.table]
        newest = next(reversed(self.talk.conversation.blocks.values()), None)
        homes += [newest] if newest is not None else []
        homes += [self.reply.text, self.person.note]
        homes = [home for home in homes if home.isVisible()]
        panes: tuple[QWidget, ...] = (*self.panes[:2], self.talk, self.reply, self.person)
        focus = QApplication.focusWidget()
        here = next((n for n, pane in enumerate(panes) if focus is not None and pane.isAncestorOf(focus)), -1)
        after = [home for home in homes if _rank(panes, home) > here]
        target = (after or homes)[0]
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot()
    def _order_focus(self) -> None:
        """Let Tab go as the eye goes: pane by pane, downwards and in reading direction."""
        chain: list[QWidget] = []
        for pane in (self.top, self.sharing, self.banner, *self.panes):
            chain += self._stops(pane)
        for first, second in pairwise(chain):
            QWidget.setTabOrder(first, second)

    def _stops(self, pane: QWidget) -> list[QWidget]:
        stops = [
            child
            for child in pane.findChildren(QWidget)
            if child.focusPolicy() & Qt.FocusPolicy.TabFocus and child.window() is self.window()
        ]
        mirrored = -1 if self.isRightToLeft() else 1

        def place(child: QWidget) -> tuple[int, int]:
            at = child.mapTo(pane, QPoint(0, child.height() // 2))
            return at.y() // 12, at.x() * mirrored

        return sorted(stops, key=place)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep what is being written."""
        self.reply.save()
        super().closeEvent(event)


class OfflineBanner(Banner):
    """Says what cannot be reached or recorded, and that work goes on."""

    def __init__(self, theme: Theme, program: WindowActions) -> None:
        super().__init__(theme, "amber", "cloud-off")
        self._program = program
        self._account: int | None = None
        self.mend = Button(theme, "", "refresh-cw")
        self.mend.clicked.connect(self._mend)
        self.row.addWidget(self.mend)

    def show_accounts(self, rows: list[AccountRow], standing: str = "") -> None:
        """Show what is true of the whole workspace, else the first account that needs somebody."""
        lapsed = next((row for row in rows if row.health == "sign_in"), None)
        away = [row for row in rows if row.health == "offline"]
        self._account = lapsed.account_id if lapsed else None
        self.setVisible(bool(standing) or lapsed is not None or bool(away))
        self.mend.setVisible(not standing)
        if standing:
            self.text.setText(standing)
        elif lapsed is not None:
            told = self.tr("{name} asks you to sign in again. Nothing is lost meanwhile.")
            self.text.setText(told.format(name=lapsed.name or lapsed.handle))
            self.mend.set_text(self.tr("Sign in again"))
        elif away:
            told = self.tr("{name} cannot be reached. You can go on working; replies leave when it is back.")
            self.text.setText(told.format(name=away[0].name or away[0].handle))
            self.mend.set_text(self.tr("Try now"))

    @Slot()
    def _mend(self) -> None:
        if self._account is not None:
            self._program.sign_in(self._account)
        else:
            self._program.sync_now()


def _state(ctx: Ctx) -> tuple[dict[Queue, int], list[AccountRow], int]:
    """The counts of the rail, the accounts, and how much waits to leave."""
    return triage.counts(ctx), accounts.rows(ctx), len(actions.outbox(ctx))


def _rank(panes: tuple[QWidget, ...], home: QWidget) -> int:
    return next(n for n, pane in enumerate(panes) if pane.isAncestorOf(home))


def grab(window: QWidget, path: Path) -> None:
    """Save a picture of a window as it is."""
    if not window.grab().save(str(path)):
        raise OSError(f"no picture could be written: {path.name}")
