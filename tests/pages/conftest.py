"""Pages as Streamlit runs them, without a browser: the shell, then `switch_page`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import jobs
from core.model import Project
from db.store import Store
from tests.pages import filled

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list:
    """Whoever asks for a worker is noted and gets none: these tests look at the job's row, tests/core/jobs runs it."""
    asked: list = []
    monkeypatch.setattr(jobs, "ensure_worker", lambda settings: asked.append(settings) or False)
    return asked


@pytest.fixture
def screen(home: Path, workers: list) -> Iterator[Callable[..., AppTest]]:
    """`screen("scrape", project="cars")`: that page, run once."""

    def show(page: str, **query: str) -> AppTest:
        shell = AppTest.from_file(str(ROOT / "pages" / "parts" / "shell.py"), default_timeout=30)
        shell.query_params.update(query)
        if page != "project":
            shell.switch_page(f"../{page}.py")
        return shell.run()

    yield show
    st.cache_resource.clear()  # the app keeps its database open as long as it runs, and these tests are one process


@pytest.fixture
def project(store: Store, home: Path) -> Project:
    """One whose pictures are there and split."""
    made = filled.scraped(store, home)
    filled.split(store, made)
    return made


def fine(shown: AppTest) -> str:
    """All that the page says, as Markdown, once it is seen that nothing went wrong."""
    assert not shown.exception, shown.exception[0].value
    assert not shown.error, shown.error[0].value
    return words(shown)


def plain(shown: AppTest) -> str:
    """The same as a person reads it."""
    return fine(shown).replace("\\", "")


def button(shown: AppTest, label: str):
    return next(each for each in shown.button if each.label == label)


def opened(shown: AppTest, key: str) -> AppTest:
    """After a press on what opens."""
    shown.session_state[key] = True
    return shown.run()


def words(shown: AppTest) -> str:
    """All that the page says, as Markdown."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning", "error", "success")
    return "\n".join(element.value for kind in kinds for element in getattr(shown, kind))
