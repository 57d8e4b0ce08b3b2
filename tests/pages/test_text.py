from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.parts import house


@given(st.text(max_size=200))
def test_shown_text_is_the_text_with_every_punctuation_mark_escaped(value: str) -> None:
    shown = house.text(value).replace("\N{WORD JOINER}", "")
    bare, i = [], 0
    while i < len(shown):
        if shown[i] == "\\":
            assert shown[i + 1] in string.punctuation
            i += 1
        else:
            assert shown[i] not in string.punctuation
        bare.append(shown[i])
        i += 1
    assert "\n" not in shown
    plain = "".join(bare)
    assert plain == plain.strip()
    kept = [sign for sign in " ".join(value.split()) if sign.isprintable()]
    assert [sign for sign in plain if sign != "\N{REPLACEMENT CHARACTER}" and sign.isprintable()] == [
        sign for sign in kept if sign != "\N{REPLACEMENT CHARACTER}"]  # fmt: skip


@pytest.mark.parametrize(("value", "shown"), [
    ("[x](javascript:alert(1))", r"\[x\]\(javascript\:alert\(1\)\)"),
    ("<img src=x onerror=alert(1)>", r"\<img src\=x onerror\=alert\(1\)\>"),
    (":red[x] $x$", r"\:red\[x\] \$x\$"),
    ("a\u202eb", "a\N{REPLACEMENT CHARACTER}b"),
    ("two\nlines", "two lines"),
    ("http://a", "http\\:\u2060\\/\\/a"),
    ("WWW.a.org", "WWW\u2060\\.a\\.org"),
    ("me@a.org", "me\\@\u2060a\\.org"),
])  # fmt: skip
def test_what_would_be_markup_is_shown_as_it_is_written(value: str, shown: str) -> None:
    assert house.text(value) == shown


def test_a_name_of_ten_thousand_characters_is_cut() -> None:
    assert house.text("x" * 10_000) == "x" * 299 + "…"


def test_numbers_come_with_their_noun() -> None:
    assert house.count(1, "picture") == "1 picture"
    assert house.count(2781, "picture") == "2,781 pictures"
    assert house.count(2, "class", "classes") == "2 classes"
