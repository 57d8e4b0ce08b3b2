"""Rules before downloading: which rows of a large table are wanted."""

import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.model import Candidate
from core.sources import urls
from core.sources.options import Options
from core.subset import LeftOut, Rules, chosen, count_table, counts, distribution, left_out

ROOT = Path(__file__).parents[2]


def candidates(**rows):
    """`a=3`: three rows with the label a."""
    return [
        Candidate(f"http://h/{label}/{n}.jpg", label, "urls") for label, number in rows.items() for n in range(number)
    ]


def taken(found, rules):
    return Counter(c.label for c in chosen(found, rules, counts(found, rules)))


@pytest.mark.parametrize(("rules", "wanted"), [
    (Rules(), {"a": 1, "b": 5, "c": 9}), (Rules(min_images=5), {"b": 5, "c": 9}), (Rules(max_images=5), {"a": 1, "b": 5}),
    (Rules(min_images=2, max_images=8), {"b": 5}), (Rules(per_class=3), {"a": 1, "b": 3, "c": 3}),
    (Rules(labels=("C", " a ")), {"a": 1, "c": 9}), (Rules(labels=("x",)), {}),
    (Rules(min_images=2, per_class=4, labels=("a", "b")), {"b": 4}),
])  # fmt: skip
def test_rules_take_classes_by_their_size_and_name_and_some_rows_of_each(rules, wanted):
    found = candidates(a=1, b=5, c=9)
    assert taken(found, rules) == wanted
    said = left_out(rules, counts(found))
    assert said == LeftOut(15 - sum(wanted.values()), 3 - len(wanted))


@pytest.mark.parametrize("rules", [{"min_images": -1}, {"per_class": -5}, {"min_images": 9, "max_images": 3}])
def test_numbers_that_make_no_sense_are_refused(rules):
    with pytest.raises(BadInput, match="wanted"):
        Rules(**rules)


def test_what_cannot_be_used_passes_and_is_not_counted_under_a_class():
    broken = [Candidate("t.csv, row 1", "", "urls", error="malformed row"), Candidate("http://h/x.jpg", " ", "urls"),
              Candidate("t.csv, row 2", "a", "urls", error="malformed url")]  # fmt: skip
    found = [*broken, *candidates(a=2, b=1)]
    seen = counts(found)
    assert (seen.rows, seen.unusable) == ({"a": 2, "b": 1}, 3)
    rules = Rules(min_images=2, per_class=1)
    assert [c for c in chosen(found, rules, counts(found, rules)) if c in broken] == broken
    assert left_out(rules, seen) == LeftOut(2, 1)


def test_spellings_of_one_class_count_as_one():
    other = Candidate("http://h/1.jpg", "se\u0301dan", "urls")
    found = [*candidates(Sedan=2), *candidates(sedan=3), other]
    assert counts(found).rows == {"Sedan": 5, "se\u0301dan": 1}
    assert sum(taken(found, Rules(per_class=4)).values()) == 5


def test_the_same_rows_are_taken_each_time_and_in_whatever_order_they_come():
    found, rules = candidates(a=500, b=40), Rules(per_class=20)
    first = [c.url for c in chosen(found, rules, counts(found, rules))]
    assert first == [c.url for c in chosen(found, rules, counts(found, rules))]
    turned = found[::-1]
    assert set(first) == {c.url for c in chosen(turned, rules, counts(turned, rules))}
    other = Rules(per_class=20, seed=1)
    assert set(first) != {c.url for c in chosen(found, other, counts(found, other))}


def test_most_of_what_was_taken_is_taken_again_when_the_table_grows():
    small, large, rules = candidates(a=1000), candidates(a=1100), Rules(per_class=100)
    before, after = ({c.url for c in chosen(rows, rules, counts(rows, rules))} for rows in (small, large))
    assert len(before & after) > 80


