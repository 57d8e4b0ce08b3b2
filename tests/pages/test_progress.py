from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.model import Job
from pages.parts.progress import figures

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
