"""The contract of every connector, asked of a real WordPress."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from connectors.contract import Kind, Verb
from connectors.errors import Reason, Refused
from connectors.faults import FaultProxy
from connectors.testing import Can, ConnectorContract, World, new_key
from connectors.testing_hostile import HostileContract
from connectors.wordpress import WordPressConnector
from tests.servers.wordpress_network import Site

pytestmark = pytest.mark.platforms


class WordPressWorld:
    """A moderator of ours, an article with comments, and a bad line in between."""

    def __init__(self, site: Site, proxy: FaultProxy) -> None:
        self.site, self.proxy = site, proxy
        self.ours, self.post = site.account(), site.post()
        self.values = {"server": proxy.url, "user": self.ours.name}
        password = {"app_password": self.ours.password}
        self.secrets = WordPressConnector(self.values, password).authorize()

    def connector(self) -> WordPressConnector:
        return WordPressConnector(self.values, self.secrets)

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        assert kind is Kind.COMMENT
        words = text.encode("utf-8", "replace").decode()
        return self.site.comment(self.post, words, int(parent or 0))

    def other_edits(self, message_id: str, text: str) -> None:
        self.site.call(f"comments/{message_id}", {"content": text})

    def other_deletes(self, message_id: str) -> None:
        self.site.delete(message_id)

    def sent(self, thread_id: str) -> list[str]:
        return self.site.words(int(thread_id.removeprefix("post/")), self.ours.id)

    def public_texts(self) -> list[str]:
        return self.site.words(self.post, self.ours.id, "approve")

    def lose_next_answer(self) -> None:
        self.proxy.lose_next_answer()

    def limit_next(self) -> None:
        self.proxy.limit_next()

    def sign_out(self) -> None:
        self.site.revoke(self.ours.name)

    def settle(self) -> None:
        """What was written is there at once."""

    def secret_values(self) -> Sequence[str]:
        return list(self.secrets.values())


class TestWordPress(ConnectorContract, HostileContract):
    kinds = (Kind.COMMENT,)
    cannot: ClassVar = {Can.PRIVATE: "WordPress has no private messages."}
    refused = Verb.LIKE

    @pytest.fixture
    def world(self, wordpress: Site) -> Iterator[WordPressWorld]:
        with FaultProxy(wordpress.url) as proxy:
            yield WordPressWorld(wordpress, proxy)

    def test_two_keys_with_the_same_words_are_two_replies(self, world: World) -> None:
        """Not here: WordPress takes the same words of one writer in one place only once, and we say so."""
        command = self.reply_to(world, self._one(world))
        world.connector().perform(command)
        with pytest.raises(Refused) as refusal:
            world.connector().perform(replace(command, key=new_key()))
        assert refusal.value.reason is Reason.INVALID
        assert world.sent(command.thread_id).count(command.text) == 1
