"""The review grid in Chromium, as found and in the learned order, against a naive page of st.image and checkboxes, taking
turns in one run.

    python tests/bench/grid.py [--pictures 10000] [--rounds 8] [--json]

Measured from the key to the paint: the commit key until the next 100 pictures are on the screen, after a look at the page
and at once after the commit before; a toggle until its mark is. All pages show the same thumbnails of the same database and
store 100 decisions for each commit. In the learned order, with made-up vectors of 1,280 numbers, a fifth of the pictures bad,
the next page is chosen anew by what is marked on this one: also how long that takes, from the last mark until its pictures
are decoded. Then: six commits 60 ms apart, and a server killed and
started again under an idle tab: what is stored, how often.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

NAIVE = """
import sys, uuid
import streamlit as st
sys.path.insert(0, {root!r})
from core.blobs import Blobs
from core.model import Decision, Operation
from db import open_store
from db.store.queue import Filter

st.set_page_config(layout="wide")
store = st.cache_resource(open_store)("sqlite:///" + {home!r} + "/winnow.db")
blobs = st.cache_resource(Blobs)({home!r})
project = store.project("naive")
tiles, after = store.queue(project.id, Filter(verdict="undecided"), None, 100)
page = st.session_state.setdefault("page", 0)

def commit():
    decisions = [Decision(t.image, "reject" if st.session_state.get(f"x{{t.image}}") else "keep", version=t.version) for t in tiles]
    store.apply(project.id, Operation(str(uuid.uuid4()), "naive", tuple(decisions)))
    st.session_state["page"] += 1

st.button("Store", on_click=commit)
st.write("page", page, "rejected", sum(bool(st.session_state.get(f"x{{t.image}}")) for t in tiles))
for row in range(0, len(tiles), 10):
    for column, tile in zip(st.columns(10), tiles[row:row + 10]):
        column.image(blobs.thumb(tile.sha256))
        column.checkbox("reject", key=f"x{{tile.image}}")
