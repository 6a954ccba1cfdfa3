"""What a Discourse of ours answers to whom: keys, paging, rights, limits, as its source has them."""

import base64
import json
import re
import secrets
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.servers.discourse_forum import OPEN, STAFF_ONLY, WHISPER, Forum, Post, Refusal, Topic, User, stamp
from tests.servers.discourse_review import Review
from tests.servers.discourse_specification import Specification


class Discourse(Review):
    """The forum as it answers requests."""

    def __init__(self, **settings: Any) -> None:
        Forum.__init__(self, **settings)
        self.keys: dict[str, int] = {}  # user API keys
        self.admin_keys: set[str] = set()
        self.allowed_ways_back = ["http://127.0.0.1:"]
        self.left: int | None = None  # requests until the limit
        self._memo: dict[Any, tuple[datetime, Any]] = {}
        self.specification = Specification()

    def user_of(self, headers: Mapping[str, str]) -> User:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Refusal(429, "rate_limit", extras={"wait_seconds": 39, "time_left": "39 Sekunden"})
        user = None
        if "User-Api-Key" in headers:
            user = self.users.get(self.keys.get(headers["User-Api-Key"], 0))
        elif headers.get("Api-Key") in self.admin_keys:
            named = [
                one for one in self.users.values() if one.username == headers.get("Api-Username", "").lower()
            ]
            user = named[0] if named else None
        if user is None or (user.suspended_till and user.suspended_till > datetime.now(UTC)):
            raise Refusal(403, "invalid_access")
        return user

    def answer(
        self, headers: Mapping[str, str], method: str, path: str, query: Mapping[str, Any], body: Any
    ) -> Any:
        with self.lock:
            self.specification.check(method, path, query, body)
            user = self.user_of(headers)
            said = {**query, **(body or {})}
            for pattern, name in HANDLERS:
                found = re.fullmatch(pattern, f"{method} {path}")
                if found:
                    parts = [int(one) if one.isdecimal() else unquote(one) for one in found.groups()]
                    return getattr(self, name)(user, *parts, said, *([headers] if name == "create" else []))
            raise Refusal(404, "not_found")

    # ------------------------------------------------------------------ the site

    def about(self, _: User, __: Any) -> Any:
        return {"about": {"version": self.version, "title": "Harbour"}}

    def site_settings(self, _: User, __: Any) -> Any:
        return self.settings

    def site(self, user: User, _: Any) -> Any:
        known = [{"id": OPEN, "name": "Evenings", "read_restricted": False}]
        closed = {"id": STAFF_ONLY, "name": "Moderators", "read_restricted": True}
        return {"categories": known + ([closed] if user.staff else [])}

    def current(self, user: User, _: Any) -> Any:
        groups = [{"id": n, "name": one, "has_messages": True} for n, one in enumerate(user.groups)]
        about = {
            "admin": user.admin,
            "moderator": user.moderator,
            "trust_level": user.trust,
            "groups": groups,
        }
        more = {"can_review": user.staff, "can_send_private_messages": user.trust > 0 or user.staff}
        return {"current_user": user.basic() | about | more}

    # ------------------------------------------------------------------ reading

    def latest(self, user: User, said: Any) -> Any:
        before = int(said.get("before", 0))
        every = sorted((one for one in self.posts.values()), key=lambda one: -one.id)
        if self.counts_before_leaving_out:
            top = before or (every[0].id if every else 0)
            every = [one for one in every if top - 50 < one.id <= top]
        elif before:
            every = [one for one in every if one.id < before]
        seen = [
            one for one in every if not self.topics[one.topic].direct and one.kind == 1 and not one.deleted
        ]
        seen = [one for one in seen if self.sees(user, one) and (not one.hidden or user.staff)][:50]
        return {"latest_posts": [self.shown(one, user, raw=True, title=True) for one in seen]}

    def inbox(self, user: User, name: str, said: Any) -> Any:
        self._own_mail(user, name)
        mine = [one for one in self.topics.values() if one.direct and user.id in one.users]
        others = [one for one in mine if any(p.user != user.id for p in self.stream(user, one.id))]
        return self._page(user, others, int(said.get("page", 0)))

    def sent(self, user: User, name: str, said: Any) -> Any:
        self._own_mail(user, name)
        mine = [one for one in self.topics.values() if one.direct and user.id in one.users]
        return self._page(user, [t for t in mine if self.stream(user, t.id)[:1][0].user == user.id], 0)

    def group_inbox(self, user: User, name: str, group: str, said: Any) -> Any:
        self._own_mail(user, name)
        return self._page(
            user, [t for t in self.topics.values() if group in t.groups], int(said.get("page", 0))
        )

    def _own_mail(self, user: User, name: str) -> None:
        if name != user.username and not user.admin:
            raise Refusal(403, "invalid_access")

    def _page(self, user: User, topics: list[Topic], number: int) -> Any:
        topics = sorted((one for one in topics if self.stream(user, one.id)), key=lambda one: one.bumped)[
            ::-1
        ]
        begin = number * self.per_page
        some = topics[begin : begin + self.per_page]
        more = {"more_topics_url": "/next"} if begin + self.per_page < len(topics) else {}
        return {"topic_list": {"topics": [self.listed(one, user) for one in some], **more}}

    def topic(self, user: User, topic_id: int, _: Any) -> Any:
        return self.topic_shown(self._topic(user, topic_id), user)

    def topic_posts(self, user: User, topic_id: int, said: Any) -> Any:
        self._topic(user, topic_id)
        wanted = {int(one) for one in said["post_ids[]"]}
        posts = [self.shown(one, user) for one in self.stream(user, topic_id) if one.id in wanted]
        return {"id": topic_id, "post_stream": {"posts": posts}}

    def _topic(self, user: User, topic_id: int) -> Topic:
        topic = self.topics.get(topic_id)
        if topic is None or not any(
            one.topic == topic_id and self.sees(user, one) for one in self.posts.values()
        ):
            raise Refusal(404 if topic is None or self.sees_topic(user, topic) else 403, "invalid_access")
        return topic

    def post(self, user: User, post_id: int, _: Any) -> Any:
        return self.shown(self._post(user, post_id), user, raw=True)

    def _post(self, user: User, post_id: int) -> Post:
        post = self.posts.get(post_id)
        if post is None or (post.deleted and not user.staff):
            raise Refusal(404, "not_found")
        if not self.sees(user, post):
            raise Refusal(403, "invalid_access")
        return post

    # ------------------------------------------------------------------ writing

    def create(self, user: User, said: Any, headers: Mapping[str, str]) -> Any:
        memo = (user.id, json.dumps(said, sort_keys=True))
        at, made = self._memo.get(memo, (None, None))
        if "Api-Key" in headers and at and at > datetime.now(UTC) - timedelta(seconds=120):
            return made
        made = self._create(user, said)
        self._memo[memo] = (datetime.now(UTC), made)
        return made

    def _create(self, user: User, said: Any) -> Any:
        raw = str(said["raw"]).strip()
        too_short, too_long = (
            len(raw) < self.settings["min_post_length"],
            len(raw) > self.settings["max_post_length"],
        )
        recent = datetime.now(UTC) - timedelta(minutes=5)
        again = any(one.user == user.id and one.raw == raw and one.at > recent for one in self.posts.values())
        if too_short or too_long or (again and not user.staff):
            raise Refusal(422, action="create_post")
        if said.get("archetype") == "private_message":
            return self._message(user, said, raw)
        topic = self._topic(user, said["topic_id"])
        if topic.closed and not user.staff:
            raise Refusal(403, "invalid_access")
        if self.hold_new and not user.staff:
            entry = self.hold(raw, user.id, topic.id, reply_to_post_number=said.get("reply_to_post_number"))
            pending = {"id": entry.id, "topic_id": topic.id, "raw_text": raw}
            return {"action": "enqueued", "success": True, "pending_count": 1, "pending_post": pending}
        whisper = str(said.get("whisper")) == "true"
        if whisper and not user.staff:
            raise Refusal(403, "invalid_access")
        kind = WHISPER if whisper and not self.ignores_whispers else 1
        made = self.say(raw, topic.id, user.id, said.get("reply_to_post_number"), kind)
        return self.shown(made, user, raw=True)

    def _message(self, user: User, said: Any, raw: str) -> Any:
        names = said["target_recipients"].split(",")
        to = {one.id for one in self.users.values() if one.username in names}
        if not to or not said.get("title"):
            raise Refusal(422, action="create_post")
        return self.shown(self.open_direct(said["title"], raw, user.id, to), user, raw=True)

    def pending(self, user: User, name: str, _: Any) -> Any:
        mine = [one for one in self.queue.values() if one.author == user.id and "raw" in one.payload]
        waiting = [one for one in mine if one.status == 0 and name == user.username]
        return {
            "pending_posts": [
                {
                    "id": one.id,
                    "topic_id": one.topic,
                    "raw_text": one.payload["raw"],
                    "created_at": stamp(one.at),
                }
                for one in waiting
            ]
        }

    def delete_post(self, user: User, post_id: int, _: Any) -> None:
        post = self._post(user, post_id)
        if post.number == 1 or not (user.staff or post.user == user.id):
            raise Refusal(403, "invalid_access")
        if user.staff:
            post.deleted = self.now()
        else:
            post.user_deleted, post.version = True, post.version + 1

    def delete_topic(self, user: User, topic_id: int, _: Any) -> None:
        topic = self._topic(user, topic_id)
        if not user.staff:
            raise Refusal(403, "invalid_access")
        for one in self.posts.values():
            one.deleted = self.now() if one.topic == topic.id and one.number == 1 else one.deleted

    def recover_post(self, user: User, post_id: int, _: Any) -> Any:
        post = self._post(user, post_id)
        if not user.staff:
            raise Refusal(403, "invalid_access")
        post.deleted, post.user_deleted = None, False
        return self.shown(post, user, raw=True)

    def recover_topic(self, user: User, topic_id: int, _: Any) -> Any:
        first = next(one for one in self.posts.values() if one.topic == topic_id and one.number == 1)
        self.recover_post(user, first.id, None)
        return {"success": "OK"}

    def unhide(self, user: User, post_id: int, _: Any) -> None:
        self.staff_only(user)
        self._post(user, post_id).hidden = False

    def act(self, user: User, said: Any) -> Any:
        post = self._post(user, said["id"])
        if said["post_action_type_id"] == 2:
            if post.user == user.id or user.id in post.likes:
                raise Refusal(403, "invalid_access")
            post.likes.add(user.id)
        else:
            if user.id in post.flags:
                raise Refusal(403, "invalid_access")
            post.flags[user.id] = said["post_action_type_id"]
            self.flag(post.id, user.id, said.get("message", ""))
        return self.shown(post, user)

    def undo_act(self, user: User, post_id: int, said: Any) -> Any:
        self._post(user, post_id).likes.discard(user.id)
        return self.shown(self.posts[post_id], user)

    def status(self, user: User, topic_id: int, said: Any) -> Any:
        self.staff_only(user)
        assert said["status"] == "closed"
        topic = self._topic(user, topic_id)
        topic.closed = said["enabled"] == "true"
        self.say("", topic_id, user.id, kind=3)
        return {"success": "OK"}

    def toggle_poll(self, user: User, said: Any) -> Any:
        post = self._post(user, said["post_id"])
        if post.poll is None or not (user.staff or post.user == user.id):
            raise Refusal(422)
        post.poll.closed = said["status"] == "closed"
        return {"poll": self._poll(post.poll, user)}

    # ------------------------------------------------------------------ people

    def staff_only(self, user: User) -> None:
        if not user.staff:
            raise Refusal(403, "invalid_access")

    def admin_user(self, user: User, who: int, _: Any) -> Any:
        self.staff_only(user)
        found = self.users[who]
        times = {"suspended_till": found.suspended_till, "silenced_till": found.silenced_till}
        return found.basic() | {key: stamp(at) for key, at in times.items() if at}

    def penalty(self, user: User, who: int, how: str, said: Any) -> Any:
        self.staff_only(user)
        found = self.users[who]
        if found.staff:
            raise Refusal(403, "invalid_access")
        field = "suspended_till" if "suspend" in how else "silenced_till"
        if how.startswith("un"):
            setattr(found, field, None)
            return {"success": "OK"}
        if getattr(found, field):
            raise Refusal(409, message="schon")
        until = said["suspend_until" if how == "suspend" else "silenced_till"]
        setattr(found, field, datetime.fromisoformat(until))
        return {how: {field: until}}

    # ------------------------------------------------------------------ signing in

    def agree(self, page: str, username: str = "harbour") -> str:
        """The person agrees: their browser is sent back, or shown the text to copy."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(page).query).items()}
        assert set(asked["scopes"].split(",")) <= {
            "read",
            "write",
            "session_info",
            "notifications",
            "message_bus",
        }
        back = asked.get("auth_redirect", "")
        if back and not any(back.startswith(one) for one in self.allowed_ways_back):
            return "that way back is not allowed"
        public = serialization.load_pem_public_key(asked["public_key"].encode())
        assert isinstance(public, rsa.RSAPublicKey)
        key = secrets.token_hex(32)
        self.keys[key] = next(one.id for one in self.users.values() if one.username == username)
        said = json.dumps({"key": key, "nonce": asked["nonce"], "push": False, "api": 4}).encode()
        payload = base64.encodebytes(public.encrypt(said, padding.PKCS1v15())).decode()
        if back:
            there = f"{back}?{urlencode({'payload': payload})}"
            threading.Thread(target=requests.get, args=(there,), kwargs={"timeout": 5}).start()
        return payload


_ID, _NAME = r"(\d+)", r"([^/]+)"
HANDLERS: Final = (
    (r"GET /about\.json", "about"),
    (r"GET /site/settings\.json", "site_settings"),
    (r"GET /site\.json", "site"),
    (r"GET /session/current\.json", "current"),
    (r"GET /posts\.json", "latest"),
    (r"POST /posts\.json", "create"),
    (rf"GET /posts/{_ID}\.json", "post"),
    (rf"DELETE /posts/{_ID}\.json", "delete_post"),
    (rf"PUT /posts/{_ID}/recover\.json", "recover_post"),
    (rf"PUT /posts/{_ID}/unhide\.json", "unhide"),
    (rf"GET /posts/{_NAME}/pending\.json", "pending"),
    (rf"GET /t/{_ID}\.json", "topic"),
    (rf"DELETE /t/{_ID}\.json", "delete_topic"),
    (rf"PUT /t/{_ID}/recover\.json", "recover_topic"),
    (rf"GET /t/{_ID}/posts\.json", "topic_posts"),
    (rf"PUT /t/{_ID}/status\.json", "status"),
    (rf"GET /topics/private-messages/{_NAME}\.json", "inbox"),
    (rf"GET /topics/private-messages-sent/{_NAME}\.json", "sent"),
    (rf"GET /topics/private-messages-group/{_NAME}/{_NAME}\.json", "group_inbox"),
    (r"POST /post_actions\.json", "act"),
    (rf"DELETE /post_actions/{_ID}\.json", "undo_act"),
    (r"PUT /polls/toggle_status", "toggle_poll"),
    (rf"GET /admin/users/{_ID}\.json", "admin_user"),
    (rf"PUT /admin/users/{_ID}/(suspend|silence|unsuspend|unsilence)\.json", "penalty"),
    (r"GET /review\.json", "review_list"),
    (rf"GET /review/{_ID}\.json", "review_show"),
    (rf"DELETE /review/{_ID}\.json", "review_withdraw"),
    (rf"PUT /review/{_ID}/perform/{_NAME}", "review_perform"),
)
