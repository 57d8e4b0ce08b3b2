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
from pages.parts import house
from pages.parts.routes import ROUTES


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Once per process: a worker for the jobs, which stays while this web server is there."""
    from core import jobs, settings

    try:
        found = settings.load()
    except WinnowError as error:  # every page says the same; the terminal is where a setting was misspelled
        print(error, file=sys.stderr)
        yield
        return
    with jobs.web_present(found):  # a worker stays, and one that was killed is started again
        yield


UNFORESEEN = (
    "Something went wrong that Winnow did not foresee. Nothing stored is lost: reload the page. The terminal says more."
)


def said(error: Exception) -> bool:
    """What a button's callback or a fragment raised: its sentence, or that it is a fault of the program. Streamlit logs
    the traceback to the terminal."""
    st.error(house.text(error) if isinstance(error, WinnowError) else UNFORESEEN)
    return True


app = st.App(Path(__file__).parent.resolve() / "pages" / "parts" / "shell.py", routes=ROUTES, lifespan=lifespan,
             on_script_error=said)  # fmt: skip
