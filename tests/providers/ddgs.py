"""DuckDuckGo's image search as its own page asks it: a page with a token, then i.js with that token and a Referer.

`duck.results["words"]` is what there is, 100 in an answer; `duck.answer` is sent instead of any, `duck.page` instead of
the page with the token.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.provider import Provider, whole

TOKEN = "4-127388145370558534196193019016331789945"
PAGE = '<!DOCTYPE html><html><head><script>var rq="car";vqd="{}";DDG.ready();</script></head><body></body></html>'
SIZE = 100


def result(number: int) -> dict[str, Any]:
    return {
        "height": 1200, "image": f"https://cars.example/{number}%2Fa%20b.jpg?w=1", "image_token": "ab12",
        "source": "Bing",
        "thumbnail": f"https://tse1.mm.bing.example/th?id=OIP.{number}", "thumbnail_token": "cd34",
        "title": f"Car {number}",
        "url": f"https://cars.example/page/{number}", "width": 1600,
    }  # fmt: skip


class Duck(Provider):
    def __init__(self) -> None:
        super().__init__()
        self.results: dict[str, list[Any]] = {}
        self.page = PAGE.format(TOKEN).encode()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> bool:
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query))
        if parts.path == "/":
            writer.write(whole(self.page, "Content-Type: text/html; charset=UTF-8"))
        elif parts.path == "/i.js":
            writer.write(self._found(query, self.requests[-1][1]))
        else:
            return await super()._answer(path, writer)
        await writer.drain()
        return True

    def _found(self, query: dict[str, str], headers: dict[str, str]) -> bytes:
        if query.get("vqd") != TOKEN or headers.get("referer") != f"{self.url}/" or query.get("o") != "json":
            return whole(b"If this error persists, please let us know", status="403 Forbidden")
        if self.answer is not None:
            return whole(self.answer)
        results, start = self.results.get(query["q"], []), int(query.get("s", 0))
        answer: dict[str, Any] = {
            "ads": None, "query": query["q"], "queryEncoded": "car", "response_type": "places",
            "vqd": {query["q"]: TOKEN},
            "results": results[start : start + SIZE],
        }  # fmt: skip
        if start + SIZE < len(results):
            onward = {"q": query["q"], "o": "json", "p": "1", "s": start + SIZE, "u": "bing", "f": ",,,", "l": "us-en"}
            answer["next"] = f"i.js?{urlencode(onward)}"
        return whole(json.dumps(answer).encode(), "Content-Type: application/x-javascript")
