"""A real browser on a real app: a fresh home, `streamlit run app.py` on a free port, Debian's Chromium.

Other browser tests use the same fixtures: `home` (an empty home folder), `app(home)` (starts the app, returns an App
with .url, .stop(), .start()), `browser`, `page`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import pytest

from core.blobs import Blobs
from core.model import Candidate, Finding, ImageFacts, Project
from db import open_store
from db.store import Store
from tests.pages import filled

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class App:
    """The app as a process of its own, the way a user starts it."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings`: variables WINNOW_... that it starts with."""
        self.home, self.settings = home, settings or {}
        self.store = open_store(f"sqlite:///{home.absolute() / 'winnow.db'}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.process: subprocess.Popen | None = None

    def start(self) -> App:
        env = {k: v for k, v in os.environ.items() if not k.startswith("WINNOW_")} | {
            **self.settings,
            "WINNOW_HOME": str(self.home),
            "TMPDIR": str(self.home),  # a machine trains one model at a time: what else trains here is not waited for
            "STREAMLIT_SERVER_HEADLESS": "true",
        }
        with open(self.home / "app.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={self.port}"],
                cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        for _ in range(900):
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1).read()
                return self
            except (urllib.error.URLError, OSError):
                assert self.process.poll() is None, (self.home / "app.log").read_text()[-3000:]
                time.sleep(0.1)
        raise AssertionError("the app did not start within 90 s: " + (self.home / "app.log").read_text()[-3000:])

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def seed(
    home: Path,
    count: int,
    classes: tuple[str, ...] = ("sedan", "coupe", "suv"),
    name: str = "cars",
    size: int = 256,
    distinct: int = 0,
    **provenance: str,
) -> tuple[Store, Project]:
    """A project with `count` drawn pictures, stored the way a scrape stores them; every tenth has a finding.

    `distinct` > 0 draws only so many and uses them over and over, each time as an image of its own.
    """
    store = open_store(f"sqlite:///{home.absolute() / 'winnow.db'}")
    blobs = Blobs(str(home.absolute()))
    project = store.add_project(name, classes)
    _, claim = filled.begin(store, project, "scrape")
    candidates, results = [], []
    for i in range(count):
        data = draw(i % distinct if distinct else i, size)
        sha256 = hashlib.sha256(data + i.to_bytes(4, "big")).hexdigest()
        blobs.put(sha256, data, data)
        url = f"https://example.org/{i}.jpg"
        known = {"page": f"https://example.org/page/{i}", "creator": f"Ann {i}", "licence": "by", "title": f"Car {i}",
                 "licence_url": "https://creativecommons.org/licenses/by/4.0/"} | provenance  # fmt: skip
        candidates.append(Candidate(url, classes[i % len(classes)], "openverse", **known))
        results.append((url, ImageFacts(sha256, sha256, size, size * 3 // 4, "JPEG", len(data), (i,) * 8), ""))
    store.add_candidates(claim, project.id, 0, candidates)
    store.add_fetched(claim, project.id, results)
    ids = [record.id for record in store.images(project.id)]
    found = [Finding(i, "near_duplicate", 0.5 + n / (2 * count), "test") for n, i in enumerate(ids) if n % 10 == 9]
    store.replace_findings(claim, project.id, ["near_duplicate"], found)
    store.finish(claim, "done")
    return store, project


@lru_cache(None)
def draw(number: int, size: int = 256) -> bytes:
    """A JPEG that shows its number, wide or tall by turns."""
    import io

    from PIL import Image, ImageDraw

    shape = (size, size * 3 // 4) if number % 3 else (size * 2 // 3, size)
    image = Image.new("RGB", shape, f"hsl({number * 47 % 360}, 45%, {35 + number % 5 * 9}%)")
    pen = ImageDraw.Draw(image)
    for k in range(12):
        x, y = (number * (k + 3) * 29) % shape[0], (number * (k + 7) * 31) % shape[1]
        pen.ellipse(
            (x, y, x + 20 + 5 * k, y + 20 + 4 * k), outline=f"hsl({(number * 13 + k * 30) % 360}, 70%, 70%)", width=3
        )
    pen.text((12, 12), str(number), fill="white", font_size=size // 5)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def app() -> Iterator[Callable[..., App]]:
    running: list[App] = []

    def start(home: Path, settings: Mapping[str, str] | None = None) -> App:
        running.append(App(home, settings))
        return running[-1].start()

    yield start
    for one in running:
        one.stop()
        one.store.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One app for a whole file of tests, each with a project of its own; `app` is for those that stop it."""
    folder = tmp_path_factory.mktemp("running")
    one = App(folder).start()
    yield one
    one.stop()
    one.store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """One for each file, not one for all: while Playwright is there its event loop counts as running in this thread,
    and a test of another file that runs a loop of its own would fail."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)  # ms, for what a busy machine may take its time
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser) -> Iterator:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()
