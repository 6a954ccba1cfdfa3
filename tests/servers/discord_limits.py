"""The limits of our Discord server: buckets named in a header, counted apart for each channel and server."""

import re
import time
import zlib
from typing import Any, Final

_PLENTY: Final = (100_000, 1.0)


class Limits:
    """How many requests came; `of` narrows one route ("GET /channels/*/messages") to so many in so long."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[int, float]] = {}
        self.global_until = 0.0
        self._uses: dict[str, list[float]] = {}

    def count(self, method: str, path: str) -> tuple[dict[str, str], dict[str, Any]]:
        """Count a request; its headers, and what a 429 says where it is one too many."""
        left = self.global_until - time.time()
        if left > 0:
            headers = {"Retry-After": str(int(left) + 1), "X-RateLimit-Global": "true"}
            headers["X-RateLimit-Scope"] = "global"
            return headers, {"message": "slower", "retry_after": left, "global": True}
        route = _bucket(f"{method} {re.sub(r'[0-9]{5,20}', '*', path)}")
        limit, span = self.of.get(route, _PLENTY)
        parts = path.split("/")[1:]
        name = f"{route} {'/'.join(parts[:2]) if parts[0] in ('channels', 'guilds') else ''}"
        now = time.time()
        used = [at for at in self._uses.get(name, []) if at > now - span]
        wait = span - (now - used[0]) if len(used) >= limit else 0.0
        self._uses[name] = used if wait else [*used, now]
        resets = (self._uses[name] or [now])[0] + span
        headers = {"X-RateLimit-Bucket": f"{zlib.crc32(route.encode()):x}", "X-RateLimit-Limit": str(limit)}
        headers |= {"X-RateLimit-Remaining": str(max(0, limit - len(self._uses[name])))}
        headers |= {"X-RateLimit-Reset": f"{resets:.3f}", "X-RateLimit-Reset-After": f"{resets - now:.3f}"}
        if not wait:
            return headers, {}
        headers |= {"Retry-After": str(int(wait) + 1), "X-RateLimit-Scope": "user"}
        return headers, {"message": "slower", "retry_after": wait, "global": False}


def _bucket(route: str) -> str:
    """Putting a reaction on a message and taking it off share one bucket."""
    return route.replace("DELETE", "PUT") if "/reactions/" in route else route
