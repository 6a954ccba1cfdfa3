"""The part of logind and of a screen saver that a desktop session hears of, on a bus of the test's own.

Reads one order per line (`sleep 1`, `lock`, `saver 1`, `gnome 1`) and emits the signal of that name with its
real types; `cast u1` and `remote u1` name the sharings that GNOME's compositor has now, none without a name.
Answers Inhibit with a real descriptor and says `released` once its last copy is closed.
"""

import os
import selectors
import sys

from jeepney import (
    DBusAddress,
    HeaderFields,
    MessageType,
    message_bus,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import DBusConnection, open_dbus_connection

LOGIN = "/org/freedesktop/login1"
OURS, OTHERS = f"{LOGIN}/session/_32", f"{LOGIN}/session/_33"
SIGNALS = {
    "sleep": DBusAddress(LOGIN, interface="org.freedesktop.login1.Manager"),
    "lock": DBusAddress(OURS, interface="org.freedesktop.login1.Session"),
    "other": DBusAddress(OTHERS, interface="org.freedesktop.login1.Session"),
    "saver": DBusAddress("/org/freedesktop/ScreenSaver", interface="org.freedesktop.ScreenSaver"),
    "gnome": DBusAddress("/org/gnome/ScreenSaver", interface="org.gnome.ScreenSaver"),
}
MEMBERS = {"sleep": "PrepareForSleep", "lock": "Lock", "other": "Lock"}
SHARES = {
    "cast": ("org.gnome.Mutter.ScreenCast", "/org/gnome/Mutter/ScreenCast/Session"),
    "remote": ("org.gnome.Mutter.RemoteDesktop", "/org/gnome/Mutter/RemoteDesktop/Session"),
}
NAMES = (
    "org.freedesktop.login1",
    "org.freedesktop.ScreenSaver",
    "org.gnome.ScreenSaver",
    *(name for name, _ in SHARES.values()),
)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class StandIn:
    """Owns the names, answers calls, emits what it is told to."""

    def __init__(self) -> None:
        self.bus: DBusConnection = open_dbus_connection("SYSTEM", enable_fds=True)
        for name in NAMES:
            self.bus.send_and_get_reply(message_bus.RequestName(name))
        self.shared: dict[str, list[str]] = {path: [] for _, path in SHARES.values()}
        self.loop = selectors.DefaultSelector()
        self.loop.register(self.bus.sock, selectors.EVENT_READ, self.called)
        self.loop.register(sys.stdin, selectors.EVENT_READ, self.ordered)
        say("ready")
        while True:
            for key, _ in self.loop.select():
                key.data()

    def called(self) -> None:
        message = self.bus.receive()
        if message.header.message_type is not MessageType.method_call:
            return
        member = message.header.fields[HeaderFields.member]
        if member == "Inhibit":
            what, _, _, mode = message.body
            ours, theirs = os.pipe()
            self.bus.send(new_method_return(message, "h", (theirs,)))
            os.close(theirs)
            self.loop.register(ours, selectors.EVENT_READ, lambda: self.released(ours))
            say(f"inhibit {what} {mode}")
        elif member == "GetSession":
            self.bus.send(new_method_return(message, "o", (OURS,)))
            say("session")
        elif member == "Introspect":
            inside = self.shared.get(message.header.fields[HeaderFields.path], [])
            nodes = "".join(f'  <node name="{name}"/>\n' for name in inside)
            self.bus.send(new_method_return(message, "s", (f"<node>\n{nodes}</node>\n",)))
        else:
            self.bus.send(new_error(message, "org.freedesktop.DBus.Error.UnknownMethod"))

    def released(self, descriptor: int) -> None:
        self.loop.unregister(descriptor)
        os.close(descriptor)
        say("released")

    def ordered(self) -> None:
        line = sys.stdin.readline()
        if not line:
            sys.exit()
        order, *value = line.split()
        if order in SHARES:
            self.shared[SHARES[order][1]] = value
            say("shared")
            return
        address, member = SIGNALS[order], MEMBERS.get(order, "ActiveChanged")
        body = ("b", (value == ["1"],)) if value else (None, ())
        self.bus.send(new_signal(address, member, *body))


if __name__ == "__main__":
    StandIn()
