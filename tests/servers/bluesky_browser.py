"""A person in front of Bluesky's sign-in page: what their browser does, step by step, without a browser."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from tests.servers.bluesky_network import Account

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140 Safari/537.36"
_API = "/@atproto/oauth-provider/~api"


@dataclass
class Person:
    """Signs in as an account and agrees, or does not; `asked` keeps the addresses that were opened."""

    account: Account
    password: str
    agrees: bool = True
    asked: list[str] = field(default_factory=list)
    trouble: list[BaseException] = field(default_factory=list)

    def open_page(self, url: str) -> None:
        """What the desk calls: the browser goes its own way."""
        self.asked.append(url)
        threading.Thread(target=self._noted, args=(lambda: self._sign_in(url),), daemon=True).start()

    def _noted(self, steps: Callable[[], None]) -> None:
        try:
            steps()
        except BaseException as trouble:
            self.trouble.append(trouble)
            raise

    def _sign_in(self, url: str) -> None:
        server = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        with requests.Session() as browser:
            browser.headers["User-Agent"] = _BROWSER
            page = browser.get(url, headers=_navigation("none"), timeout=20)
            page.raise_for_status()
            cookies = dict(page.cookies)
            api = _calls(server, url) | {"x-csrf-token": _csrf(cookies)}

            def call(name: str, body: dict[str, Any]) -> Any:
                headers = api | {"Cookie": "; ".join(f"{key}={value}" for key, value in cookies.items())}
                answer = browser.post(f"{server}{_API}/{name}", json=body, headers=headers, timeout=20)
                assert answer.ok, f"{name}: {answer.status_code} {answer.text}"
                cookies.update(dict(answer.cookies))
                return answer.json()

            who = {
                "locale": "en",
                "username": self.account.handle,
                "password": self.password,
                "remember": True,
            }
            signed_in = call("sign-in", {**who, "remember": True})
            if signed_in.get("ephemeralToken"):
                api["Authorization"] = f"Bearer {signed_in['ephemeralToken']}"
            if self.agrees:
                scope = parse_qs(urlsplit(parse_qs(urlsplit(url).query)["client_id"][0]).query)["scope"][0]
                back = call("consent", {"did": self.account.did, "scope": scope})["url"]
            else:
                back = call("reject", {})["url"]
            headers = _navigation("same-origin") | {"Referer": url}
            headers["Cookie"] = "; ".join(f"{key}={value}" for key, value in cookies.items())
            there = browser.get(back, headers=headers, allow_redirects=False, timeout=20)
            requests.get(there.headers["location"], timeout=20)


def _csrf(cookies: dict[str, str]) -> str:
    return next((value for name, value in cookies.items() if "csrf" in name.lower()), "")


def _navigation(site: str) -> dict[str, str]:
    return {
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-Site": site,
        "Sec-Fetch-User": "?1",
        "Accept": "text/html",
    }


def _calls(server: str, page: str) -> dict[str, str]:
    return {
        "Sec-Fetch-Mode": "same-origin",
        "Sec-Fetch-Dest": "empty",
        "Sec-Fetch-Site": "same-origin",
        "Origin": server,
        "Referer": page,
    }
