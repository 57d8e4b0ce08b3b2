"""Flickr's REST API as documented at https://www.flickr.com/services/api/flickr.photos.search.html.

What the documentation says of its limits holds here too: 500 photos in an answer, and past the first 4,000 of a query
the last page again.
"""

from __future__ import annotations

import math

from tests.providers.server import Answer, Asked, Server

DEPTH = 4000
KEY = "SECRET123"


def photo(number: int, uploaded: int = 1_500_000_000, license: int | str = "4", **more: object) -> dict:
    """One photo, with what `extras` asks for; `uploaded` in Unix seconds is for the server only."""
    secret = f"{number:010x}"
    found = {
        "id": str(50_000_000_000 + number), "owner": "47058503995@N01", "secret": secret, "server": "65535", "farm": 66,
        "title": f"car {number}", "ispublic": 1, "isfriend": 0, "isfamily": 0, "license": str(license),
        "ownername": "Jane Doe", "uploaded": uploaded,
    }  # fmt: skip
    for size, letter, width in (("l", "b", 1024), ("c", "c", 800), ("z", "z", 640)):
        found[f"url_{size}"] = f"https://live.staticflickr.com/65535/{found['id']}_{secret}_{letter}.jpg"
        found[f"width_{size}"], found[f"height_{size}"] = width, width * 2 // 3
    return found | more


class Flickr(Server):
    """`found`: words -> photos, the best first."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[dict]] = {}
        self.as_text = True  # totals come as text, as they did for years

    def answer(self, asked: Asked) -> Answer:
        ask = asked.everything
        if asked.path != "/services/rest/" or ask.get("format") != "json" or ask.get("nojsoncallback") != "1":
            return Answer(b'<?xml version="1.0" encoding="utf-8" ?>\n<rsp stat="fail"></rsp>')
        if ask.get("api_key") != KEY:
            return Answer({"stat": "fail", "code": 100, "message": "Invalid API Key (Key has invalid format)"})
        if ask.get("method") != "flickr.photos.search":
            return Answer({"stat": "fail", "code": 112, "message": f'Method "{ask.get("method")}" not found'})
        if not ask.get("text"):
            return Answer({"stat": "fail", "code": 3, "message": "Parameterless searches have been disabled."})
        return Answer({"photos": self._search(ask), "stat": "ok"})

    def _search(self, ask: dict[str, str]) -> dict:
        start, end = int(ask.get("min_upload_date", 0)), int(ask.get("max_upload_date", 1 << 40))
        wanted = set(ask["license"].split(",")) if "license" in ask else None
        found = [
            p for p in self.found.get(ask["text"], [])
            if start <= p["uploaded"] <= end and (wanted is None or str(p["license"]) in wanted)
        ]  # fmt: skip
        size, page = min(int(ask.get("per_page", 100)), 500), int(ask.get("page", 1))
        reachable = found[:DEPTH]
        last = max(math.ceil(len(reachable) / size), 1)
        page = min(page, last)
        photos = [{k: v for k, v in p.items() if k != "uploaded"} for p in reachable[(page - 1) * size : page * size]]
        total = str(len(found)) if self.as_text else len(found)
        return {"page": page, "pages": math.ceil(len(found) / size), "perpage": size, "total": total, "photo": photos}
