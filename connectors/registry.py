"""Which platforms there are: ours, and those that other packages add.

Another package adds one by an entry point in the group `moderator.connectors`; its name is the
platform's. Nothing is imported before it is asked for, so that listing the names stays cheap.
"""

import logging
from typing import TYPE_CHECKING

from connectors.contract import Connector
from connectors.errors import Reason, Refused

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

log = logging.getLogger(__name__)

GROUP = "moderator.connectors"
_OURS = {
    "archive": "connectors.archive:ArchiveConnector",
    "bluesky": "connectors.bluesky:BlueskyConnector",
    "demo": "connectors.demo:DemoConnector",
    "discord": "connectors.discord:DiscordConnector",
    "discourse": "connectors.discourse:DiscourseConnector",
    "email": "connectors.email:EmailConnector",
    "mastodon": "connectors.mastodon:MastodonConnector",
    "matrix": "connectors.matrix:MatrixConnector",
    "meta": "connectors.meta:MetaConnector",
    "reddit": "connectors.reddit:RedditConnector",
    "telegram": "connectors.telegram:TelegramConnector",
    "wordpress": "connectors.wordpress:WordPressConnector",
    "youtube": "connectors.youtube:YoutubeConnector",
}
# What importing somebody else's module is known to raise. Anything else is a bug worth a report.
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


def platforms() -> list[str]:
    """Name every platform, importing none of them."""
    return sorted(_known())


def connector(platform: str) -> type[Connector]:
    """Load one platform's class; Refused where there is none or it cannot be used."""
    found = _known().get(platform)
    if found is None:
        raise Refused(Reason.UNSUPPORTED, f"there is no connector for {platform}")
    try:
        loaded = found.load()
    except _BROKEN as trouble:
        message = f"the connector {platform} ({found.value}) does not load: {trouble!r}"
        raise Refused(Reason.UNSUPPORTED, message) from trouble
    if not (isinstance(loaded, type) and issubclass(loaded, Connector)):
        raise Refused(Reason.UNSUPPORTED, f"{found.value} is not a connector")
    return loaded


def available() -> dict[str, type[Connector]]:
    """Load every platform that loads; the others are reported in the log."""
    loaded: dict[str, type[Connector]] = {}
    for platform in platforms():
        try:
            loaded[platform] = connector(platform)
        except Refused as trouble:
            log.warning("%s", trouble)
    return loaded


def _known() -> "dict[str, EntryPoint]":
    from importlib.metadata import EntryPoint, entry_points  # noqa: PLC0415 - a window shows without it

    known = {name: EntryPoint(name, value, GROUP) for name, value in _OURS.items()}
    for found in entry_points(group=GROUP):
        ours = known.setdefault(found.name, found)
        if ours.value != found.value:
            log.warning("%s may not take the place of %s", found.value, ours.value)
    return known
