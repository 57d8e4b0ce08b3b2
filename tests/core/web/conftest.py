"""A server to ask, and where connections go, seen by the interpreter itself."""

import sys

import pytest

from tests.provider import Provider

_reached: list | None = None


def _audit(event, args):
    if event == "socket.connect" and _reached is not None and isinstance(args[1], tuple):
        _reached.append(args[1][:2])


sys.addaudithook(_audit)


@pytest.fixture
def reached():
    """(address, port) of every connection that is tried, whatever tries it."""
    global _reached
    _reached = []
    yield _reached
    _reached = None


@pytest.fixture
def provider():
    with Provider() as running:
        yield running
