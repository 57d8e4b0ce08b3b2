"""Licences by the names people use, whatever a provider calls them, and which of them allow what."""

from __future__ import annotations

import re

from core.model import UNKNOWN_LICENCE

CC = re.compile(r"creativecommons\.org/(licenses|publicdomain)/([a-z+-]+)(?:/(\d\.\d))?", re.IGNORECASE)
PUBLIC = {"cc0": "CC0", "zero": "CC0", "pdm": "Public Domain Mark", "mark": "Public Domain Mark"}

# What a user may ask for -> the sentence for it. Each is a narrower choice than the one before.
FILTERS = {
    "known": "any licence, if the source names one",
    "open": "may be copied with credit: Creative Commons and public domain",
    "commercial": "may also be used to earn money: without NC",
    "alterable": "may also be altered, cropped for example: without NC and ND",
    "public": "public domain only: no conditions",
}


def name(slug: str, version: str = "") -> str:
    """Creative Commons' own words: by-sa, 4.0 -> "CC BY-SA 4.0"; cc0, 1.0 -> "CC0 1.0"; "unknown" where there is none."""
    slug = slug.strip().lower()
    if not slug:
        return UNKNOWN_LICENCE
    known = PUBLIC.get(slug) or f"CC {slug.upper().replace('SAMPLING', 'Sampling')}"
    return f"{known} {version.strip()}".strip()


def of_url(url: str) -> str:
    """The name of the licence that an address of creativecommons.org stands for; "unknown" for any other address."""
    found = CC.search(url)
    return name(found[2], found[3] or "") if found else UNKNOWN_LICENCE


def allowed(licence: str, wanted: str) -> bool:
    """Whether a licence, by its name, passes a filter of FILTERS ("" lets all pass)."""
    plain = licence.upper()
    public = plain.startswith(("CC0", "PUBLIC DOMAIN"))
    opened = public or re.match(r"CC[ -]BY\b", plain) is not None
    parts = set(re.split(r"[ -]", plain))
    return {
        "": True,
        "known": licence not in ("", UNKNOWN_LICENCE),
        "open": opened,
        "commercial": opened and "NC" not in parts,
        "alterable": opened and parts.isdisjoint({"NC", "ND"}),
        "public": public,
    }[wanted]
