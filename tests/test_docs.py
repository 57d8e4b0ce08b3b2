"""What is promised in words is there: verbs, settings, sources and files of the README."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from core.cli.parser import parser
from core.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"`(python -m core [^`]+)`", README)


def verbs() -> list[str]:
    [action] = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return list(action.choices)


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert re.search(rf"python -m core {verb}\b|`{verb}`", README)


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"`WINNOW_{name.upper()}`" in README


def test_every_source_backbone_and_explainer_is_in_the_readme() -> None:
    from core.backbones import BACKBONES
    from core.explainers import EXPLAINERS
    from core.sources import SOURCES

    for name in [*SOURCES, *BACKBONES, *EXPLAINERS]:
        assert re.search(rf"\b{name}\b", README, re.IGNORECASE), name


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_is_understood(command: str) -> None:
    words = shlex.split(command.replace("VERB ...", "doctor"))[3:]
    assert callable(parser().parse_args(words).run)


def test_the_tree_of_the_readme_names_every_file() -> None:
    tree = README.split("## The house")[1].split("### How to add")[0]
    listed = subprocess.run(
        ["git", "ls-files", "app.py", "pages", "core", "db"], cwd=ROOT, capture_output=True, text=True
    )
    files = [Path(name) for name in listed.stdout.split()]
    assert len(files) > 50
    missing = [str(file) for file in files if file.name not in tree and file.stem != "__init__"]
    assert not missing


def test_nothing_is_named_in_the_tree_that_is_not_there() -> None:
    tree = README.split("## The house")[1].split("### How to add")[0]
    there = {
        path.name for top in ("core", "db", "pages", "tests", ".streamlit", ".ci") for path in (ROOT / top).rglob("*")
    }
    there |= {path.name for path in ROOT.iterdir()}
    named = set(re.findall(r"[\w.-]+\.(?:py|js|css|toml|txt|md|mako)\b", tree))
    assert named
    assert not named - there
