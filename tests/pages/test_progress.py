from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.model import Job
from pages.parts.progress import figures, lines, name, size

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
JOB = Job(
    1,
    1,
    "scrape",
    {},
    "running",
    1,
    1,
    False,
    100,
    400,
    "",
    "",
    {},
    NOW,
    NOW,
    None,
    NOW + timedelta(seconds=10),
    1,
    "cpu",
)


def test_a_running_job_shows_how_far_how_fast_and_how_long() -> None:
    assert figures(JOB) == "100 of 400 · 10/s, 30 s left"


def test_a_total_that_is_not_known_leaves_the_time_out() -> None:
    assert figures(replace(JOB, total=None)) == "100 · 10/s"


def test_a_job_that_waits_or_has_just_begun_says_so() -> None:
    assert figures(replace(JOB, status="queued")) == "waiting for its turn"
    assert figures(replace(JOB, done=0, total=None)) == "starting"


def test_a_job_in_stages_says_which_one_it_is_at_and_measures_its_pace_from_there() -> None:
    stage = {"stage": {"number": 2, "of": ["a", "b", "c"], "began": (NOW + timedelta(seconds=5)).timestamp()}}
    job = replace(JOB, verb="clean", result=stage, note="describing the pictures", fence=3)
    assert figures(job) == "100 of 400 · 20/s, 15 s left"
    assert lines(job) == ["step 2 of 3: describing the pictures"]
    assert figures(replace(job, done=0, total=None)) == "at work"


NOW_DETAIL = {
    "found": 400, "fetched": 80, "duplicate": 10, "failed": 10, "images_per_second": 9.0, "bytes_per_second": 71_400,
    "sources": {"openverse": {"fetched": 80, "duplicate": 10, "failed": 10, "pending": 300}},
}  # fmt: skip
SCRAPE = replace(JOB, result=NOW_DETAIL, note="80 new, 10 already there, 10 failed")


def test_a_scrape_tells_each_of_its_speeds_once_and_counts_failures_into_the_time_left() -> None:
    assert figures(SCRAPE) == "100 of 400 addresses"
    assert lines(SCRAPE) == ["9.0 pictures a second · 71 KB/s · about 30 s left", SCRAPE.note]


def test_a_search_does_not_promise_that_it_found_all() -> None:
    assert figures(replace(SCRAPE, params={"source": "openverse,commons"})) == "100 of 400 addresses found so far"


def test_the_time_left_is_not_guessed_where_nothing_comes_or_the_end_is_not_known() -> None:
    said = "0.0 pictures a second · 71 KB/s"
    assert lines(replace(SCRAPE, result={**NOW_DETAIL, "images_per_second": 0.0}))[0] == said
    assert figures(replace(SCRAPE, total=None)) == "100 · 10/s"
    assert lines(replace(SCRAPE, total=None))[0] == "9.0 pictures a second · 71 KB/s"
    assert lines(replace(SCRAPE, done=400))[0] == "9.0 pictures a second · 71 KB/s"


def test_while_nothing_came_no_speed_is_told() -> None:
    nothing = {"found": 0, "fetched": 0, "duplicate": 0, "failed": 0, "images_per_second": 0.0, "bytes_per_second": 0, "sources": {}}  # fmt: skip
    begins = replace(SCRAPE, done=0, total=0, note="asking Openverse for 'suv'", result=nothing)
    assert figures(begins) == "starting" and lines(begins) == ["no picture yet", "asking Openverse for 'suv'"]


def test_speeds_that_do_not_hold_any_longer_are_not_shown() -> None:
    assert lines(replace(SCRAPE, status="queued")) == [SCRAPE.note]
    over = {"demo": {"fetched": 390, "duplicate": 0, "failed": 10, "pending": 0}}
    cleans = replace(SCRAPE, verb="demo", note="comparing", result={**NOW_DETAIL, "sources": over})
    assert lines(cleans) == ["comparing"] and figures(cleans) == "100 of 400 · 10/s, 30 s left"


def test_a_job_is_named_as_its_page_or_button_is() -> None:
    assert [name(verb) for verb in ("scrape", "preview", "unheard of")] == ["Scrape", "Look at 12 first", "unheard of"]
    assert [size(340_000), size(1_240_000)] == ["340 KB", "1.2 MB"]


def test_the_speed_of_a_training_is_not_taken_for_that_of_downloads() -> None:
    job = replace(JOB, verb="train", result={"run": 1, "images_per_second": 400.0}, note="epoch 3 of at most 40")
    assert figures(job) == "100 of 400 · 10/s, 30 s left"
    assert lines(job) == ["epoch 3 of at most 40"]
