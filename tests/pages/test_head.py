from __future__ import annotations

from dataclasses import replace

import pytest

from core.model import Funnel
from pages.parts import head
from pages.parts.head import Standing, aside, cells, next_action

NOTHING = Standing(Funnel(0, 0, 0, 0, 0, 0, 0))
FETCHED = Standing(Funnel(found=10, fetched=9, unique=8, kept=8, split=0, undecided=8, failed=1))
CLEANED = replace(FETCHED, cleaned=True)
REVIEWED = replace(CLEANED, decided=True, funnel=replace(FETCHED.funnel, kept=7, undecided=2))
BEGUN = replace(REVIEWED, rest="About 3 bad pictures are left.")
SPLIT = replace(REVIEWED, split=True, funnel=replace(REVIEWED.funnel, split=7))
TRAINED = replace(SPLIT, trained=True)
EVALUATED = replace(TRAINED, evaluated=True)


@pytest.mark.parametrize(("standing", "page"), [
    (NOTHING, "scrape"), (FETCHED, "clean"), (CLEANED, "review"), (BEGUN, "review"), (REVIEWED, "split"),
    (replace(BEGUN, split=True), "train"), (SPLIT, "train"),
    (TRAINED, "evaluate"), (EVALUATED, "predict"),
])  # fmt: skip
def test_the_next_action_follows_the_order_of_the_work(standing: Standing, page: str) -> None:
    assert next_action(standing).page == page


@pytest.mark.parametrize(
    ("verb", "page"),
    [("scrape", "scrape"), ("train", "train"), ("demo", "scrape"), ("export", "export"), ("backup", "jobs")],
)
def test_while_a_job_runs_the_next_action_is_to_watch_it(verb: str, page: str) -> None:
    for standing in (NOTHING, FETCHED, EVALUATED):
        action = next_action(replace(standing, busy=verb))
        assert (action.page, action.label) == (page, "Watch it run")


def test_a_search_that_brought_nothing_is_told_apart_from_none_at_all() -> None:
    tried = Standing(Funnel(found=5, fetched=0, unique=0, kept=0, split=0, undecided=0, failed=5))
    assert next_action(tried).page == next_action(NOTHING).page == "scrape"
    assert next_action(tried).why != next_action(NOTHING).why


def test_pictures_fetched_after_the_clean_are_to_be_cleaned_before_anything_else() -> None:
    assert next_action(replace(EVALUATED, cleaned=False)).page == "clean"


def test_a_split_that_the_review_left_behind_is_made_again_before_training_and_spoken_of_after_it() -> None:
    outdated = replace(SPLIT.funnel, outdated=3)
    assert next_action(replace(SPLIT, funnel=outdated)).page == "split"
    assert next_action(replace(EVALUATED, funnel=outdated)).page == "predict"
    assert "3 pictures of the split were rejected, given another class or cropped otherwise since" in aside(outdated)
    assert "1 picture of the split was rejected" in aside(replace(outdated, outdated=1))


def test_each_cell_of_the_funnel_is_a_share_of_what_was_found() -> None:
    shown = cells(SPLIT.funnel)
    assert [(name, number) for name, number, _, _ in shown] == [
        ("found", 10), ("fetched", 9), ("unique", 8), ("kept", 7), ("in the split", 7)]  # fmt: skip
    assert [share for _, _, share, _ in shown] == [100, 90, 80, 70, 70]
    assert [share for _, _, share, _ in cells(NOTHING.funnel)] == [0] * 5


def test_the_undecided_are_named_and_said_to_count_as_kept() -> None:
    assert "2 of 8 undecided: they count as kept" in aside(REVIEWED.funnel)
    assert "1 could not be fetched" in aside(REVIEWED.funnel)
    assert aside(replace(REVIEWED.funnel, undecided=0)).startswith("Every picture was decided on")
    assert aside(NOTHING.funnel) == ""


def test_one_undecided_picture_is_spoken_of_as_one() -> None:
    assert "1 of 8 undecided: it counts as kept until somebody rejects it" in aside(
        replace(REVIEWED.funnel, undecided=1)
    )


def test_while_numbers_move_the_sentence_below_them_keeps_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(head.st, "html", drawn.append)
    head.strip(REVIEWED.funnel)
    head.strip(REVIEWED.funnel, moving=True)
    assert ['class="aside moving"' in each for each in drawn] == [False, True]
