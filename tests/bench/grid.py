"""The review grid in Chromium against a naive page of st.image and checkboxes, taking turns in one run.

    python tests/bench/grid.py [--pictures 10000] [--rounds 8] [--json]

Measured from the key to the paint: the commit key until the next 100 pictures are on the screen, a toggle until its
mark is. Both pages show the same thumbnails of the same database and store the same 100 decisions for each commit.
Then: six commits 60 ms apart, and a server killed and started again under an idle tab: what is stored, how often.
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


def turns(grid: Any, other: Any, rounds: int) -> dict[str, Any]:
    """Medians of both pages, taking turns."""
    found: dict[str, list[float]] = {"grid": [], "naive": [], "toggle": [], "naive toggle": []}
    for _ in range(rounds):
        settle(grid)
        found["toggle"].append(timed(grid, MARKED, lambda: grid.keyboard.press("x")))
        grid.keyboard.press("x")
        settle(grid)
        found["grid"].append(timed(grid, NEXT_HUNDRED, lambda: grid.keyboard.press("Enter")))
        box = other.get_by_test_id("stCheckbox").first
        found["naive toggle"].append(timed(other, COUNTED, box.click))
        other.wait_for_timeout(700)
        found["naive"].append(timed(other, NEXT_HUNDRED, other.get_by_role("button", name="Store").click))
        other.wait_for_timeout(700)
    return {name: round(statistics.median(values), 1) for name, values in found.items()}


def settle(grid: Any) -> None:
    """All stored, four pages ahead decoded: what a reviewer who looks at a page for a second has."""
    grid.wait_for_selector(".stored:text('all stored')", timeout=30_000)
    grid.wait_for_timeout(1500)


def burst(grid: Any, store: Any, project: Any) -> dict[str, int]:
    """Six commits 60 ms apart; how many pages were stored, and how many pictures more or less than once."""
    settle(grid)
    before = Counter(record.verdict for record in store.images(project.id))["keep"]
    pages = 0
    for _ in range(6):
        here = grid.locator(".list").get_attribute("data-painted")
        pressed = time.perf_counter()
        while grid.locator(".place").text_content() == f"Page {int(here or 0) + 1}":
            grid.keyboard.press("Enter")
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


def main() -> None:
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, App, seed

    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pictures", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=8)
    arguments.add_argument("--json", action="store_true")
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store, project = seed(home, wanted.pictures, name="grid", distinct=400)
        seed(home, wanted.pictures, name="naive", distinct=400)[0].close()
        app = App(home).start()
        other = naive(home, app.port + 1)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                grid, page = (browser.new_context(viewport={"width": 1280, "height": 900}).new_page() for _ in range(2))
                for one in (grid, page):
                    one.add_init_script(LISTEN)
                grid.goto(f"{app.url}/review?project=grid&order=found")
                grid.wait_for_selector(".list[data-painted='0']", timeout=60_000)
                page.goto(f"http://localhost:{app.port + 1}")
                page.wait_for_function(
                    "document.querySelectorAll('[data-testid=stImage] img').length === 100", timeout=60_000
                )
                page.wait_for_timeout(2000)
                times = turns(grid, page, wanted.rounds)
                page.goto("about:blank")
                result = {
                    "pictures": wanted.pictures, "commit_ms": times["grid"], "naive_commit_ms": times["naive"],
                    "times_faster": round(times["naive"] / times["grid"], 1), "toggle_ms": times["toggle"],
                    "toggle_frames": round(times["toggle"] / (1000 / 60), 1), "naive_toggle_ms": times["naive toggle"],
                    "burst": burst(grid, store, project), "lost_over_restart": restarted(grid, app, store, project),
                }  # fmt: skip
                browser.close()
        finally:
            app.stop()
            other.send_signal(signal.SIGKILL)
            other.wait()
            store.close()
    print(
        f"commit to the next 100 painted: {result['commit_ms']} ms, naive {result['naive_commit_ms']} ms: "
        f"{result['times_faster']} times faster"
    )
    print(f"toggle: {result['toggle_ms']} ms = {result['toggle_frames']} frames; naive {result['naive_toggle_ms']} ms")
    print(f"six commits 60 ms apart: {result['burst']}; lost over a restart: {result['lost_over_restart']}")
    if wanted.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
