"""MediaWiki's API as documented at https://www.mediawiki.org/wiki/API:Main_page, as far as a search for files needs it:
action=query, generator=search, prop=imageinfo with extmetadata, formatversion=2.
"""

from __future__ import annotations

from tests.providers.server import Answer, Asked, Server

STEPS = (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840)  # px, the widths that Wikimedia renders
ARTIST = '<a href="//commons.wikimedia.org/wiki/User:Alexander_Migl" title="User:Alexander Migl">Alexander Migl</a>'


def metadata(**more: object) -> dict:
    """extmetadata of a file; a value of None takes the field out."""
    known = {
        "ObjectName": "Maserati GranTurismo (2023)", "Credit": '<span class="int-own-work" lang="en">Own work</span>',
        "Artist": ARTIST, "LicenseShortName": "CC BY-SA 4.0", "License": "cc-by-sa-4.0",
        "UsageTerms": "Creative Commons Attribution-Share Alike 4.0",
        "LicenseUrl": "https://creativecommons.org/licenses/by-sa/4.0",
    }  # fmt: skip
    return {
        name: {"value": value, "source": "commons-desc-page"}
        for name, value in (known | more).items()
        if value is not None
    }


def page(number: int, index: int, width: int = 4000, **more: object) -> dict:
    """One file, as an answer has it when its rendering is 1280 px wide."""
    name = f"Car {number}.jpg"
    place = f"a/ab/Car_{number}.jpg"
    original = f"https://upload.wikimedia.org/wikipedia/commons/{place}"
    small = f"https://upload.wikimedia.org/wikipedia/commons/thumb/{place}/1280px-Car_{number}.jpg"
    who = "?utm_source=commons.wikimedia.org&utm_campaign=imageinfo&utm_content="
    info = {
        "size": 5_000_000, "width": width, "height": width * 2 // 3, "thumbwidth": min(width, 1280),
        "thumbheight": min(width, 1280) * 2 // 3,
        "thumburl": small + who + "thumbnail" if width > 1280 else original + who + "original",
        "thumbmime": "image/jpeg",
        "url": original + who + "original",
        "descriptionurl": f"https://commons.wikimedia.org/wiki/File:Car_{number}.jpg",
        "descriptionshorturl": f"https://commons.wikimedia.org/w/index.php?curid={number}", "mime": "image/jpeg",
        "extmetadata": metadata(),
    }  # fmt: skip
    return {
        "pageid": number, "ns": 6, "title": f"File:{name}", "index": index, "imagerepository": "local",
        "imageinfo": [info | more],
    }  # fmt: skip


class Commons(Server):
    """`found`: words -> files, in the order of the search. `whole`: how many of an answer's files get their imageinfo
    at once; the rest comes when it is asked for with iicontinue."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list] = {}
        self.whole = 50

    def answer(self, asked: Asked) -> Answer:
        if asked.path != "/w/api.php":
            return Answer(b"<!doctype html><title>Not found</title>", 404)
        wrong = self._wrong(asked.query)
        if wrong:
            return Answer({"error": {"code": wrong, "info": f"Unrecognized value for parameter: {wrong}.",
                                     "docref": "See the API's help."}, "servedby": "mw-api-ext"})  # fmt: skip
        return Answer(self._search(asked.query))

    def _wrong(self, query: dict[str, str]) -> str:
        wanted = {"action": "query", "format": "json", "formatversion": "2", "generator": "search", "gsrnamespace": "6",
                  "prop": "imageinfo"}  # fmt: skip
        for name, value in wanted.items():
            if query.get(name) != value:
                return f"badvalue-{name}"
        if int(query["iiurlwidth"]) not in STEPS:
            return "urlparamnormal"
        return "cirrussearch-query-too-long" if len(query["gsrsearch"]) > 300 else ""

    def _search(self, query: dict[str, str]) -> dict:
        kind, _, words = query["gsrsearch"].partition(" ")
        found = self.found.get(words, []) if kind == "filetype:bitmap" else []
        start, size = int(query.get("gsroffset", 0)), int(query["gsrlimit"])
        pages = found[start : start + size]
        if not pages:
            return {"batchcomplete": True}
        first = int(query.get("iicontinue", 0))
        shown = range(first, first + self.whole)
        listed = [p if at in shown else {k: v for k, v in p.items() if k != "imageinfo"} for at, p in enumerate(pages)]
        answer: dict = {"query": {"pages": sorted(listed, key=lambda p: p.get("pageid", 0))}}
        if first + self.whole < len(pages):
            onward = {"iicontinue": str(first + self.whole), "continue": "||"}
            return answer | {"continue": onward | ({"gsroffset": start} if start else {})}
        if start + size < len(found):
            answer["continue"] = {"gsroffset": start + size, "continue": "gsroffset||"}
        return answer | {"batchcomplete": True}
