"""What a source with labels of its own brings: labels, classes, and addresses that are none."""

import csv

import pytest

from core import settings
from core.errors import BadInput
from core.licences import FILTERS
from core.model import Candidate
from core.scrape import choose, labelled
from core.sources.options import Options


def rows(tmp_path, *lines):
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("url", "label", "page"), *lines])
    return Options(table=str(path), page_column="page")


def candidates(source, classes, options, add_classes=False, roots=(), **more):
    found = choose([source], options, settings.load(), (), {}, {})
    return labelled(found.rows, classes, add_classes, roots=roots, **more)


def test_labels_outside_the_classes_are_counted_as_unknown(tmp_path):
    options = rows(tmp_path, ("http://h/1.jpg", "suv", ""), ("http://h/2.jpg", "tank", ""), ("http://h/3.jpg", "", ""))
    found = list(candidates("urls", ["suv"], options))
    assert [(c.label, c.error) for c in found] == [("suv", ""), ("tank", "unknown class"), ("", "no label")]


def test_case_spaces_and_unicode_form_of_a_label_do_not_matter(tmp_path):
    options = rows(tmp_path, ("http://h/1.jpg", " CAFE\u0301   racer ", ""), ("http://h/2.jpg", "café racer", ""))
    assert {(c.label, c.error) for c in candidates("urls", ["Café Racer"], options)} == {("Café Racer", "")}


def test_add_classes_takes_new_labels_once_and_refuses_those_no_class_can_have(tmp_path):
    labels = ["suv", "Tank", "tank", "../../x", "<img src=x onerror=alert(1)>", "a\u202eb", "x" * 200]
    options = rows(tmp_path, *((f"http://h/{n}.jpg", label, "") for n, label in enumerate(labels)))
    found = list(candidates("urls", ["suv"], options, add_classes=True))
    assert [c.label for c in found if not c.error] == ["suv", "Tank", "Tank"]
    assert [c.error for c in found[3:]] == ["unknown class"] * 4


def test_addresses_that_are_none_are_counted_before_anything_is_fetched(tmp_path):
    urls = ["not an address", "http://", "ftp://h/x.jpg", "javascript:alert(1)", "http://u:p@h/x.jpg", "http://127.1/x.jpg",
            "/etc/passwd", "http://h/good.jpg"]  # fmt: skip
    found = list(candidates("urls", ["suv"], rows(tmp_path, *((url, "suv", "") for url in urls))))
    assert [c.error for c in found] == ["malformed url"] * 2 + ["forbidden address"] * 4 + ["malformed url", ""]


def test_a_path_passes_only_under_a_folder_that_the_user_named(tmp_path):
    found = [Candidate(url, "suv", "urls") for url in ("/pictures/1.jpg", "/pictures2/1.jpg", "/etc/passwd")]
    errors = [c.error for c in labelled(found, ["suv"], roots=["/pictures"])]
    assert errors == ["", "malformed url", "malformed url"]


def test_what_others_wrote_is_made_fit_for_a_database_and_a_link():
    (found,) = labelled([Candidate(
        "http://h/1.jpg", "suv", "openverse", "javascript:alert(1)", "a\x00b\ud800" + "x" * 20_000, "<script>", "by\x00",
        "data:text/html,x",
    )], ["suv"])  # fmt: skip
    assert (found.page, found.licence_url, found.creator) == ("", "", "<script>")
    assert len(found.title) == 1000 and "\x00" not in found.title + found.licence
    assert (found.title + found.licence).encode()


@pytest.mark.parametrize("wanted", FILTERS)
def test_a_licence_that_does_not_pass_is_a_failure_that_says_so(wanted):
    found = [Candidate(f"http://h/{n}", "suv", "urls", licence=name) for n, name in enumerate(("CC0 1.0", "unknown"))]
    assert [c.error for c in labelled(found, ["suv"], licence=wanted)] == ["", "licence"]
    assert [c.error for c in labelled(found, ["suv"])] == ["", ""]


def test_an_unknown_source_and_a_missing_option_are_named():
    with pytest.raises(BadInput, match="'bing'.*openverse.*demo"):
        choose(["bing"], Options(), settings.load(), (), {}, {})
    with pytest.raises(BadInput, match="--path"):
        choose(["folder"], Options(), settings.load(), (), {}, {})
    with pytest.raises(BadInput, match="--table"):
        choose(["urls"], Options(), settings.load(), (), {}, {})
    with pytest.raises(BadInput, match="folder, urls was given"):
        choose(["folder", "urls"], Options(path="x", table="y"), settings.load(), (), {}, {})


def test_asking_again_gives_the_same_candidates(tmp_path):
    for n in range(20):
        (tmp_path / f"c{n % 3}").mkdir(exist_ok=True)
        (tmp_path / f"c{n % 3}" / f"{n}.jpg").write_bytes(b"x")
    options = Options(path=str(tmp_path))
    ask = [list(candidates("folder", ["c0", "c1", "c2"], options, roots=[str(tmp_path)])) for _ in range(2)]
    assert ask[0] == ask[1] and len(ask[0]) == 20
    assert {c.error for c in ask[0]} == {""}


def test_a_class_that_someone_adds_meanwhile_in_other_letters_takes_the_pictures(store, tmp_path):
    from core import steps
    from core.scrape import Tally
    from core.scrape import rows as stored

    project = store.add_project("cars", ["suv"])
    options = rows(tmp_path, ("http://h/1.jpg", "Tank", ""), ("http://h/2.jpg", "tank", ""))
    store.submit("scrape", {}, project.id)
    job, claim = store.claim("here", 60)
    store.add_classes(project.id, ["tank"])  # the job began without it
    ctx = steps.Context(store, None, None, None, job, claim, project)  # type: ignore[arg-type]
    found = candidates("urls", project.classes, options, add_classes=True)
    assert list(stored(ctx, found, True, Tally({}))) == [True]
    assert {c.label for _, c in store.pending(job.id)} == {"tank"}
    assert store.project("cars").classes == ("suv", "tank")
