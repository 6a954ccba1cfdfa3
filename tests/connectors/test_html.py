"""HTML of a platform becomes text that shows nothing but words, and tells nobody that it was read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.html import pictures, to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        ("a &lt;b&gt; &amp; c&nbsp;d", "a <b> & c d"),
        ("<ul><li>tea</li><li>a walk</li></ul>", "- tea\n- a walk"),
        ("<script>steal()</script>hello<style>p{}</style>", "hello"),
        ("<mx-reply><blockquote>what was quoted</blockquote></mx-reply>yes", "yes"),
        ('<a href="https://one.example/x">one.example</a>', "one.example"),
        ('<a href="https://far.example/x">your bank</a>', "your bank (https://far.example/x)"),
        ('<a href="javascript:steal()">click</a>', "click"),
        ('<a href="https://s.example/@ann" class="mention">@<span>ann</span></a> hi', "@ann hi"),
        (
            '<a href="https://s.example/a"><span class="invisible">https://</span>s.example/a</a>',
            "https://s.example/a",
        ),
        ('see <img src="https://t.example/p.gif" alt="a lake">', "see [a lake]"),
        ('<img class="emoji" src="https://t.example/e.png" alt=":heart:"> thanks', ":heart: thanks"),
        ("<b onclick='x()'>bold</b> words", "bold words"),
    ],
)
def test_what_a_reader_sees(html: str, text: str) -> None:
    assert to_text(html) == text


def test_a_picture_is_named_and_not_loaded() -> None:
    (found,) = pictures(
        '<img src="https://t.example/p.gif" alt="a lake"><img src="data:image/png;base64,AA">'
    )
    assert (found.url, found.alt) == ("https://t.example/p.gif", "a lake")


@given(st.text())
def test_nothing_makes_it_stumble(html: str) -> None:
    to_text(html)
    to_text(f"<p><a href='{html}'>{html}</p><li><img alt='{html}' src='https://x.example/'>")


@given(st.text(alphabet=st.characters(exclude_categories=("C", "Z"), exclude_characters="<>&"), min_size=1))
def test_plain_words_stay(words: str) -> None:
    assert to_text(f"<p>{words}</p>") == words
