"""Credits: each attribution says title, author, source and licence; nothing that strangers wrote becomes markup."""

from __future__ import annotations

import csv
import json
import re
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from core.__main__ import main
from core.credits import COLUMNS, allows, attribution, attribution_html, file_name, rights, write
from core.credits.attribution import words
from core.errors import BadInput
from core.export import uncell
from core.model import Candidate, ImageRecord, Origin
from tests.db.conftest import facts

BARK = Candidate(
    "https://live.example.org/1.jpg", "oak", "openverse", "https://www.flickr.com/photos/sullivan/1", "Tree Bark Photo",
    "Tim Sullivan", "CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/",
)  # fmt: skip
NOTHING = Candidate("https://a.org/x.jpg", "oak", "ddgs")
HOSTILE = ['<img src=x onerror=alert(1)>', '"><script>alert(1)</script>', "[x](javascript:alert(1))", "a\u202eb", "x" * 10_000,
           "</li></ul><iframe>", "=HYPERLINK(1)", "a\nb\tc\x07", "' onmouseover='alert(1)", "\u05d0\u05d1"]  # fmt: skip
FETCHED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def origin(**more: str) -> Origin:
    given = {name: getattr(BARK, name) for name in Candidate.__slots__} | more
    return Origin(Candidate(**given), FETCHED)


def record(number: int, first: Candidate = BARK, format: str = "JPEG") -> ImageRecord:
    known = facts(str(number))
    known = type(known)(**{n: getattr(known, n) for n in known.__slots__} | {"format": format})
    return ImageRecord(number, known, first.url, first.label, first.label, "", "undecided", "", 0)


def rows(*candidates: Candidate) -> list:
    return [(record(i, each), (Origin(each, FETCHED),)) for i, each in enumerate(candidates, 1)]


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "credits.csv").open(newline="") as file:
        return list(csv.DictReader(file))


