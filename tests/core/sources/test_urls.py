"""A table of addresses and labels: any columns, any length, every row counted."""

import csv
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.sources import urls
from core.sources.options import Options
from core.sources.urls import PRESETS, guess, labels, preset, sample


def read(table, **columns):
    return list(urls.read(Options(table=str(table), **columns)))


def table(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_columns_may_have_any_name_and_order(tmp_path):
    path = table(tmp_path, "who,Label,page,Image URL,licence\nann,suv,http://p,http://h/1.jpg,CC BY 4.0\n")
    (found,) = read(path, url_column="Image URL", label_column="Label", creator_column="who", page_column="page",
                      licence_column="licence")  # fmt: skip
    assert (found.url, found.label, found.creator, found.page, found.licence) == (
        "http://h/1.jpg", "suv", "ann", "http://p", "CC BY 4.0")  # fmt: skip


def test_columns_that_are_not_named_are_not_read(tmp_path):
    (found,) = read(table(tmp_path, "url,label,licence\nhttp://h/1.jpg,suv,CC0\n"))
    assert (found.licence, found.creator) == ("unknown", "")


def test_an_empty_licence_is_unknown(tmp_path):
    (found,) = read(table(tmp_path, "url,label,licence\nhttp://h/1.jpg,suv,\n"), licence_column="licence")
    assert found.licence == "unknown"


def test_rows_with_the_wrong_number_of_fields_are_counted_and_the_rest_is_read(tmp_path):
    found = read(table(tmp_path, "url,label\nhttp://h/1.jpg,a\nhttp://h/2.jpg\nx,y,z\n\nhttp://h/3.jpg,b\n"))
    assert [c.error for c in found] == ["", "wrong number of fields", "wrong number of fields", ""]
    assert found[-1].url == "http://h/3.jpg"


def test_an_empty_address_is_counted_with_its_place(tmp_path):
    found = read(table(tmp_path, "url,label\n,a\nhttp://h/1.jpg,b\n"))
    assert [(c.url, c.error) for c in found] == [("t.csv, row 1", "malformed url"), ("http://h/1.jpg", "")]


def test_tsv_quotes_and_a_byte_order_mark(tmp_path):
    path = table(tmp_path, '\ufeffurl\tlabel\n"http://h/a,b.jpg"\t"the ""best"""\r\n', "t.TSV")
    (found,) = read(path)
    assert (found.url, found.label) == ("http://h/a,b.jpg", 'the "best"')


def test_bytes_that_are_no_utf8_fail_their_row_only(tmp_path):
    found = read(table(tmp_path, b"url,label\nhttp://h/1.jpg,caf\xe9\nhttp://h/2.jpg,b\n"))
    assert [(c.label, c.error) for c in found] == [("", "not UTF-8"), ("b", "")]


def test_a_quote_that_is_never_closed_is_a_failure_and_not_the_end(tmp_path):
    path = table(tmp_path, 'url,label\nhttp://h/1.jpg,a\nhttp://h/2.jpg,"b\n' + "http://h/3.jpg,c\n" * 20000)
    found = read(path)
    assert found[0].error == "" and "malformed row" in {c.error for c in found}


@pytest.mark.parametrize(("name", "text", "wanted"), [
    ("t.csv", "link,label\nx,y\n", r"no column 'url'; its columns are 'link', 'label'"),
    ("t.csv", "url,url,label\nx,y,z\n", "more than one column 'url'"),
    ("t.csv", "", "no column 'url'; its columns are none"),
    ("t.csv", "url|label\nx|y\n", "'url|label'"),
    ("t.xlsx", "x", r"\.csv, \.tsv or \.parquet"),
    ("t.parquet", "this is no parquet", "not a Parquet file"),
])  # fmt: skip
def test_a_table_that_does_not_fit_is_one_sentence(tmp_path, name, text, wanted):
    with pytest.raises(BadInput, match=wanted):
        read(table(tmp_path, text, name))


def test_a_licence_is_asked_for_only_where_the_table_names_licences(tmp_path):
    path = table(tmp_path, "url,label,rights\nhttp://h/1.jpg,a,CC0\n")
    with pytest.raises(BadInput, match=r"passes --licence open: name one, or leave it out\.$"):
        urls.check(Options(table=str(path), licence="open"))
    urls.check(Options(table=str(path), licence="open", licence_column="rights"))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(BadInput, match="nowhere.csv"):
        read(tmp_path / "nowhere.csv")


def test_parquet_with_empty_and_odd_values(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table({"n": [1, 2, 3], "url": ["http://h/1.jpg", None, "http://h/3.jpg"], "label": [11, 12, None]}), path
    )
    found = read(path)
    assert [(c.url, c.label, c.error) for c in found] == [
        ("http://h/1.jpg", "11", ""), ("t.parquet, row 2", "12", "malformed url"), ("http://h/3.jpg", "", "")]  # fmt: skip
    with pytest.raises(BadInput, match="'n', 'url', 'label'"):
        read(path, label_column="class")


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
    count = sum(1 for _ in urls.read(Options(table=str(path))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 60_000
    assert peak < 5_000_000  # the rows alone would be some 15 MB


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_candidates_or_one_sentence(tmp_path, body):
    path = table(tmp_path, b"url,label\n" + body)
    for candidate in read(path):
        assert candidate.url and (candidate.error or candidate.url.strip())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8"), max_size=20), st.text(st.characters(codec="utf-8"), max_size=20)), max_size=10))  # fmt: skip
def test_every_row_that_a_csv_writer_writes_is_counted(tmp_path, rows):
    path = tmp_path / "written.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("url", "label"), *rows])
    found = read(path)
    assert len(found) == len(rows)
    addresses = [url.strip() for url, _ in rows]
    assert [c.url for c in found if not c.error] == [url for url in addresses if url and not url.startswith("/")]


ODD_NAMES = "id,source,model,where\n1,http://shop/1,suv,http://h/1.jpg\n2,own,coupe,http://h/2.jpg\n"


def test_what_stands_in_a_column_says_which_one_holds_addresses_and_which_classes(tmp_path):
    names, rows = sample(table(tmp_path, ODD_NAMES))
    assert (names, rows[0]) == (["id", "source", "model", "where"], ["1", "http://shop/1", "suv", "http://h/1.jpg"])
    assert guess(names, rows, ["suv", "coupe"]) == ("where", "model")


def test_between_columns_that_fit_alike_the_usual_names_decide_and_never_one_column_for_both(tmp_path):
    assert guess(["a", "label", "url"], [], ["suv"]) == ("url", "label")
    assert guess(["address", "model"], [["http://h/1.jpg", "911"]], ["suv"]) == ("address", "model")
    assert guess(["url"], [["http://h/1.jpg"]], ["suv"]) == ("url", "url")
    repeated = [["1", "http://h/1.jpg", "boat"], ["2", "http://h/2.jpg", "boat"], ["3", "http://h/3.jpg", "tram"]]
    assert guess(["id", "where", "what"], repeated, ["suv"]) == ("where", "what")


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


def files(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_a_file_of_this_computer_is_no_address(tmp_path):
    found = read(table(tmp_path, "url,label\n/etc/passwd,a\n//h/1.jpg,a\nhttp://h/1.jpg,a\n"))
    assert [c.error for c in found] == ["malformed url", "malformed url", ""]


def test_a_table_may_name_files_in_a_folder(tmp_path):
    images = files(tmp_path / "pictures", "1.jpg", "sub/2.jpg")
    path = table(tmp_path, f"url,label\n1.jpg,a\nsub/2.jpg,b\n3.jpg,b\nsub,b\n{images}/1.jpg,a\n")
    found = read(path, images=str(images))
    assert [(c.url, c.label, c.error) for c in found] == [
        (f"{images}/1.jpg", "a", ""), (f"{images}/sub/2.jpg", "b", ""), (f"{images}/3.jpg", "b", "no such file"),
        (f"{images}/sub", "b", "no such file"), (f"{images}/1.jpg", "a", "")]  # fmt: skip
    assert {c.source for c in found} == {"urls"}


def test_no_name_in_a_table_leads_out_of_the_folder(tmp_path):
    images = files(tmp_path / "pictures", "1.jpg")
    files(tmp_path, "secret/2.jpg", "pictures-too/3.jpg")
    (images / "link.jpg").symlink_to(tmp_path / "secret" / "2.jpg")
    (images / "folder").symlink_to(tmp_path / "secret")
    (images / "twin.jpg").symlink_to(images / "1.jpg")
    (images / "gone.jpg").symlink_to(images / "nowhere.jpg")
    names = ["../secret/2.jpg", "folder/2.jpg", "link.jpg", str(tmp_path / "secret/2.jpg"), "../pictures-too/3.jpg",
             "../pictures/1.jpg", "twin.jpg", "gone.jpg", "1.jpg\0"]  # fmt: skip
    path = table(tmp_path, "url,label\n" + "".join(f"{name},a\n" for name in names))
    out = "link out of the folder"
    assert [c.error for c in read(path, images=str(images))] == [
        out, out, out, out, out, "", "", "no such file", "no such file"]  # fmt: skip


def test_a_folder_of_images_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInput, match="--images 'nowhere' is not a folder"):
        read(table(tmp_path, "url,label\n1.jpg,a\n"), images="nowhere")


STYLES = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName\n"
SHOE = "Footwear,Shoes,Casual Shoes,White,Summer,2011,Casual"


def test_styles_are_read_by_their_ids_and_article_types(tmp_path):
    files(tmp_path / "images", "1163.jpg", "39403.jpg")
    rows = f"1163,Men,{SHOE},Puma Men Ferrari\n39403,Women,{SHOE},Warm, soft and light\n9,Boys,{SHOE},Crocs\n"
    found = read(table(tmp_path, STYLES + rows), preset="styles")
    assert [(c.url, c.label, c.error) for c in found] == [
        (f"{tmp_path}/images/1163.jpg", "Casual Shoes", ""), ("t.csv, row 2", "", "wrong number of fields"),
        (f"{tmp_path}/images/9.jpg", "Casual Shoes", "no such file")]  # fmt: skip


def test_what_a_user_says_comes_before_the_preset(tmp_path):
    images = files(tmp_path / "elsewhere", "1163.jpg")
    path = table(tmp_path, STYLES + f"1163,Men,{SHOE},Puma\n")
    (found,) = read(path, preset="styles", label_column="baseColour", images=str(images))
    assert (found.label, found.url) == ("White", f"{images}/1163.jpg")


def test_landmarks_without_an_address_are_failures_under_no_label(tmp_path):
    path = table(
        tmp_path, 'id,url,landmark_id\nab,http://h/1.jpg,6347\ncd,None,None\nef,"",5\ngh,http://h/2.jpg,None\n'
    )
    assert [(c.url, c.label, c.error) for c in read(path, preset="landmarks-v1")] == [
        ("http://h/1.jpg", "6347", ""), ("t.csv, row 2", "", "malformed url"), ("t.csv, row 3", "5", "malformed url"),
        ("http://h/2.jpg", "", "")]  # fmt: skip


ATTRIBUTION = """id,url,author,license,title
cd,https://commons.wikimedia.org/wiki/File:B.jpg,"Doe, Jane",http://creativecommons.org/licenses/by-sa/3.0/,File:B.jpg
ab,https://commons.wikimedia.org/wiki/File:A.jpg,Ann,CC-BY-2.0,File:A.jpg
broken,row
ab,https://commons.wikimedia.org/wiki/File:Again.jpg,Bob,CC0,File:Again.jpg
gh,https://commons.wikimedia.org/wiki/File:D.jpg,,,
"""


def test_landmarks_are_joined_with_whose_they_are_in_whatever_order(tmp_path):
    path = table(
        tmp_path, "id,url,landmark_id\n" + "".join(f"{n},http://h/{n}.jpg,7\n" for n in ("ab", "cd", "ef", "gh"))
    )
    whose = table(tmp_path, ATTRIBUTION, "train_attribution.csv")
    first, second, unknown, blank = read(path, preset="landmarks-v2", attribution=str(whose))
    assert (first.creator, first.licence, first.page, first.title) == (
        "Ann", "CC BY 2.0", "https://commons.wikimedia.org/wiki/File:A.jpg", "File:A.jpg")  # fmt: skip
    assert first.licence_url == "https://creativecommons.org/licenses/by/2.0/"
    assert (second.creator, second.licence, second.licence_url) == (
        "Doe, Jane", "CC BY-SA 3.0", "http://creativecommons.org/licenses/by-sa/3.0/")  # fmt: skip
    assert [(c.licence, c.creator) for c in (unknown, blank)] == [("unknown", ""), ("unknown", "")]
    assert blank.page.endswith("D.jpg")


@pytest.mark.parametrize("layout", ["{}.jpg", "0/a/b/{}.jpg"])  # in one folder, or as the archives of v2 unpack
def test_landmarks_that_were_downloaded_before_are_found_in_their_folder(tmp_path, layout):
    images = files(tmp_path / "train", layout.format("0ab1"))
    whose = ATTRIBUTION.replace("ab,", "0ab1,")
    table(tmp_path, whose, "train_attribution.csv")
    path = table(tmp_path, "id,url,landmark_id\n0ab1,http://h/1.jpg,7\nff,http://h/2.jpg,8\n")
    here, gone = read(path, preset="landmarks-v2", images=str(images))
    assert (here.url, here.label, here.error, here.creator) == (f"{images}/{layout.format('0ab1')}", "7", "", "Ann")
    assert (gone.url, gone.error) == (f"{images}/ff.jpg", "no such file")


def test_a_table_of_owners_that_does_not_fit_is_one_sentence(tmp_path):
    path = table(tmp_path, "id,url,landmark_id\nab,http://h/1.jpg,7\n")
    with pytest.raises(BadInput, match="--attribution .*nowhere.csv' is not a file"):
        read(path, preset="landmarks-v2", attribution=str(tmp_path / "nowhere.csv"))
    with pytest.raises(BadInput, match="train_attribution.csv has no column 'author'"):
        read(path, preset="landmarks-v2", attribution=str(table(tmp_path, "id,url\n", "train_attribution.csv")))
    with pytest.raises(BadInput, match="t.csv has no column 'id'"):
        read(
            table(tmp_path, "url,label\nx,y\n"), attribution=str(table(tmp_path, ATTRIBUTION, "train_attribution.csv"))
        )


def test_nothing_of_the_scratch_database_is_left(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    path = table(tmp_path, "id,url,landmark_id\nab,http://h/1.jpg,7\ncd,http://h/2.jpg,7\n")
    found = urls.read(Options(table=str(path), preset="landmarks-v2",
                              attribution=str(table(tmp_path, ATTRIBUTION, "a.csv"))))  # fmt: skip
    next(found)
    assert list(scratch.iterdir())
    found.close()
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(("written", "licence", "address"), [
    ("https://creativecommons.org/licenses/by/4.0/", "CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    ("CC BY 4.0", "CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"), ("our own", "our own", ""),
])  # fmt: skip
def test_a_licence_is_known_by_its_name_or_its_address(tmp_path, written, licence, address):
    (found,) = read(table(tmp_path, f"url,label,terms\nhttp://h/1.jpg,a,{written}\n"), licence_column="terms")
    assert (found.licence, found.licence_url) == (licence, address)


def test_an_unknown_preset_is_named(tmp_path):
    with pytest.raises(BadInput, match="no preset named 'landmark'.*landmarks-v1, landmarks-v2, styles"):
        read(table(tmp_path, "url,label\n"), preset="landmark")


@pytest.mark.parametrize(("names", "rows", "known"), [
    (STYLES.strip().split(","), [], "styles"),
    (["id", "url", "landmark_id"], [], "landmarks-v1"),
    (["id", "url", "landmark_id"], [["ab", "http://lh3.googleusercontent.com/x/s1600/", "7"]], "landmarks-v1"),
    (["id", "url", "landmark_id"], [["ab", "https://upload.wikimedia.org/wikipedia/commons/a/a1/X.jpg", "7"]],
     "landmarks-v2"),
    (["url", "label"], [["http://h/1.jpg", "a"]], ""),
])  # fmt: skip
def test_a_known_table_is_recognised_by_its_columns(names, rows, known):
    assert preset(names, rows) == known
    assert known in {"", *PRESETS}


def test_counting_sees_the_same_labels_and_failures_as_reading(tmp_path):
    path = table(
        tmp_path, b"url,label\nhttp://h/1.jpg,a\n,a\nNone,b\nx\n/etc/passwd,c\nhttp://h/2.jpg,\xe9\nhttp://h/2.jpg,\n"
    )
    for known in ("", "landmarks-v1"):
        options = Options(table=str(path), preset=known, label_column="label" if not known else "url")
        assert list(labels(options)) == [(c.label, c.error) for c in urls.read(options)]
        assert len(list(labels(options))) == 7


def test_text_in_parquet_that_is_no_utf8_fails_its_row_only(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path = tmp_path / "t.parquet"
    odd = pa.array([b"caf\xe9", b"suv", None]).view(pa.string())
    pq.write_table(pa.table({"url": [f"http://h/{n}.jpg" for n in range(3)], "label": odd}), path)
    assert [(c.label, c.error) for c in read(path)] == [("", "not UTF-8"), ("suv", ""), ("", "")]


# tables as spreadsheets write them ----------------------------------------------------------------------------------


def test_a_table_with_semicolons_is_read(tmp_path):
    (tmp_path / "t.csv").write_text("url;label\nhttp://h/1.jpg;a, b\n")
    assert [(c.url, c.label) for c in read(tmp_path / "t.csv")] == [("http://h/1.jpg", "a, b")]


def test_a_table_in_utf_16_says_how_to_save_it(tmp_path):
    (tmp_path / "t.csv").write_bytes("url,label\nhttp://h/1.jpg,a\n".encode("utf-16"))
    with pytest.raises(BadInput, match="UTF-16; save it as UTF-8"):
        read(tmp_path / "t.csv")


@pytest.mark.parametrize("rows", [5, 90, 5000])
def test_a_quote_that_is_never_closed_costs_its_own_row_only(tmp_path, rows):
    lines = [f"http://h/{n}.jpg,a" for n in range(rows)]
    lines[2] = 'http://h/2.jpg,"a'
    (tmp_path / "t.csv").write_text("\n".join(["url,label", *lines]))
    assert [c.error for c in read(tmp_path / "t.csv")] == ["", "", "malformed row"] + [""] * (rows - 3)


def test_a_cell_over_several_lines_is_one_cell(tmp_path):
    (tmp_path / "t.csv").write_text('url,label,title\nhttp://h/1.jpg,a,"one\ntwo\nthree"\nhttp://h/2.jpg,b,x\n')
    assert [(c.url, c.label, c.error) for c in read(tmp_path / "t.csv")] == [
        ("http://h/1.jpg", "a", ""), ("http://h/2.jpg", "b", "")]  # fmt: skip
