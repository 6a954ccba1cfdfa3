"""What the journeys share."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from moderator_app.app import translate
from moderator_app.views.theme import Theme
from tests.servers.bluesky_network import network
from tests.servers.mail_network import provider
from tests.servers.mastodon_network import mastodon
from tests.servers.synapse_network import synapse
from tests.servers.wordpress_network import wordpress

__all__ = ["mastodon", "network", "provider", "synapse", "wordpress"]


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """The looks of the window, with the program's own English."""
    made = Theme(qapp, "light", 100)
    made.apply()
    translators = translate(qapp, "")
    yield made
    for one in translators:
        qapp.removeTranslator(one)
