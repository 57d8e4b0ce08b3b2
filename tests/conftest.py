"""What every test stands on: a clean environment, a home of its own, the real images where they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CI = os.environ.get("CI", "").lower() in ("1", "true")
TEST_DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve()

SHOTS = os.environ.get("WINNOW_SHOTS", "")


def pytest_configure(config: pytest.Config) -> None:
    """The settings of whoever starts the tests are not the tests'. `test_data` read its own above."""
    for key in [key for key in os.environ if key.startswith("WINNOW_")]:
        del os.environ[key]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow tests run in CI, and where they are asked for: by `-m`, or by their own name."""
    if CI or "slow" in config.option.markexpr or any("::" in arg for arg in config.args):
        return
    skip = pytest.mark.skip(reason="It is slow: give -m slow, or set CI=1.")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """In CI everything is there, so what skips there fails."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI nothing may be: {call.excinfo and call.excinfo.value}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty WINNOW_HOME; the test runs in a folder without an .env, and as if on a machine where nothing else trains."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("WINNOW_HOME", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return folder


@pytest.fixture
def store(home: Path) -> Iterator:
    """The Store of an empty database in `home`."""
    from db import open_store

    opened = open_store(f"sqlite:///{home / 'winnow.db'}")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def shots() -> str:
    """The folder in which tests/browser/test_screens.py keeps pictures of the screens (WINNOW_SHOTS); "" = none."""
    return SHOTS


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder with data/ and weights/ (WINNOW_TEST_DATA, default ../shared), read in place."""
    if not (TEST_DATA / "data").is_dir():
        pytest.skip(f"There are no real images: WINNOW_TEST_DATA={str(TEST_DATA)!r} has no folder data.")
    return TEST_DATA
