"""A profile as the first version of the program left it, for migrations to be interrupted on."""

import os
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from moderator_app.keys import Key
from moderator_app.models import migrations
from moderator_app.models.store import Store
from moderator_app.paths import Profile
from moderator_app.vault import Vault

_ACCOUNT: Final = """
  INSERT INTO account (id, platform, external_id, handle, name, vault_key, form, abilities, health, skipped)
  VALUES (1, 'archive', 'us', '@us', 'Us', 'archive:torture', '{}', '{"verbs": {}, "streams": {}}', 'ok', 0)
"""
_PEOPLE: Final = """
  INSERT INTO person (id, account_id, external_id, handle, name, first_seen, last_seen)
  VALUES (:n, 1, 'old' || :n, '@old' || :n, '', :at, :at)
"""
_THREADS: Final = """
  INSERT INTO thread (id, account_id, external_id, title, channel, last_at)
  VALUES (:n, 1, 'old' || :n, 'an old conversation ' || :n, 'lounge', :at)
"""
_ITEMS: Final = """
  INSERT INTO item (id, account_id, thread_id, person_id, level, rank, pending, status, new_messages,
    top_message_id, waiting_since, due_at, last_at, lowered_through, assignee, escalated_to, outcome)
  VALUES (:n, 1, :n, :n, :n % 4, :n % 4, 0, 'open', 1, :n, :at, :at, :at, 0, '', '', '')
"""
_MESSAGES: Final = """
  INSERT INTO message (id, account_id, thread_id, person_id, item_id, external_id, kind, audience, ours, body,
    revision, created_at, fetched_at, likes, replies, hidden_there, liked, level, read_v)
  VALUES (:n, 1, 1 + :n % :items, 1 + :n % :items, 1 + :n % :items, 'old' || :n, 'comment', 'public', 0,
    'an old calm sentence number ' || :n || ' by the window', '1', :at, :at, 0, 0, 0, 0, 3, 1)
"""


def make(folder: Path, phrase: str, messages: int) -> Profile:
    """A closed profile of the first shape with so many messages."""
    profile = Profile.at(folder)
    dek, _ = Vault(profile.vault).create(phrase)
    os.close(os.open(profile.store, os.O_CREAT | os.O_RDWR, 0o600))
    store, items = Store(profile.store, Key(dek)), max(1, messages // 20)
    with store._writer.begin() as connection:
        migrations.upgrade(connection, "0001")
        connection.execute(sa.text(_ACCOUNT))
        for statement, count in (
            (_PEOPLE, items),
            (_THREADS, items),
            (_ITEMS, items),
            (_MESSAGES, messages),
        ):
            rows = [{"n": n, "at": 1_760_000_000_000 + n, "items": items} for n in range(1, count + 1)]
            connection.execute(sa.text(statement), rows)
    store.close()
    return profile
