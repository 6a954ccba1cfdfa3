"""The review queue of a Discourse of ours: ten at a time, side-loaded, and decided about by version."""

from typing import Any, Final

from tests.servers.discourse_forum import (
    APPROVED,
    IGNORED,
    PENDING,
    REJECTED,
    Entry,
    Forum,
    Refusal,
    User,
    stamp,
)

_PAGE: Final = 10
_TYPES: Final = {"spam": 8, "inappropriate": 4, "notify_moderators": 7}
_LABELS: Final = {
    "agree_and_hide": "Hide Post",
    "agree_and_keep": "Keep Post",
    "agree_and_suspend": "Suspend User",
    "delete_and_agree": "Delete Post",
    "disagree": "No",
    "ignore_and_do_nothing": "Do Nothing",
    "approve_post": "Approve Post",
    "reject_post": "Reject Post",
}
_ON_A_PAGE: Final = {"agree_and_suspend": "suspend"}  # what the forum's own page does after the action
_FLAGGED: Final = tuple(_LABELS)[:6]


class Review(Forum):
    """Answers about the queue."""

    def review_list(self, user: User, said: Any) -> Any:
        self._reviewer(user)
        assert said["status"] == "pending"
        waiting = [one for one in self.queue.values() if one.status == PENDING]
        waiting = [one for one in waiting if not one.low or said.get("priority") == "low"]
        waiting.sort(key=lambda one: one.at, reverse=said["sort_order"] == "created_at")
        begin = int(said.get("offset", 0))
        some = waiting[begin : begin + _PAGE]
        meta: dict[str, Any] = {"total_rows_reviewables": len(waiting)}
        if begin + _PAGE < len(waiting):
            meta["load_more_reviewables"] = f"/review?offset={begin + _PAGE}"
        return {"reviewables": [self._entry(one) for one in some], "meta": meta, **self._beside(some)}

    def review_show(self, user: User, key: int, _: Any) -> Any:
        entry = self._known(user, key)
        return {"reviewable": self._entry(entry), **self._beside([entry])}

    def review_perform(self, user: User, key: int, action: str, said: Any) -> Any:
        if not said.get("version"):
            raise Refusal(422)
        entry = self._known(user, key)
        if self.claiming == "required" and entry.claimed_by != user.id:
            raise Refusal(422)
        if action not in self._offered(entry):
            raise Refusal(403, "invalid_access")
        if int(said["version"]) != entry.version:
            raise Refusal(409)
        entry.version += 1
        entry.reviewed_by = user.id
        self._decide(entry, action)
        return {"reviewable_perform_result": {"success": True, "version": entry.version}}

    def _decide(self, entry: Entry, action: str) -> None:
        entry.status = IGNORED if action.startswith("ignore") else APPROVED
        entry.status = REJECTED if action in ("disagree", "reject_post") else entry.status
        if action == "agree_and_hide" and entry.post:
            self.posts[entry.post].hidden = True
        if action == "delete_and_agree" and entry.post:
            self.posts[entry.post].deleted = self.now()
        if action == "disagree" and entry.post:
            self.posts[entry.post].hidden = False
        if action == "approve_post" and entry.topic and entry.author:
            self.say(
                entry.payload["raw"], entry.topic, entry.author, entry.payload.get("reply_to_post_number")
            )

    def review_withdraw(self, user: User, key: int, _: Any) -> Any:
        entry = self.queue.get(key)
        if entry is None or entry.author != user.id or "raw" not in entry.payload:
            raise Refusal(404, "not_found")
        del self.queue[key]
        return {"success": "OK"}

    def _reviewer(self, user: User) -> None:
        if not user.staff:
            raise Refusal(403, "invalid_access")

    def _known(self, user: User, key: int) -> Entry:
        self._reviewer(user)
        if key not in self.queue:
            raise Refusal(404, "not_found")
        return self.queue[key]

    def _offered(self, entry: Entry) -> tuple[str, ...]:
        if entry.status != PENDING:
            return ()
        if entry.kind == "ReviewableQueuedPost":
            return ("approve_post", "reject_post")
        hidden = entry.post is not None and self.posts[entry.post].hidden
        return tuple(one for one in _FLAGGED if not (hidden and one == "agree_and_hide"))

    def _entry(self, entry: Entry) -> dict[str, Any]:
        made: dict[str, Any] = {
            "id": entry.id,
            "type": entry.kind,
            "status": entry.status,
            "version": entry.version,
            "created_at": stamp(entry.at),
            "created_by_id": entry.by,
            "target_created_by_id": entry.author,
            "topic_id": entry.topic,
            "reviewable_score_ids": [entry.id * 10],
            "bundled_action_ids": [f"{entry.id}-{one}" for one in self._offered(entry)],
        }
        if entry.post is not None:
            made["post_id"] = entry.post
        if entry.payload:
            made["payload"] = entry.payload
        return made

    def _beside(self, entries: list[Entry]) -> dict[str, Any]:
        scores, talks, lines, bundles = [], [], [], []
        for one in entries:
            kind = _TYPES.get(one.reason, 9)
            score = {
                "id": one.id * 10,
                "user_id": one.by,
                "score_type_id": kind,
                "reviewed_by_id": one.reviewed_by,
            }
            if one.words:
                score["reviewable_conversation_id"] = one.id * 10 + 1
                talks.append({"id": one.id * 10 + 1, "conversation_message_ids": [one.id * 10 + 2]})
                lines.append({"id": one.id * 10 + 2, "excerpt": one.words, "user_id": one.by})
            scores.append(score)
            bundles += [
                {"id": f"{one.id}-{name}", "action_ids": [f"post-{name}"]} for name in self._offered(one)
            ]
        actions = [
            {"id": f"post-{name}", "server_action": name, "label": label}
            | ({"client_action": _ON_A_PAGE[name]} if name in _ON_A_PAGE else {})
            for name, label in _LABELS.items()
        ]
        people = {who for one in entries for who in (one.by, one.author) if who}
        return {
            "users": [self.users[who].basic() for who in sorted(people) if who in self.users],
            "reviewable_scores": scores,
            "score_types": [{"id": number, "title": name} for name, number in _TYPES.items()],
            "reviewable_conversations": talks,
            "conversation_messages": lines,
            "bundled_actions": bundles,
            "actions": actions,
            "topics": [
                {"id": one.topic, "title": self.topics[one.topic].title} for one in entries if one.topic
            ],
        }
