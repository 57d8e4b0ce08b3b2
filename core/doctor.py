"""`python -m core doctor`: what is in force, what is missing, and how to get it."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, BadSetting, Missing, Refused

if TYPE_CHECKING:
    from core.scrape import Reach
    from core.settings import Settings
    from db.store import Store

LIBRARIES = (
    "streamlit",
    "torch",
    "torchvision",
    "timm",
    "imagehash",
    "ultralytics",
    "PIL",
    "shap",
    "simplejpeg",
    "aiohttp",
)


WORD = "car"  # asked of every source, to see whether it answers
PATIENCE = 8.0  # seconds for it to answer


def sources(settings: Settings) -> Iterator[dict[str, Any]]:
    """Whether each source that is asked in words answers now: source, healthy, sentence, seconds. All at once."""
    from core.scrape import reach
    from core.sources import SOURCES

    asked = [name for name, source in SOURCES.items() if source.search and name not in ("demo", "page")]
    with reach(settings, deadline=PATIENCE) as through, ThreadPoolExecutor(len(asked)) as threads:
        yield from threads.map(lambda name: _answers(name, settings, through), asked)


def _answers(name: str, settings: Settings, through: Reach) -> dict[str, Any]:
    from core.scrape import check
    from core.scrape.ask import located
    from core.sources import SOURCES
    from core.sources.options import Options
    from core.web import blocking

    source, began, replies = SOURCES[name], time.monotonic(), []
    assert source.search is not None, name
    try:
        check(name, Options(), settings)
        with blocking(through.web(), PATIENCE) as get:

            def seen(url: str, **more: Any) -> Any:
                replies.append(get(url, **more))
                return replies[-1]

            found = source.search(WORD, "", located(name, Options(), settings, through), seen)
        left = source.limits(replies[-1].headers) if source.limits and replies else ""
        sentence = f"It answers: {len(found.candidates)} results for {WORD!r}{f'; {left}' if left else ''}."
        healthy = True
    except (BadInput, BadSetting, Missing, Refused) as error:
        healthy, sentence = False, str(error)
    return {"source": name, "healthy": healthy, "sentence": sentence, "seconds": round(time.monotonic() - began, 2)}


def report(store: Store, settings: Settings) -> dict[str, Any]:
    """Settings with their values, missing libraries, the device, free space, sources; `advice` says what to do, if any."""
    from core.device import device

    home = settings.home.absolute()
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    free = shutil.disk_usage(home).free
    advice = [f"{name} is not installed: run `pip install -r requirements.txt`." for name in missing]
    if not settings.contact:
        advice.append(
            "WINNOW_CONTACT is empty: set a mail address or page, so that hosts you fetch from can reach you."
        )
    if settings.weights and not settings.weights.is_dir():
        advice.append(f"WINNOW_WEIGHTS={str(settings.weights)!r} is no folder: make it, or unset it.")
    if free < 2e9:
        advice.append(f"Only {free / 1e9:.1f} GB are free in {home}: make room before a large scrape.")
    return {
        "settings": {
            f"WINNOW_{key.upper()}": str(value) for key, value in settings.model_dump(exclude={"database_url"}).items()
        },
        "python": sys.version.split()[0],
        "device": str(device(settings.device)),
        "free_gb": round(free / 1e9, 1),
        "projects": len(store.projects()),
        "missing": missing,
        "sources": list(sources(settings)),
        "advice": advice,
    }
