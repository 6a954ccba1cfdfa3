"""Small pieces that tests of several rooms share."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from moderator_app.desk.desk import Ctx, Desk
from moderator_app.models.inbox import Account, Message, Person, Thread

DEK = bytes(range(32))


def account_of(session: Session) -> Account:
    """A connected account with one person and one thread."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    account = Account(platform="demo", external_id="us", handle="@us", vault_key="demo:us")
    session.add(account)
    session.flush()
    session.add(Person(account_id=account.id, external_id="p", handle="@p", first_seen=at, last_seen=at))
    session.add(Thread(account_id=account.id, external_id="t", last_at=at))
    session.flush()
    return account


def insert_message(session: Session, account: Account, external_id: str, body: str) -> None:
    """One message in the account's only thread."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    session.add(
        Message(
            account_id=account.id,
            thread_id=1,
            person_id=1,
            external_id=external_id,
            kind="comment",
            audience="public",
            body=body,
            created_at=at,
            fetched_at=at,
        )
    )


def words_of(desk: Desk) -> set[str]:
    """Every text that the store holds."""

    def read(ctx: Ctx) -> set[str]:
        return set(ctx.session.scalars(sa.select(Message.body)))

    return desk.ask(read)
