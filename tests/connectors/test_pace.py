"""Every way to write a moment comes out as the same moment."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from connectors.pace import LONGEST_WAIT, moment, wait_until

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
