"""Every preference, declared once: key, default, what it is for. No secrets live here."""

import os
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import tomli_w

from moderator_app import durable
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator


def _pref(default: Any, label: str, choices: tuple[Any, ...] = ()) -> Any:
    """Declare one preference; a list default is copied for each settings object."""
    about = {"label": label, "choices": choices}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=about)
    return field(default=default, metadata=about)


@dataclass(frozen=True, slots=True)
class Settings:
    """The preferences of one profile. Unknown keys of a newer version are kept, not dropped."""

    moderator: str = _pref("", QT_TRANSLATE_NOOP("Settings", "The name your team sees"))
    leads: list[str] = _pref(
        ["On-call lead"], QT_TRANSLATE_NOOP("Settings", "Who takes an escalation, first one first")
    )
    country: str = _pref("GB", QT_TRANSLATE_NOOP("Settings", "Whose crisis lines come first"))
    team_hours: str = _pref(
        "18:00-22:00", QT_TRANSLATE_NOOP("Settings", "When the team reads, as members are told")
    )
    theme: str = _pref(
        "system",
        QT_TRANSLATE_NOOP("Settings", "Colours"),
        ("system", "light", "dark", "contrast-light", "contrast-dark"),
    )
    text_scale: int = _pref(100, QT_TRANSLATE_NOOP("Settings", "Text size"), (100, 125, 150, 200))
    language: str = _pref("", QT_TRANSLATE_NOOP("Settings", "Language of the program"))
    lock_minutes: int = _pref(
        10, QT_TRANSLATE_NOOP("Settings", "Lock after this many minutes (0: never)"), (0, 1, 2, 5, 10, 15, 30)
    )
    lock_minutes_crisis: int = _pref(
        2, QT_TRANSLATE_NOOP("Settings", "Lock after this many minutes in crisis views"), (1, 2, 5, 10)
    )
    backup_hours: int = _pref(
        24, QT_TRANSLATE_NOOP("Settings", "Back up after this many hours (0: never)"), (0, 1, 6, 12, 24, 168)
    )
    backup_keep: int = _pref(7, QT_TRANSLATE_NOOP("Settings", "Backups to keep"), (1, 3, 7, 14, 30))
    keep_out_of_sharing: bool = _pref(
        True, QT_TRANSLATE_NOOP("Settings", "Hide this window from screen sharing")
    )
    unknown: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file; a missing one means the defaults, a broken one is said and left alone."""
        try:
            raw = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return cls()
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "The settings file {path} cannot be read: {why}."),
                QT_TRANSLATE_NOOP("Error", "Mend or delete it; the messages are not affected."),
                path=path,
                why=error,
            ) from error
        known = {f.name: f for f in fields(cls) if f.name != "unknown"}
        settings = cls(unknown={key: value for key, value in raw.items() if key not in known})
        for key, value in raw.items():
            if key in known and type(value) is type(getattr(settings, key)):
                choices = known[key].metadata["choices"]
                if not choices or value in choices:
                    settings = replace(settings, **{key: value})
        return settings

    def save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "unknown"}
        durable.write(path, tomli_w.dumps({**self.unknown, **values}).encode())


def somebody() -> str:
    """The name to begin with: the login name, until the person chooses another."""
    return os.environ.get("USER") or os.environ.get("USERNAME") or "moderator"
