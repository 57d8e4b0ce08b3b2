"""What the headers of an answer keep from us: X-Robots-Tag and TDM-Reservation, read before its body is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.errors import Permanent
from core.web.robots import AGENT

if TYPE_CHECKING:
    from multidict import MultiMapping

UNWANTED = ("noai", "noimageai", "noindex", "noimageindex", "none")  # none = noindex, nofollow
VALUED = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")  # "name: value", no agent


def check(host: str, headers: MultiMapping[str]) -> None:
    """Raises Permanent "noai" by X-Robots-Tag, "tdm reserved" by TDM-Reservation (W3C TDMRep, 2022)."""
    if word := unwanted(headers.getall("X-Robots-Tag", [])):
        raise Permanent("noai", f"{host} does not want it used: its header X-Robots-Tag says {word}.")
    for value in headers.getall("TDM-Reservation", []):
        if "1" in re.split(r"[,\s]+", value):
            policy = "".join(c for c in headers.get("TDM-Policy", "") if c.isprintable())[:300]
            terms = f"its policy is at {policy}" if policy else "it names no policy"
            raise Permanent("tdm reserved", f"{host} reserves text and data mining (TDM-Reservation: 1); {terms}.")


def unwanted(values: Iterable[str]) -> str:
    """The first word of UNWANTED that is meant for us, "" for none.

    `values`: of X-Robots-Tag headers, or of <meta name="robots">: words between commas, in any case. "agent:" before
    a word makes it and those behind it that agent's alone.
    """
    for value in values:
        ours = True
        for word in value.lower().split(","):
            word = word.strip()
            prefix = re.match(r"([a-z*][^\s:]*)\s*:\s*", word)
            if prefix and prefix[1] in VALUED:
                continue
            if prefix:
                ours = prefix[1].partition("/")[0] in ("*", AGENT.lower())
                word = word[prefix.end() :]
            for said in re.split(r"[;\s\"']+", word) if ours else ():  # some write them with other signs between
                if said in UNWANTED:
                    return said
    return ""
