"""The command line as a script calls it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from core.__main__ import main

Run = Callable[..., dict]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A verb in the project `cars`: the JSON on stdout, with `said`: the last line on stderr."""

    def run(*words: object, code: int = 0) -> dict:
        try:
            ended = main([*map(str, words), "--project", "cars", "--json"])
        except SystemExit as left:  # argparse
            ended = left.code
        out, err = capsys.readouterr()
        assert ended == code, err
        return {**(json.loads(out) if out else {}), "said": err.strip().rpartition("\n")[2]}

    return run
