"""A table of addresses and labels: any columns, any length, every row counted."""

import csv
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.sources import SOURCES
from core.sources.options import Options
from core.sources.urls import guess, sample


def search(table, **columns):
    return list(SOURCES["urls"].search("", 0, Options(table=str(table), **columns), None))


def table(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_columns_may_have_any_name_and_order(tmp_path):
    path = table(tmp_path, "who,Label,page,Image URL,licence\nann,suv,http://p,http://h/1.jpg,CC BY 4.0\n")
    (found,) = search(path, url_column="Image URL", label_column="Label", creator_column="who", page_column="page",
                      licence_column="licence")  # fmt: skip
    assert (found.url, found.label, found.creator, found.page, found.licence) == (
        "http://h/1.jpg", "suv", "ann", "http://p", "CC BY 4.0")  # fmt: skip


def test_columns_that_are_not_named_are_not_read(tmp_path):
    (found,) = search(table(tmp_path, "url,label,licence\nhttp://h/1.jpg,suv,CC0\n"))
    assert (found.licence, found.creator) == ("unknown", "")


def test_an_empty_licence_is_unknown(tmp_path):
    (found,) = search(table(tmp_path, "url,label,licence\nhttp://h/1.jpg,suv,\n"), licence_column="licence")
    assert found.licence == "unknown"


def test_rows_with_the_wrong_number_of_fields_are_counted_and_the_rest_is_read(tmp_path):
    found = search(table(tmp_path, "url,label\nhttp://h/1.jpg,a\nhttp://h/2.jpg\nx,y,z\n\nhttp://h/3.jpg,b\n"))
    assert [c.error for c in found] == ["", "wrong number of fields", "wrong number of fields", ""]
    assert found[-1].url == "http://h/3.jpg"


def test_an_empty_address_is_counted_with_its_place(tmp_path):
    found = search(table(tmp_path, "url,label\n,a\nhttp://h/1.jpg,b\n"))
    assert [(c.url, c.error) for c in found] == [("t.csv, row 1", "malformed url"), ("http://h/1.jpg", "")]


def test_tsv_quotes_and_a_byte_order_mark(tmp_path):
    path = table(tmp_path, '\ufeffurl\tlabel\n"http://h/a,b.jpg"\t"the ""best"""\r\n', "t.TSV")
    (found,) = search(path)
    assert (found.url, found.label) == ("http://h/a,b.jpg", 'the "best"')


def test_bytes_that_are_no_utf8_fail_their_row_only(tmp_path):
    found = search(table(tmp_path, b"url,label\nhttp://h/1.jpg,caf\xe9\nhttp://h/2.jpg,b\n"))
    assert [(c.label, c.error) for c in found] == [("", "not UTF-8"), ("b", "")]


def test_a_quote_that_is_never_closed_is_a_failure_and_not_the_end(tmp_path):
    path = table(tmp_path, 'url,label\nhttp://h/1.jpg,a\nhttp://h/2.jpg,"b\n' + "http://h/3.jpg,c\n" * 20000)
    found = search(path)
    assert found[0].error == "" and "malformed row" in {c.error for c in found}


@pytest.mark.parametrize(("name", "text", "wanted"), [
    ("t.csv", "link,label\nx,y\n", r"no column 'url'; its columns are 'link', 'label'"),
    ("t.csv", "url,url,label\nx,y,z\n", "more than one column 'url'"),
    ("t.csv", "", "no column 'url'; its columns are none"),
    ("t.csv", "url;label\nx;y\n", "'url;label'"),
    ("t.xlsx", "x", r"\.csv, \.tsv or \.parquet"),
    ("t.parquet", "this is no parquet", "not a Parquet file"),
])  # fmt: skip
def test_a_table_that_does_not_fit_is_one_sentence(tmp_path, name, text, wanted):
    with pytest.raises(BadInput, match=wanted):
        search(table(tmp_path, text, name))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(BadInput, match="nowhere.csv"):
        search(tmp_path / "nowhere.csv")


def test_parquet_with_empty_and_odd_values(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table({"n": [1, 2, 3], "url": ["http://h/1.jpg", None, "http://h/3.jpg"], "label": [11, 12, None]}), path
    )
    found = search(path)
    assert [(c.url, c.label, c.error) for c in found] == [
        ("http://h/1.jpg", "11", ""), ("t.parquet, row 2", "12", "malformed url"), ("http://h/3.jpg", "", "")]  # fmt: skip
    with pytest.raises(BadInput, match="'n', 'url', 'label'"):
        search(path, label_column="class")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_long_table_is_read_piece_by_piece(tmp_path, kind):
    rows = [(f"http://host.example/pictures/{n:08}.jpg", "label") for n in range(60_000)]
    path = tmp_path / f"t.{kind}"
    if kind == "csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("url", "label"), *rows])
    else:
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        pq.write_table(
            pa.table({"url": [r[0] for r in rows], "label": [r[1] for r in rows]}), path, row_group_size=5000
        )
    del rows
    tracemalloc.start()
    count = sum(1 for _ in SOURCES["urls"].search("", 0, Options(table=str(path)), None))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 60_000
    assert peak < 5_000_000  # the rows alone would be some 15 MB


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_candidates_or_one_sentence(tmp_path, body):
    path = table(tmp_path, b"url,label\n" + body)
    for candidate in search(path):
        assert candidate.url and (candidate.error or candidate.url.strip())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8"), max_size=20), st.text(st.characters(codec="utf-8"), max_size=20)), max_size=10))  # fmt: skip
def test_every_row_that_a_csv_writer_writes_is_counted(tmp_path, rows):
    path = tmp_path / "written.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("url", "label"), *rows])
    found = search(path)
    assert len(found) == len(rows)
    assert [c.url for c in found if not c.error] == [url.strip() for url, _ in rows if url.strip()]


ODD_NAMES = "id,source,model,where\n1,http://shop/1,suv,http://h/1.jpg\n2,own,coupe,http://h/2.jpg\n"


def test_what_stands_in_a_column_says_which_one_holds_addresses_and_which_classes(tmp_path):
    names, rows = sample(table(tmp_path, ODD_NAMES))
    assert (names, rows[0]) == (["id", "source", "model", "where"], ["1", "http://shop/1", "suv", "http://h/1.jpg"])
    assert guess(names, rows, ["suv", "coupe"]) == ("where", "model")


def test_between_columns_that_fit_alike_the_usual_names_decide_and_never_one_column_for_both(tmp_path):
    assert guess(["a", "label", "url"], [], ["suv"]) == ("url", "label")
    assert guess(["address", "model"], [["http://h/1.jpg", "911"]], ["suv"]) == ("address", "model")
    assert guess(["url"], [["http://h/1.jpg"]], ["suv"]) == ("url", "url")


def test_a_sample_is_as_long_as_asked_and_leaves_out_what_cannot_be_used(tmp_path):
    path = table(tmp_path, "url,label,label\n" + "http://h/1.jpg,suv,x\n" * 5 + "too,few\n" + "http://h/2.jpg,suv,x\n")
    assert sample(path, 2) == (["url"], [["http://h/1.jpg"]] * 2)
    assert len(sample(path)[1]) == 6


def test_a_table_without_names_of_columns_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no first line with the names"):
        sample(table(tmp_path, ""))


def test_a_column_of_classes_is_known_in_whatever_letters_they_are_written():
    names, rows = ["link", "note", "what"], [["http://h/1", "a", " SEDAN "], ["http://h/2", "b", "Cafe\u0301  racer"]]
    assert guess(names, rows, ["sedan", "café racer"]) == ("link", "what")
