"""What the tests of connectors share."""

from tests.servers.bluesky_network import network
from tests.servers.mail_network import provider
from tests.servers.mastodon_harbour import harbour
from tests.servers.mastodon_network import mastodon
from tests.servers.reddit_desk import reddit
from tests.servers.synapse_network import synapse
from tests.servers.wordpress_network import wordpress

__all__ = ["harbour", "mastodon", "network", "provider", "reddit", "synapse", "wordpress"]
