from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.model import ClassInfo
from core.project import about, class_file, classes, decoded, info, name, parents


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


# class files --------------------------------------------------------------------------------------------------------

CARS = """class,queries,synonyms,make,model,years
Maserati GranTurismo,2008 Maserati GranTurismo|2009 Maserati GranTurismo,Gran Turismo,Maserati,GranTurismo,2008-2009
BMW M3,,"M3; M 3",BMW,M3,
sedan
"""


def test_a_plain_file_is_read_as_what_is_written() -> None:
    assert class_file("cars.txt", "sedan\n# 1\nair jordan {1..2}") == (
        ("sedan", "# 1", "air jordan 1", "air jordan 2"),
        {},
    )
    assert class_file("class.txt", "class") == (("class",), {})


def test_a_table_brings_queries_synonyms_and_parents() -> None:
    names, infos = class_file("cars.csv", CARS)
    assert names == ("Maserati GranTurismo", "BMW M3", "sedan")
    assert infos == {
        "Maserati GranTurismo": ClassInfo(
            ("2008 Maserati GranTurismo", "2009 Maserati GranTurismo"),
            ("Gran Turismo",),
            {"make": "Maserati", "model": "GranTurismo", "years": "2008-2009"},
        ),
        "BMW M3": ClassInfo((), ("M3", "M 3"), {"make": "BMW", "model": "M3"}),
    }


@pytest.mark.parametrize(("file", "text"), [
    ("f.tsv", "class\tqueries\na\tx|y\n"), ("f.csv", "class;queries\na;x|y\n"), ("f.CSV", '"Class","Queries"\r\na,x|y\r\n'),
    ("f", "class,queries\n\na,x|y\n\n"), ("f.csv", 'queries,class,\n"x;y",a,,,\n'), ("f.txt", "class\tqueries\na\tx ; y| x"),
    ("f.csv", "class,queries\na,  x |y  \n,\n"),
])  # fmt: skip
def test_a_table_may_be_written_in_many_ways(file: str, text: str) -> None:
    assert class_file(file, text) == (("a",), {"a": ClassInfo(("x", "y"))})


@pytest.mark.parametrize(("file", "text", "said"), [
    ("f.txt", "sedan\nSEDAN", "f.txt: The class 'SEDAN' is there twice"),
    ("f.csv", "", "The file 'f.csv' names no class"),
    ("f.csv", "class,make\n", "The file 'f.csv' names no class"),
    ("f.csv", "make,model\nBMW,M3\n", "f.csv, line 1: there is no column 'class' (there are: 'make', 'model')"),
    ("f.csv", "class,,make\nM3,,BMW\n", "f.csv, line 1: the column 2 has no name"),
    ("f.csv", "class,make,make\nM3,BMW,BMW\n", "f.csv, line 1: the column 'make' is there twice"),
    ("f.csv", "class,CLASS\nM3,M3\n", "f.csv, line 1: the column 'class' is there twice"),
    ("f.csv", "class,a<b\nM3,x\n", "f.csv, line 1: The name of a column 'a<b' holds '<'"),
    ("f.csv", "class,make\nM3,BMW\n../x,BMW\n", "f.csv, line 3: The class name '../x' holds '/'"),
    ("f.csv", "class,make\nM3,BMW\n,BMW\n", "f.csv, line 3: A class name is empty"),
    ("f.csv", "class,make\nM3,BMW\nm3,BMW\n", "f.csv, line 3: the class 'm3' is on line 2 already"),
    ("f.csv", "class,make\nM3,BMW,coupe\n", "f.csv, line 2: there are 3 cells, the last is 'coupe': wanted at most 2"),
    ("f.csv", f"class,queries\nM3,{'x' * 201}\n", "line 2: The query 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'... has 201 characters"),
    ("f.csv", "class,synonyms\nM3,a\x07b\n", "line 2: The synonym 'a\\x07b' holds '\\x07'"),
    ("f.csv", 'class,make\nM3,"BM\nW"\n', "line 3: The make of a class 'BM\\nW' holds '\\n'"),
    ("f.csv", 'class,make\nM3,"BMW\n', "f.csv, line 2: unexpected end of data"),
    ("f.csv", f"class,make\nM3,{'x' * 200_000}\n", "f.csv, line 2: field larger than field limit"),
])  # fmt: skip
def test_a_class_file_that_does_not_fit_is_refused_with_its_line_and_value(file: str, text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        class_file(file, text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_is_decoded_with_or_without_a_mark_and_said_where_it_is_no_utf_8() -> None:
    assert decoded("f", "\ufeffcafé".encode()) == decoded("f", "café".encode()) == "café"
    with pytest.raises(BadInput, match="'f' is not UTF-8 .byte 4 is 0xe9"):
        decoded("f", "café".encode("latin-1"))
    with pytest.raises(BadInput, match="more than 20 MB"):
        decoded("f", bytes(20_000_001))


@given(st.text(max_size=200))
def test_a_class_file_is_refused_in_one_line_or_read(text: str) -> None:
    try:
        names, infos = class_file("f.csv", f"class,queries,make\n{text}")
    except BadInput as error:
        assert str(error).startswith(("f.csv, line ", "The file 'f.csv' "))
        return
    assert set(infos) <= set(names)
    assert all(info(each.queries, each.synonyms, each.parents) == each for each in infos.values())


# what is known of a class -------------------------------------------------------------------------------------------


def test_what_is_known_comes_out_clean() -> None:
    assert info(["  a   b ", "a b", "c"], ["x"], {"make": " BMW ", "years": " "}) == ClassInfo(
        ("a b", "c"), ("x",), {"make": "BMW"}
    )


@pytest.mark.parametrize("query", ["", "   ", "x" * 201, "a\nb", "a\x00b", "a\u202eb", "a\u2028b", "a\ud800"])
def test_a_query_that_cannot_be_is_refused(query: str) -> None:
    with pytest.raises(BadInput, match="The query"):
        info([query])


def test_levels_of_parents_come_in_their_order() -> None:
    infos = {
        "a": info(parents={"make": "x", "years": "1"}),
        "b": info(["q"]),
        "c": info(parents={"model": "y", "make": "x"}),
    }
    assert parents(infos) == ("make", "years", "model")
    assert parents({}) == ()


def test_what_a_class_is_is_one_line_of_text() -> None:
    assert about("  Two doors,\n a  long  bonnet. ") == "Two doors, a long bonnet."
    assert about("") == ""
    for written, said in (("x" * 501, "501 characters"), ("a\u202eb", "wanted text"), ("a\ud800", "wanted text")):
        with pytest.raises(BadInput, match=said):
            about(written)
