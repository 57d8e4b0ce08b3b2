"""`python -m core doctor`: what is in force, what is missing, and how to get it."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


def report(store: Store, settings: Settings) -> dict[str, Any]:
    """Settings with their values, missing libraries, the device, free space; `advice` says what to do, if anything."""
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
        "advice": advice,
    }
