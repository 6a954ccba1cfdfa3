"""Every way to write a moment comes out as the same moment."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from connectors.pace import LONGEST_WAIT, Pace, moment, wait_until

clocks = st.integers(1_400_000_000, 3_400_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))
waits = st.integers(0, 86_000)
skews = st.integers(-100_000, 100_000)


@given(clocks, waits, skews, st.sampled_from(["left", "epoch", "ms", "iso", "offset", "http"]))
def test_all_forms_agree_whatever_our_clock_says(server: datetime, wait: int, skew: int, form: str) -> None:
    ours = server + timedelta(seconds=skew)
    then = server + timedelta(seconds=wait)
    written = {
        "left": str(wait),
        "epoch": str(int(then.timestamp())),
        "ms": str(int(then.timestamp()) * 1000),
        "iso": then.isoformat().replace("+00:00", "Z"),
        "offset": then.isoformat(),
        "http": format_datetime(then, usegmt=True),
    }[form]
    found = moment(written, server, ours)
    assert found is not None
    assert abs(found - ours - timedelta(seconds=wait)) < timedelta(seconds=1)


@given(
    st.one_of(
        st.text(),
        st.floats(),
        st.integers(),
        st.none(),
        st.booleans(),
        st.from_regex(r"\A[+-]?[0-9.eE]{1,400}\Z"),
        st.datetimes().map(str),
    )
)
def test_nonsense_never_makes_a_long_or_a_past_wait(value: object) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    found = moment(value, now, now)
    assert found is None or now <= found <= now + LONGEST_WAIT


@given(
    st.recursive(
        st.none() | st.floats() | st.text(),
        lambda inner: st.dictionaries(
            st.sampled_from(["retry_after", "retry_after_ms", "wait_seconds", "extras", "parameters"]),
            inner,
        ),
    )
)
def test_a_hostile_body_is_harmless(body: object) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    found = wait_until({}, body, now, now)
    assert found is None or math.isfinite((found - now).total_seconds())


def _told(left: int, bucket: str, reset: str = "60.5") -> dict[str, str]:
    told = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": str(left), "X-RateLimit-Bucket": bucket}
    return told | {"X-RateLimit-Reset-After": reset, "X-RateLimit-Reset": "1"}


def test_what_shares_a_bucket_is_held_together_and_each_channel_apart() -> None:
    now, pace = datetime(2026, 11, 22, tzinfo=UTC), Pace()
    pace.learn("channels/1 PUT reactions", _told(1, "b"), now, now)
    pace.learn("channels/1 DELETE reactions", _told(0, "b"), now, now)
    pace.learn("channels/2 PUT reactions", _told(1, "b"), now, now)
    pace.learn("channels/1 GET messages", _told(4, "c"), now, now)
    until = now + timedelta(seconds=60.5)
    assert pace.held_until("channels/1 PUT reactions", now, is_write=True) == until
    assert pace.held_until("channels/2 PUT reactions", now, is_write=True) is None
    assert pace.held_until("channels/1 GET messages", now, is_write=False) is None
    assert pace.held_until("channels/1 PUT reactions", until, is_write=True) is None


def test_a_limit_for_everything_holds_everything_until_it_ends() -> None:
    now, pace = datetime(2026, 11, 22, tzinfo=UTC), Pace()
    pace.learn("here", {"X-RateLimit-Global": "true", "Retry-After": "7"}, now, now)
    until = now + timedelta(seconds=7)
    assert pace.held_until("elsewhere", now, is_write=True) == until
    assert pace.held_until("elsewhere", until, is_write=True) is None