def test_rows_are_drawn_from_the_whole_class_and_not_from_its_beginning():
    found, rules = candidates(a=10_000), Rules(per_class=1000)
    numbers = [int(c.url.split("/")[-1][:-4]) for c in chosen(found, rules, counts(found, rules))]
    in_tenths = Counter(n // 1000 for n in numbers)
    assert len(numbers) == 1000 and len(in_tenths) == 10
    assert all(60 < share < 140 for share in in_tenths.values())  # 100 expected; 4 standard deviations are 38


def test_rows_with_one_address_are_taken_up_to_the_number_too():
    found = [*candidates(a=3), *[Candidate("http://h/same.jpg", "a", "urls")] * 10]
    for most in range(1, 14):
        assert taken(found, Rules(per_class=most))["a"] == min(most, 13)


def test_no_more_numbers_are_kept_than_twice_those_that_are_wanted():
    seen = counts((c for _ in range(20) for c in candidates(a=1000)), Rules(per_class=50))
    assert len(seen.lots["a"]) < 200 and seen.rows == {"a": 20_000}


@given(
    st.lists(st.tuples(st.sampled_from("aAbc "), st.integers(0, 30))),
    st.integers(0, 6),
    st.integers(0, 12),
    st.integers(0, 12),
)
def test_what_is_said_to_be_left_out_is_left_out(rows, per_class, least, more):
    found = [Candidate(f"http://h/{number}", label, "urls") for label, number in rows]
    rules = Rules(least, least + more if more else 0, per_class)
    seen = counts(found, rules)
    result = list(chosen(found, rules, seen))
    said = left_out(rules, seen)
    assert len(found) - len(result) == said.rows
    classes = {c.label.casefold() for c in result if c.label.strip()}
    assert len(seen.rows) - len(classes) == said.classes


TABLE = """id,url,landmark_id
1,http://h/1.jpg,7
2,None,None
3,http://h/3.jpg,8,too many
4,,7
5,/etc/passwd,7
6,http://h/6.jpg,
7,http://h/7.jpg,7
8,http://h/8.jpg,"Oxford, Street"
9,http://h/9.jpg,"oxford,  street"
"""


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet"])
def test_a_table_is_counted_as_it_is_read(tmp_path, kind):
    path = tmp_path / f"t.{kind}"
    if kind == "csv":
        path.write_text(TABLE)
    elif kind == "tsv":
        path.write_text("url\tlandmark_id\nhttp://h/1.jpg\t7\nbroken\nhttp://h/2.jpg\t\n\t8\n")
    else:
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        pq.write_table(
            pa.table({"url": ["http://h/1.jpg", None, "None", "http://h/4.jpg"], "landmark_id": [7, 7, 8, None]}), path
        )
    options = Options(table=str(path), preset="landmarks-v1")
    seen = count_table(options)
    assert seen == counts(urls.read(options))
    assert (seen.rows, seen.unusable) == {
        "csv": ({"7": 2, "Oxford, Street": 2}, 5), "tsv": ({"7": 1}, 3), "parquet": ({"7": 1}, 3)}[kind]  # fmt: skip


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_counted_as_it_is_read(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(b"url,label\n" + text.encode())
    options = Options(table=str(path))
    assert count_table(options) == counts(urls.read(options))


def test_a_table_of_files_is_counted_as_it_is_read(tmp_path):
    (tmp_path / "1.jpg").write_bytes(b"x")
    (tmp_path / "t.csv").write_text("url,label\n1.jpg,a\n2.jpg,a\n../1.jpg,b\n")
    options = Options(table=str(tmp_path / "t.csv"), images=str(tmp_path))
    assert count_table(options) == counts(urls.read(options))
    assert count_table(options).rows == {"a": 1}


def test_a_distribution_has_both_ends_and_sizes_that_double():
    shown = distribution({"a": 1, "b": 3, "c": 2, "d": 8, "e": 8}, ends=2)
    assert shown.most == (("d", 8), ("e", 8))
    assert shown.least == (("a", 1), ("c", 2))
    assert shown.sizes == ((1, 1, 1), (2, 3, 2), (4, 7, 0), (8, 15, 2))


def test_a_distribution_of_nothing_is_empty():
    shown = distribution({})
    assert (shown.most, shown.least, shown.sizes) == ((), (), ())


MEASURE = """
import sys, time
from core.sources import urls
from core.sources.options import Options
from core.subset import Rules, chosen, count_table, counts, left_out

def most():  # kB; as the kernel has it, since this program began
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

options = Options(table=sys.argv[1], preset=sys.argv[2], attribution=sys.argv[3])
rules, start, said = Rules(min_images=5, per_class=50), most(), []
for name, work in (
    ("count_table", lambda: count_table(options)),
    ("counts", lambda: counts(urls.read(options), rules)),
    ("chosen", lambda: sum(1 for _ in chosen(urls.read(options), rules, said[1]))),
):
    began = time.monotonic()
    said.append(work())
    print(f"{name}: {time.monotonic() - began:.1f} s, {(most() - start) / 1024:.0f} MB above start", file=sys.stderr)
assert said[0].rows == said[1].rows
assert said[2] == said[0].rows.total() - left_out(rules, said[0]).rows + said[0].unusable
print(said[0].rows.total(), said[0].unusable, len(said[0].rows), (most() - start) // 1024)
"""


def measured(table, preset="landmarks-v1", attribution=""):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(MEASURE), str(table), preset, str(attribution)], cwd=ROOT,
                          capture_output=True, text=True, timeout=280)  # fmt: skip
    assert done.returncode == 0, done.stderr
    print("\n" + done.stderr, end="")
    return [int(word) for word in done.stdout.split()]


def landmarks(path, rows, labels):
    with path.open("w") as file:
        file.write("id,url,landmark_id\n")
        for n in range(rows):
            none = n % 400 == 0
            label = "None" if none else n * n % labels
            address = "None" if none else f"https://h.example/{n:07}/pictures.jpg"
            file.write(f"{n * 48271 % 4294967291:016x},{address},{label}\n")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("labels", [15_000, 200_003])
def test_a_table_of_a_million_rows_takes_little_memory(tmp_path, labels):
    rows, unusable, classes, megabytes = measured(landmarks(tmp_path / "train.csv", 1_200_000, labels))
    assert (rows, unusable) == (1_197_000, 3000) and classes > 1000
    assert megabytes < 150


@pytest.mark.slow
def test_whose_a_million_images_are_takes_little_memory(tmp_path):
    whose = tmp_path / "train_attribution.csv"
    with whose.open("w") as file:
        file.write("id,url,author,license,title\n")
        for n in reversed(range(1_200_000)):
            file.write(f"{n * 48271 % 4294967291:016x},https://commons.wikimedia.org/wiki/File:Picture_{n}.jpg,Author {n % 999},"
                       f"http://creativecommons.org/licenses/by-sa/3.0/,File:Picture {n}.jpg\n")  # fmt: skip
    table = landmarks(tmp_path / "train.csv", 1_200_000, 15_000)
    *_, megabytes = measured(table, "landmarks-v2", whose)
    assert megabytes < 150
