"""What the tests of connectors share."""

from tests.servers.bluesky_network import network

__all__ = ["network"]
