"""Photos of Flickr by its documented REST API, flickr.photos.search. It needs an API key: WINNOW_FLICKR_KEY.

The key is sent in a form, never in an address, where it would end in logs and in sentences about redirects.

Of one query Flickr gives 4,000 results and then the same again. So the time since its first photo is cut into slices
of upload dates that hold no more, and each is read page by page.
"""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING, Any

from core import licences
from core.errors import BadInput, BadSetting, Permanent, Refused
from core.model import UNKNOWN_LICENCE, Candidate, Results
from core.sources.answers import malformed, masked, number, parse, text
from core.sources.options import Options

if TYPE_CHECKING:
    from core.sources import Get

WHO = "Flickr"
BASE = "https://api.flickr.com"
MOST = 500  # photos in one answer
DEPTH = 4000  # photos of one query
FIRST = 1041379200  # 2003-01-01 in Unix seconds: a year before the first photo
ASKS = 8  # requests for one answer at most; where the cutting takes more, the next answer goes on with it
SIZES = ("l", "c", "z", "o", "m", "n")  # longest side 1024, 800, 640, as uploaded (may be huge), 500, 320 px
EXTRAS = ",".join(["license", "owner_name", *(f"url_{size}" for size in SIZES)])

# flickr.photos.licenses.getInfo, as it answered in June 2025 when the 4.0 licences had come.
LICENCES = {
    0: licences.RESERVED, 1: "CC BY-NC-SA 2.0", 2: "CC BY-NC 2.0", 3: "CC BY-NC-ND 2.0", 4: "CC BY 2.0",
    5: "CC BY-SA 2.0", 6: "CC BY-ND 2.0", 7: licences.NOTHING_KNOWN, 8: licences.US_GOVERNMENT, 9: "CC0 1.0",
    10: "Public Domain Mark 1.0", 11: "CC BY 4.0", 12: "CC BY-SA 4.0", 13: "CC BY-ND 4.0", 14: "CC BY-NC 4.0",
    15: "CC BY-NC-SA 4.0", 16: "CC BY-NC-ND 4.0",
}  # fmt: skip
INVALID_KEY = 100
UNAVAILABLE = (0, 10, 105, 106)  # the search, the service or an operation, for the moment


def search(query: str, cursor: str, options: Options, get: Get) -> Results:
    """One page of photos for the words in `query`, best first within a slice of upload dates, the newest slice first.

    The newest first, because what is uploaded meanwhile then changes no slice that is still to come. The cursor is
    "1041379200-1764000000/3": from, to (Unix seconds, both included) and the page in between; page 1 may be cut.
    A photo without an address is a failure. Raises Refused where Flickr does not answer, not as documented or with an
    error; BadSetting where there is no key, or it is not valid.
    """
    if not options.key:
        raise BadSetting("WINNOW_FLICKR_KEY is not set: Flickr gives keys at www.flickr.com/services/apps/create.")
    start, end, page = _read(cursor)
    size = min(options.size or MOST, MOST)
    slices = 0
    for _ in range(ASKS):
        photos = _ask(query, start, end, page, size, options, get)
        total, pages, results = number(photos, "total"), number(photos, "pages"), photos.get("photo")
        if total is None or pages is None or not isinstance(results, list):
            raise malformed(WHO)
        if page == 1 and total > DEPTH and start < end:
            # At first as often as even uploads would need; if that is not what they are, half by half.
            slices = 2 if slices else 2 ** math.ceil(math.log2(total / DEPTH))
            start = end - (end - start) // slices
        elif total or start <= FIRST:
            found = tuple(_candidate(photo) for photo in results)
            return Results(found, _next(start, end, page, min(pages, math.ceil(DEPTH / size))))
        else:
            start, end, page = FIRST, start - 1, 1
    return Results((), _write(start, end, 1))


def _read(cursor: str) -> tuple[int, int, int]:
    """From, to and page. "" is all until now."""
    if not cursor:
        return FIRST, int(time.time()), 1
    found = re.fullmatch(r"(\d{1,12})-(\d{1,12})/([1-9]\d{0,5})", cursor)
    if not found:
        raise BadInput(f"{cursor[:200]!r} is not a place in Flickr's results: from-to/page was wanted.")
    return int(found[1]), int(found[2]), int(found[3])


def _write(start: int, end: int, page: int) -> str:
    return f"{start}-{end}/{page}"


def _next(start: int, end: int, page: int, pages: int) -> str:
    if page < pages:
        return _write(start, end, page + 1)
    return _write(FIRST, start - 1, 1) if start > FIRST else ""


def _ask(query: str, start: int, end: int, page: int, size: int, options: Options, get: Get) -> dict[str, Any]:
    """The `photos` of an answer."""
    form = {
        "method": "flickr.photos.search", "api_key": options.key, "format": "json", "nojsoncallback": "1",
        "text": query, "media": "photos", "safe_search": "1", "sort": "relevance", "extras": EXTRAS,
        "min_upload_date": str(start), "max_upload_date": str(end), "per_page": str(size), "page": str(page),
    }  # fmt: skip
    if options.licence not in ("", "known"):  # every photo has one of the list
        form["license"] = ",".join(str(n) for n, name in LICENCES.items() if licences.allowed(name, options.licence))
    answer = parse(get(_api(options.base), form=form).body, WHO)
    if answer.get("stat") == "fail":
        raise _error(answer, options.key)
    photos = answer.get("photos")
    if answer.get("stat") != "ok" or not isinstance(photos, dict):
        raise malformed(WHO)
    return photos


def _api(base: str) -> str:
    """The address of the API under a base such as https://api.flickr.com, with or without its path."""
    base = (base or BASE).rstrip("/")
    return f"{base.removesuffix('/rest').removesuffix('/services')}/services/rest/"


def _error(answer: dict[str, Any], key: str) -> BadSetting | Refused:
    code = number(answer, "code") or 0
    if code == INVALID_KEY:
        return BadSetting("Flickr does not accept WINNOW_FLICKR_KEY: look at it, and whether it has expired.")
    kind = Refused if code in UNAVAILABLE else Permanent
    sentence = f"{WHO} answered with the error {code}: {text(answer, 'message')[:300]}"
    return masked(kind("provider error", sentence), key)


def _candidate(photo: Any) -> Candidate:
    owner, known = text(photo, "owner"), text(photo, "id")
    code = number(photo, "license")
    licence = UNKNOWN_LICENCE if code is None else LICENCES.get(code, UNKNOWN_LICENCE)
    url = next(filter(None, (text(photo, f"url_{size}") for size in SIZES)), "")
    return Candidate(
        url=url or f"flickr result {known or 'without an id'}", label="", source="flickr",
        page=f"https://www.flickr.com/photos/{owner}/{known}" if owner and known else "", title=text(photo, "title"),
        creator=text(photo, "ownername"), licence=licence, licence_url=licences.url_of(licence),
        error="" if url else "malformed result",
    )  # fmt: skip
