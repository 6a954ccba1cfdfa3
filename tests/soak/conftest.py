"""The real servers that an evening is spent on."""

from tests.servers.bluesky_network import network
from tests.servers.synapse_network import synapse

__all__ = ["network", "synapse"]
