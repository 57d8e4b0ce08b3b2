"""The data-set card: sources, licences, opt-outs, the certificate, the leak, what was left out; nothing in it is markup."""

from __future__ import annotations

from core.errors import Permanent
from core.export import card
from core.export.chosen import Chosen
from core.export.markdown import plain, table
from core.model import Candidate, Decision, Operation
from core.review.certificate import certify
from tests.core.export.conftest import reject
from tests.pages import filled

HOSTILE = (
    "<img src=x onerror=alert(1)> [x](javascript:alert(1)) **b** `c` | $x$ https://evil.example www.evil.example\u202e"
)


def written(store, project) -> str:
    return card.text(store, card.counted(Chosen(store, project)), 0)


def test_it_counts_classes_by_part_sources_and_licences(store, project) -> None:
    said = written(store, project)
    assert "36 pictures (0.2 MB) of 3 classes, for image classification: 18 train, 14 validation, 4 test." in said
    assert "| red | 6 | 5 | 1 | 12 |" in said and "| folder | 36 |" in said
    assert "| CC BY 4.0 | 36 | may be copied and altered with credit |" in said and "nobody stated" not in said
    assert "**Leak: 0** pictures" in said and "lorry: only 3 pictures are kept." in said
    assert "There is no certificate" in said and "Nobody decided on 36 of the 36" in said


def test_it_says_what_leaks(store, home) -> None:
    project = filled.scraped(store, home)
    filled.split(store, project, leak=3)
    assert "**Leak: 3** pictures" in written(store, project) and "looks better than it is" in written(store, project)


def test_it_tells_what_was_rejected_and_why(store, project) -> None:
    first, second, *_ = [record.id for record in store.images(project.id)]
    reject(store, project, first)
    reject(store, project, second, "blurred")
    said = written(store, project)
    assert "- 2 rejected by a person" in said and "| interior | 1 |" in said and "| blurred | 1 |" in said


def test_it_tells_the_opt_outs(store, project) -> None:
    assert "No address was left alone" in written(store, project)
    _, claim = filled.begin(store, project, "scrape")
    found = [Candidate(f"https://a.example.org/{i}.jpg", "red", "urls") for i in range(5)]
    reasons = ("robots", "robots", "noai", "tdm reserved", "timeout")
    store.add_candidates(claim, project.id, 0, found)
    store.add_fetched(
        claim, project.id, [(one.url, Permanent(why, "no"), "") for one, why in zip(found, reasons, strict=True)]
    )
    said = written(store, project)
    assert "| robots | 2 |" in said and "| noai | 1 |" in said and "| tdm reserved | 1 |" in said
    assert "timeout" not in said


def test_it_carries_the_certificate(store, project) -> None:
    decided = tuple(Decision(record.id, "keep") for record in store.images(project.id))
    store.apply(project.id, Operation("all", "ann", decided))
    certify(store, project, HOSTILE[:40])
    said = written(store, project)
    assert "Every picture was looked at. Signed by" in said and "<img" not in said.replace("\\<img", "")


def test_what_strangers_wrote_is_text(store, home) -> None:
    project = store.add_project("trees", ("oak",))
    _, claim = filled.begin(store, project, "scrape")
    from core import pixels

    store.add_candidates(
        claim, project.id, 0, [Candidate("https://a.example.org/1.jpg", "oak", "urls", licence=HOSTILE[:90])]
    )
    store.add_fetched(claim, project.id, [("https://a.example.org/1.jpg", pixels.ingest(filled.jpeg(1))[0], "")])
    said = written(store, project)
    assert "\\<img src=x onerror=alert(1)\\> \\[x\\](javascript:alert(1)) \\*\\*b\\*\\*" in said


def test_nothing_of_a_hostile_name_is_markup() -> None:
    said = plain(HOSTILE)
    assert "\u202e" not in said and "https://" not in said and "www.evil" not in said
    for sign in "<[*`|$":
        assert f"\\{sign}" in said and sign not in said.replace(f"\\{sign}", "")
    assert plain("vgg100_bn 75%") == "vgg100_bn 75%" and plain("_x_") == "\\_x\\_"


def test_columns_of_numbers_stand_to_the_right() -> None:
    assert (
        table(["class", "n", "why"], [("911", "1", "no"), ("b", "20", "yes")]).splitlines()[1] == "| --- | ---: | --- |"
    )
