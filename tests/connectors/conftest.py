"""What the tests of connectors share."""

from tests.servers.bluesky_network import network
from tests.servers.reddit_desk import reddit
from tests.servers.synapse_network import synapse

__all__ = ["network", "reddit", "synapse"]
