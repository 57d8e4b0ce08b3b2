"""The walls of the house: who may import whom. See the tree in README.md."""

from __future__ import annotations

import ast
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(p.relative_to(ROOT) for top in ("core", "db", "pages") for p in (ROOT / top).rglob("*.py"))
SOURCES.append(Path("app.py"))
NETWORK = {"aiohttp", "requests", "httpx", "urllib3", "urllib.request", "http.client", "ddgs"}


def imports(path: Path, at_import: bool = False) -> Iterator[str]:
    """The modules a file imports; type-only imports do not count. `at_import`: only those at the top of the file."""
    tree = ast.parse((ROOT / path).read_text())
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    for node in ast.iter_child_nodes(tree) if at_import else ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def uses(path: Path, *modules: str) -> set[str]:
    return {m for m in imports(path) for wanted in modules if m == wanted or m.startswith(f"{wanted}.")}


def inside(path: Path, *places: str) -> bool:
    return any(path.is_relative_to(place) for place in places)


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_imports_point_to_the_nouns(path: Path) -> None:
    if inside(path, "core") and not inside(path, "core/__main__.py", "core/cli"):
        assert not uses(path, "db", "pages", "core.cli"), "core knows neither db nor pages; only its cli knows db"
    if inside(path, "db"):
        assert not {m for m in uses(path, "core") if not m.startswith(("core.model", "core.errors")) and m != "core"}
        assert not uses(path, "pages")


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_each_library_has_one_door(path: Path) -> None:
    if not inside(path, "app.py", "pages"):
        assert not uses(path, "streamlit")
    if not inside(path, "db"):
        assert not uses(path, "sqlalchemy", "alembic")
    if path != Path("core/engine/ray.py"):
        assert not uses(path, "ray")
    if path != Path("core/detectors/yolo.py"):
        assert not uses(path, "ultralytics")
    if path != Path("core/sources/page/document.py"):
        assert not uses(path, "selectolax")
    if not inside(path, "core/web.py", "core/web"):
        assert not uses(path, *NETWORK)


def test_the_nouns_import_the_standard_library_only() -> None:
    assert {m.split(".")[0] for m in imports(Path("core/model.py"))} <= sys.stdlib_module_names


@pytest.mark.parametrize("path", [p for p in SOURCES if inside(p, "pages")], ids=str)
def test_a_page_starts_no_thread_and_keeps_html_closed(path: Path) -> None:
    assert not uses(path, "threading", "concurrent", "multiprocessing")
    tree = ast.parse((ROOT / path).read_text())
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.keyword) and n.arg == "unsafe_allow_html"]


@pytest.mark.parametrize("path", [p for p in SOURCES if inside(p, "core", "db", "pages")], ids=str)
def test_catching_everything_is_left_to_the_engine_and_the_job(path: Path) -> None:
    if inside(path, "core/engine", "core/jobs.py", "core/jobs"):
        return
    tree = ast.parse((ROOT / path).read_text())
    wide = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.ExceptHandler)
        and (n.type is None or ast.unparse(n.type) in ("Exception", "BaseException"))
        and not any(isinstance(x, ast.Raise) for x in ast.walk(n))
    ]  # tidying up and raising again is no catching
    assert not wide


def test_no_room_is_called_utils() -> None:
    assert not [p for p in SOURCES if p.stem in ("utils", "helpers", "common", "misc", "manager")]


def test_the_help_answers_in_under_a_second() -> None:
    # The best of three, of the processor's time: what the program costs, not what else this machine does.
    def spent() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    def once() -> float:
        before = spent()
        done = subprocess.run([sys.executable, "-m", "core", "--help"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0
        assert "VERB" in done.stdout
        return spent() - before

    assert min(once() for _ in range(3)) < 1