class Page(HTMLParser):
    """What a browser would make of it: every tag, every link, all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def page(folder: Path) -> Page:
    return Page((folder / "credits.html").read_text())


# one attribution ----------------------------------------------------------------------------------------------------


def test_an_attribution_names_title_author_licence_and_source() -> None:
    assert attribution([origin()]) == (
        '"Tree Bark Photo" by Tim Sullivan, CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0/), '
        "https://www.flickr.com/photos/sullivan/1"
    )


def test_its_html_says_the_same_and_links_the_licence_and_the_page() -> None:
    read = Page(attribution_html([origin()]))
    assert read.text == '"Tree Bark Photo" by Tim Sullivan, CC BY-SA 4.0, https://www.flickr.com/photos/sullivan/1'
    assert read.links == [BARK.licence_url, BARK.page]
    assert attribution_html([origin()]).count('rel="nofollow noopener"') == 2


def test_what_is_not_known_is_said() -> None:
    said = "Untitled picture by unknown author, licence unknown, https://a.org/x.jpg"
    assert attribution([Origin(NOTHING, None)]) == said
    assert Page(attribution_html([Origin(NOTHING, None)])).text == said
    assert attribution([Origin(Candidate("nonsense", "oak", "urls", creator=" \t "), None)]) == (
        "Untitled picture by unknown author, licence unknown, source unknown"
    )


def test_a_licence_s_own_address_is_known_where_the_source_names_none() -> None:
    assert "CC BY 2.0 (https://creativecommons.org/licenses/by/2.0/)," in attribution(
        [origin(licence="cc-by-2.0", licence_url="")]
    )
    assert "All rights reserved, https" in attribution([origin(licence="all rights reserved", licence_url="")])


def test_a_file_of_this_computer_is_named_without_the_folder_it_lies_in() -> None:
    said = attribution([Origin(Candidate("/home/me/oak/1.jpg", "oak", "folder", creator="Me", licence="CC0"), None)])
    assert (
        said == "Untitled picture by Me, CC0 1.0 (https://creativecommons.org/publicdomain/zero/1.0/), the file 1.jpg"
    )


def test_further_places_are_named_once_and_their_licence_where_it_differs() -> None:
    places = [
        origin(),
        origin(),
        origin(page="https://b.org/2"),
        origin(page="https://c.org/3", licence="CC0 1.0", licence_url=""),
    ]
    assert attribution(places).endswith(
        "sullivan/1; also at https://b.org/2; also at https://c.org/3, CC0 1.0"
        " (https://creativecommons.org/publicdomain/zero/1.0/)"
    )
    many = attribution([origin(page=f"https://b.org/{i}") for i in range(1000)])
    assert many.count("also at") == 5 and many.endswith("; and at 994 more")


@pytest.mark.parametrize("url", [
    "javascript:alert(1)", "JAVASCRIPT:alert(1)", " https://a.org", "data:text/html,x", "//a.org", "https://", "http://[", "file:///etc/passwd",
    "https://a.org/" + "x" * 10_000,
])  # fmt: skip
def test_what_is_no_address_of_the_web_is_never_linked(url: str) -> None:
    assert Page(attribution_html([origin(page=url, url=url, licence_url=url)])).links == [BARK.licence_url]
    assert attribution([origin(page=url, url=url, licence_url=url)]).endswith(f"({BARK.licence_url}), source unknown")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_from_the_web_stay_text(hostile: str) -> None:
    given = dict.fromkeys(("title", "creator", "licence", "label"), hostile)
    first = origin(**given, page=f"https://a.org/{hostile[:1500]}", licence_url=f"https://b.org/{hostile[:1500]}")
    read = Page(
        attribution_html([first, origin(page=f"https://c.org/{hostile}", url="https://c.org/", licence=hostile)])
    )
    assert set(read.tags) <= {"a", "bdi"} and read.attributes <= {"href", "rel"}
    assert all(link.startswith(("https://a.org/", "https://b.org/", "https://c.org/")) for link in read.links)
    plain = attribution([first])
    assert plain.isprintable() and "\u202e" not in read.text and len(plain) < 5000
    assert words(hostile)[:20] in read.text


def test_long_names_are_cut_and_control_characters_are_shown_as_such() -> None:
    assert words("x" * 10_000) == "x" * 199 + "…"
    assert words("a\u202eb\x07") == "a\ufffdb\ufffd"
    assert words(" two\n lines ") == "two lines"


# all of them --------------------------------------------------------------------------------------------------------


def test_the_table_has_a_row_for_each_picture(tmp_path: Path) -> None:
    done = write(rows(BARK, NOTHING), tmp_path / "new" / "folder", "trees")
    assert done == {
        "files": [str(tmp_path / "new" / "folder" / n) for n in ("credits.csv", "credits.html")],
        "images": 2,
        "left_out": 0,
    }
    bark, nothing = table(tmp_path / "new" / "folder")
    assert tuple(bark) == COLUMNS
    known = facts("1").sha256
    assert (bark["image"], bark["sha256"], bark["file"], bark["label"]) == ("1", known, f"{known}.jpg", "oak")
    assert (bark["title"], bark["creator"], bark["source"]) == ("Tree Bark Photo", "Tim Sullivan", "openverse")
    assert (bark["page"], bark["url"], bark["fetched"]) == (BARK.page, BARK.url, "2026-03-01T12:00:00+00:00")
    assert bark["attribution"] == attribution([Origin(BARK, None)])
    assert (nothing["licence"], nothing["licence_url"], nothing["page"]) == ("unknown", "", "")
    assert "unknown author, licence unknown" in nothing["attribution"]


@pytest.mark.parametrize(("format", "end"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp"), ("TIFF", ".tiff")])
def test_a_file_is_named_by_its_bytes_and_its_format(format: str, end: str) -> None:
    assert file_name(record(1, format=format)) == facts("1").sha256 + end


def test_the_page_groups_by_licence_and_says_how_many_are_unknown(tmp_path: Path) -> None:
    other = origin(licence="by", title="Another").candidate
    write(rows(NOTHING, BARK, other, NOTHING, BARK, BARK), tmp_path, "trees <&>")
    read = page(tmp_path)
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", (tmp_path / "credits.html").read_text())
    assert [Page(each).text.split(" ·")[0] for each in headings] == [
        "CC BY-SA 4.0 3 pictures", "CC BY 1 picture", "Licence unknown 2 pictures"]  # fmt: skip
    assert "Picture credits: trees <&>" in read.text
    assert "Where 6 pictures of this data set came from" in read.text
    assert f"Written on {datetime.now(UTC):%d %B %Y}" in read.text
    assert "2 of 6 have an unknown licence" in read.text
    assert read.tags["li"] == 6 + 3 and read.text.count("Tree Bark Photo") == 3
    assert f'id="{facts("2").sha256}"' in (tmp_path / "credits.html").read_text()


def test_the_page_stands_alone_and_runs_nothing(tmp_path: Path) -> None:
    write(
        rows(
            *(origin(**dict.fromkeys(("title", "creator", "licence", "label", "page"), h)).candidate for h in HOSTILE)
        ),
        tmp_path,
        HOSTILE[1],
    )
    read = page(tmp_path)
    assert not {"script", "img", "iframe", "link", "object", "form"} & set(read.tags)
    assert not {name for name in read.attributes if name.startswith("on") or name in ("src", "style")}
    assert all(link.startswith(("https://", "#licence-")) for link in read.links)
    assert read.tags["li"] == 2 * len(HOSTILE) and "\u202e" not in read.text
    assert "default-src 'none'" in (tmp_path / "credits.html").read_text()


def test_formulas_in_the_table_are_defused_and_come_back(tmp_path: Path) -> None:
    write(rows(origin(title="=1+1", creator="@SUM(1)", url="-x").candidate), tmp_path, "trees")
    (row,) = table(tmp_path)
    assert (row["title"], row["creator"], row["url"]) == ("'=1+1", "'@SUM(1)", "'-x")
    assert uncell(row["title"]) == "=1+1"


@pytest.mark.parametrize(("wanted", "images"), [("", 5), ("known", 4), ("open", 3), ("commercial", 2), ("public", 1)])
def test_a_licence_filter_leaves_out_the_others_and_says_how_many(tmp_path: Path, wanted: str, images: int) -> None:
    licences = ("CC0 1.0", "CC BY 4.0", "CC BY-NC 2.0", "All rights reserved", "unknown")
    done = write(rows(*(origin(licence=each).candidate for each in licences)), tmp_path, "trees", wanted)
    assert (done["images"], done["left_out"]) == (images, 5 - images)
    assert [row["licence"] for row in table(tmp_path)] == list(licences[:images])
    assert (f"{5 - images} picture" in page(tmp_path).text) == bool(wanted)


def test_an_unknown_filter_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'free' is no licence filter: wanted one of known, open"):
        write(rows(BARK), tmp_path, "trees", "free")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written to '.*file'"):
        write(rows(BARK), tmp_path / "file", "trees")


def test_what_breaks_off_leaves_the_files_there_were(tmp_path: Path) -> None:
    write(rows(BARK), tmp_path, "trees")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken() -> Iterator:
        yield from rows(NOTHING)
        raise OSError(28, "No space left on device")

    with pytest.raises(BadInput, match="No space left"):
        write(broken(), tmp_path, "trees")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_no_pictures_make_a_table_and_a_page_that_say_so(tmp_path: Path) -> None:
    assert write([], tmp_path, "trees")["images"] == 0
    assert table(tmp_path) == [] and "0 pictures" in page(tmp_path).text


def test_thousands_of_licences_share_a_heading_at_last(tmp_path: Path) -> None:
    write(rows(*(origin(licence=f"House rules {i}").candidate for i in range(1100))), tmp_path, "trees")
    read = page(tmp_path)
    assert "Other licences 100 pictures" in read.text and read.tags["h2"] == 1001


def test_memory_does_not_grow_with_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.credits.page.WAITING", 20_000)

    def many(number: int) -> Iterator:
        for i in range(number):
            first = origin(title=f"{i} " + "x" * 150, licence=f"House rules {i % 20}")
            yield record(i, first.candidate), (first,)

    peaks = []
    for number in (200, 4000):
        tracemalloc.start()
        write(many(number), tmp_path, "trees")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert page(tmp_path).tags["li"] == 4000 + 20
    assert peaks[1] - peaks[0] < 1_500_000 < (tmp_path / "credits.html").stat().st_size


# what may be done ---------------------------------------------------------------------------------------------------


def test_rights_are_counted_by_what_each_licence_allows() -> None:
    counts = {"CC BY 4.0": 5, "cc-by-nc-2.0": 3, "CC0 1.0": 2, "unknown": 7, "": 1, "All rights reserved": 4}
    assert rights(counts) == {"all": 22, "open": 10, "unknown": 8, "noncommercial": 3, "other": 4}


@pytest.mark.parametrize(("licence", "said"), [
    ("CC0 1.0", "may be used for anything"), ("CC BY-SA 4.0", "may be copied and altered with credit"),
    ("CC BY-ND 2.0", "may be copied unaltered with credit"), ("CC BY-NC-ND 2.0", "may be copied unaltered with credit, not to earn money"),
    ("All rights reserved", "no open licence: ask the author, or read its terms"), ("unknown", "nobody said: ask the author"),
])  # fmt: skip
def test_what_a_licence_allows_is_said_in_a_few_words(licence: str, said: str) -> None:
    assert allows(licence) == said


# the command line ---------------------------------------------------------------------------------------------------


def told(capsys: pytest.CaptureFixture[str], *given: object) -> tuple[int | str | None, str]:
    try:
        code = main([*map(str, given)])
    except SystemExit as left:
        code = left.code
    said = capsys.readouterr()
    return code, said.out or said.err


def test_the_command_writes_the_credits_of_what_is_kept(store, tmp_path: Path, capsys) -> None:
    project = store.add_project("trees", ["oak"])
    store.submit("scrape", {}, project.id)
    _, by = store.claim("here", 60)
    store.add_candidates(by, project.id, 0, [BARK, NOTHING])
    store.add_fetched(by, project.id, [(BARK.url, facts("1"), ""), (NOTHING.url, facts("2"), "")])
    words = ("export", "--project", "trees", "--to", tmp_path / "out", "--format", "credits", "--json")
    code, out = told(capsys, *words)
    assert code == 0 and json.loads(out)["images"] == 2
    code, out = told(capsys, *words, "--licence", "open")
    files = [str(tmp_path / "out" / name) for name in ("credits.csv", "credits.html")]
    assert code == 0 and json.loads(out) == {"files": files, "images": 1, "left_out": 1}
    assert [row["title"] for row in table(tmp_path / "out")] == ["Tree Bark Photo"]


@pytest.mark.parametrize(("given", "said"), [
    (("--to", "d", "--format", "docx"), "invalid choice: 'docx'"),
    (("--format", "credits"), "--to"),
    (("--to", "d", "--format", "credits", "--licence", "free"), "invalid choice: 'free'"),
    (("--to", "d", "--format", "credits"), "There is no project named 'p'"),
])  # fmt: skip
def test_what_cannot_be_exported_is_a_sentence(home: Path, capsys, given: tuple, said: str) -> None:
    code, err = told(capsys, "export", "--project", "p", *given)
    assert code == 2 and said in err
