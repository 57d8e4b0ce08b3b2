from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.project import classes, name


def test_names_come_from_lines_and_commas_in_their_order() -> None:
    assert classes("sedan, coupe\nsuv\n\n truck ") == ("sedan", "coupe", "suv", "truck")


def test_a_pattern_stands_for_many_names() -> None:
    assert classes("air jordan {1..3}") == ("air jordan 1", "air jordan 2", "air jordan 3")
    assert len(classes("{1..3}-{1..4}")) == 12


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no class name"),
        (" \n ", "no class name"),
        ("sedan,,suv", "empty"),
        ("sedan\nSedan", "twice"),
        ("cafe\u0301, caf\u00e9", "twice"),  # the same letters, composed and not
        ("../../x", "'/'"),
        ("..\\x", "'\\\\'"),
        ("<img src=x onerror=alert(1)>", "'<'"),
        ("a\x00b", "'\\x00'"),
        ("a\u202eb", "'\\u202e'"),  # writes backwards
        ("a\ud800b", "'\\ud800'"),
        (".", "no letter"),
        ("x" * 300, "300 characters"),
        ("{5..1}", "{5..1}"),
        ("{1..99999999}", "{1..99999999}"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_one_sentence(text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        classes(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=120))
def test_a_name_is_refused_or_comes_out_clean(written: str) -> None:
    try:
        kept = name(written, "class name")
    except BadInput:
        return
    assert kept == name(kept, "class name")
    assert not set(kept) & set("/\\<>\x00\n")