"""

# Before anything else listens: the grid keeps its keys to itself.
LISTEN = "for (const type of ['keydown', 'pointerdown']) addEventListener(type, () => window.pressed?.(), true);"
# Arms a stopwatch: it starts with the next key or press and ends after the frame in which `done` holds.
WATCH = """(done) => {
  const holds = eval(done);
  const grid = document.querySelector('[data-testid=stBidiComponentIsolated]');
  const root = grid ? grid.shadowRoot : document;
  const images = () => [...root.querySelectorAll(grid ? '.page:not(.waiting) img' : '[data-testid=stImage] img')];
  const before = new Set(images().map((image) => image.src));
  window.result = new Promise((resolve, reject) => {
    window.pressed = () => {
      window.pressed = null;
      const start = performance.now();
      setTimeout(() => reject(new Error('nothing after a minute: ' + done)), 60000);
      const look = () => {
        if (holds({ root, images, before })) requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
        else requestAnimationFrame(look);
      };
      queueMicrotask(look);
    };
  });
}"""
NEXT_HUNDRED = """({ images, before }) => { const now = images(); return now.length === 100
  && now.every((image) => !before.has(image.src) && image.complete && image.naturalWidth > 0); }"""
MARKED = "({ root }) => root.querySelectorAll('.tile.rejected').length === 1"
COUNTED = "({ root }) => /rejected 1$/.test(root.querySelector('[data-testid=stMarkdown]').innerText.trim())"


def timed(page: Any, done: str, act: Any) -> float:
    """Milliseconds from the press to the paint; more than a minute is an error."""
    page.evaluate(WATCH, done)
    act()
    return page.evaluate("window.result")


def naive(home: Path, port: int) -> subprocess.Popen:
    script = home / "naive.py"
    script.write_text(NAIVE.format(root=str(ROOT), home=str(home)))
    process = subprocess.Popen([sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", "--server.headless=true",
                                "--server.headless=true", "--browser.gatherUsageStats=false"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1).read()
            return process
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the naive page did not start")


def turns(grids: dict[str, Any], other: Any, rounds: int) -> dict[str, float]:
    """Medians of all pages, taking turns."""
    found: dict[str, list[float]] = {}

    def noted(name: str, milliseconds: float) -> None:
        found.setdefault(name, []).append(milliseconds)

    for _ in range(rounds):
        for name, grid in grids.items():
            settle(grid)
            noted(f"{name} toggle", timed(grid, MARKED, partial(grid.keyboard.press, "x")))
            grid.keyboard.press("x")
            if name == "learned":  # all of it stays marked: of a page without a bad one comes one all at random
                noted("from a mark to the next page that knows of it", chosen_anew(grid))
            settle(grid)
            noted(name, timed(grid, NEXT_HUNDRED, partial(grid.keyboard.press, "Enter")))
            noted(f"{name} at once", timed(grid, NEXT_HUNDRED, partial(insist, grid, name == "learned")))
        box = other.get_by_test_id("stCheckbox").first
        noted("naive toggle", timed(other, COUNTED, box.click))
        other.wait_for_timeout(700)
        noted("naive", timed(other, NEXT_HUNDRED, other.get_by_role("button", name="Store").click))
        other.wait_for_timeout(700)
    return {name: round(statistics.median(values), 1) for name, values in found.items()}


CHOSEN = """([before, start]) => new Promise((resolve, reject) => {
  const list = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot.querySelector('.list');
  const look = () => {
    if (list.dataset.next && list.dataset.next !== before) resolve(performance.now() - start);
    else if (performance.now() - start > 60000) reject(new Error('the next page was not chosen anew'));
    else setTimeout(look, 5);
  };
  look();
})"""


def chosen_anew(grid: Any) -> float:
    """Milliseconds from a press that marks all of a likely page until the next page, chosen by that, lies ready."""
    settle(grid)
    grid.wait_for_timeout(1500)
    before = grid.locator(".list").get_attribute("data-next")
    start = grid.evaluate("performance.now()")
    grid.keyboard.press("a")
    return grid.evaluate(CHOSEN, [before, start])


def insist(grid: Any, marked: bool = False) -> None:
    """Enter until the page is taken: one that is not painted cannot be stored. `marked`: all of it first."""
    here = grid.locator(".place").text_content()
    if marked:
        grid.keyboard.press("a")
    while grid.locator(".place").text_content() == here:
        grid.keyboard.press("Enter")


def settle(grid: Any) -> None:
    """All stored, four pages ahead decoded: what a reviewer who looks at a page for a second has."""
    grid.wait_for_selector(".stored:text('all stored')", timeout=120_000)
    grid.wait_for_timeout(1500)


def burst(grid: Any, store: Any, project: Any) -> dict[str, int]:
    """Six commits 60 ms apart; how many pages were stored, and how many pictures more or less than once."""
    settle(grid)
    before = Counter(record.verdict for record in store.images(project.id))["keep"]
    pages = 0
    for _ in range(6):
        here = grid.locator(".list").get_attribute("data-painted")
        pressed = time.perf_counter()
        insist(grid)
        grid.wait_for_selector(f".list[data-painted='{int(here or 0) + 1}']")
        pages += 1
        time.sleep(max(0.0, 0.06 - (time.perf_counter() - pressed)))
    settle(grid)
    kept = [record for record in store.images(project.id) if record.verdict == "keep"]
    return {"pages": pages, "stored": len(kept) - before, "twice": sum(record.version > 1 for record in kept)}


def restarted(grid: Any, app: Any, store: Any, project: Any) -> int:
    """Decisions lost when the server is killed, a page is committed, and the server comes back. The tab stays idle."""
    settle(grid)
    before = Counter(record.verdict for record in store.images(project.id))["keep"]
    app.stop()
    timed(grid, NEXT_HUNDRED, lambda: grid.keyboard.press("Enter"))
    time.sleep(2)
    app.start()
    settle(grid)
    return 100 - (Counter(record.verdict for record in store.images(project.id))["keep"] - before)


def taught(store: Any, project: Any, known: Path) -> None:
    """Made-up vectors, a fifth of the pictures bad in one of two ways, and three pages of decisions to learn from."""
    import numpy as np

    from core import review
    from core.model import Reviewing
    from core.review.learner import learner
    from db.store.queue import Filter
    from tests.pages import filled
    from tests.pages.vectors import KINDS, kind

    store.set_reviewing(project.id, Reviewing(overlap=0))  # whoever reviews in the browser is a second person
    chance = np.random.default_rng(2)
    ids = [record.id for record in store.images(project.id)]
    places = chance.normal(size=(KINDS - 1, 1280))
    _, claim = filled.begin(store, project, "clean")
    for start in range(0, len(ids), 1000):
        rows = chance.normal(size=(1000, 1280))
        some = ids[start : start + 1000]
        store.add_embeddings(claim, project.id, "drawn", [
            (image, (places[kind(image)] + 2 * row if kind(image) < KINDS - 1 else row).astype("<f2").tobytes())
            for image, row in zip(some, rows, strict=False)
        ])  # fmt: skip
    store.finish(claim, "done", {"borders": {}, "embedder": "drawn"})
    learns, wanted = learner(store, project, known), Filter(verdict="undecided", order="mixed")
    for _ in range(3):
        tiles = review.next_page(store, learns, project, wanted, "ann", growing=False)
        rows = [{"image": t.image, "verdict": "reject" if kind(t.image) < KINDS - 1 else "keep"} for t in tiles]
        store.apply(project.id, review.decide(rows, "ann", project.classes)[0])


def main() -> None:
    import psutil
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, App, seed

    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pictures", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=8)
    arguments.add_argument("--json", action="store_true")
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # its worker ends a little later
        home = Path(folder)
        store, project = seed(home, wanted.pictures, name="grid", distinct=400)
        learning = seed(home, wanted.pictures, name="learned", distinct=400)
        taught(*learning, home / "cache" / "review")
        learning[0].close()
        projects = {"grid": project, "learned": learning[1]}
        seed(home, wanted.pictures, name="naive", distinct=400)[0].close()
        app = App(home).start()
        other = naive(home, app.port + 1)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                grids, memory = {}, {}
                for name, order in (("grid", "found"), ("learned", "mixed")):
                    grid = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
                    grid.add_init_script(LISTEN)
                    grid.goto(f"{app.url}/review?project={name}&order={order}")
                    grid.wait_for_selector(".list[data-painted='0']", timeout=240_000)
                    settle(grid)
                    memory[name] = psutil.Process(app.process.pid).memory_info().rss // 2**20
                    grids[name] = grid
                page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
                page.add_init_script(LISTEN)
                page.goto(f"http://localhost:{app.port + 1}")
                page.wait_for_function(
                    "document.querySelectorAll('[data-testid=stImage] img').length === 100", timeout=240_000
                )
                page.wait_for_timeout(2000)
                times = turns(grids, page, wanted.rounds)
                memory["after"] = psutil.Process(app.process.pid).memory_info().rss // 2**20
                page.goto("about:blank")
                result: dict[str, Any] = {"pictures": wanted.pictures, "ms": times, "server MB": memory}
                for name, grid in grids.items():
                    result[name] = {
                        "times_faster": round(times["naive"] / times[name], 1),
                        "toggle_frames": round(times[f"{name} toggle"] / (1000 / 60), 1),
                        "burst": burst(grid, store, projects[name]),
                        "lost_over_restart": restarted(grid, app, store, projects[name]),
                    }
                browser.close()
        finally:
            app.stop()
            other.send_signal(signal.SIGKILL)
            other.wait()
            store.close()
    print(json.dumps(result) if wanted.json else json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
