"""The whole way once on each platform: written there, pulled here, answered here, seen there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import Clock

from connectors.contract import Kind
from connectors.faults import FaultProxy
from connectors.testing import unique
from moderator_app.desk import actions, replies, search
from moderator_app.desk.rows import Audience
from moderator_app.models.inbox import Message, Thread
from moderator_app.paths import Profile
from moderator_app.workspace import Workspace
from tests.connectors.test_email_contract import EmailWorld
from tests.connectors.test_wordpress_contract import WordPressWorld
from tests.servers.mail_network import Line, Provider
from tests.servers.wordpress_network import Site

pytestmark = pytest.mark.platforms


@pytest.fixture
def email(provider: Provider) -> Iterator[EmailWorld]:
    with Line(provider, provider.port + 3) as line:
        yield EmailWorld(provider, line)


@pytest.fixture
def blog(wordpress: Site) -> Iterator[WordPressWorld]:
    with FaultProxy(wordpress.url) as proxy:
        yield WordPressWorld(wordpress, proxy)


@pytest.mark.parametrize(
    ("name", "platform", "kind"), [("email", "email", Kind.DIRECT), ("blog", "wordpress", Kind.COMMENT)]
)
def test_written_there_answered_here_seen_there_once_and_deleted_everywhere(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, platform: str, kind: Kind
) -> None:
    world: Any = request.getfixturevalue(name)
    clock, words, answer = Clock(), unique("the heronfeather fell"), unique("We read you.")
    clock.at = datetime.now(UTC)
    with Workspace.open(Profile.at(tmp_path / "profile"), "four quiet words", clock=clock) as workspace:
        there = world.other_says(kind, words)
        workspace.connect(platform, world.values, world.secrets)
        ((_, sync),) = workspace.syncs().items()
        assert sync.run().health == "ok"
        (hit,) = workspace.desk.ask(search.find, f'"{words}"')
        audience = Audience.PRIVATE if kind is Kind.DIRECT else Audience.PUBLIC
        workspace.desk.do(replies.send, hit.item_id, answer, audience)
        sync.run()
        clock.forward(seconds=11)
        world.lose_next_answer()
        for _ in range(3):
            sync.run()
            clock.forward(minutes=15)
        assert workspace.desk.ask(actions.outbox) == []
        thread = sa.select(Thread.external_id).join(Message).where(Message.body.contains(words))
        assert world.sent(workspace.desk.ask(lambda ctx: ctx.session.scalar(thread))).count(answer) == 1
        world.other_deletes(there)
        clock.forward(hours=13)  # what is answered is asked about twice a day
        sync.check()
        assert workspace.desk.ask(search.find, words) == []
