"""The launcher: `streamlit run app.py`. The screens begin in pages/parts/shell.py.

It holds nothing else: with `pages/` beside a script of its own, Streamlit would serve a deep link without that script
(navigation, gate and all) until somebody opens `/`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from core.errors import WinnowError
from pages.parts.routes import ROUTES


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Once per process: a worker for jobs that wait, and word that a web server is here, so that it stays."""
    from core import jobs, settings

    try:
        found = settings.load()
    except WinnowError as error:  # every page says the same; the terminal is where a setting was misspelled
        print(error, file=sys.stderr)
        yield
        return
    with jobs.web_present(found.home):
        jobs.ensure_worker(found)
        yield


app = st.App(Path(__file__).parent.resolve() / "pages" / "parts" / "shell.py", routes=ROUTES, lifespan=lifespan)
