"""A small internet for the app in the browser: Openverse, Commons, the car catalogue, and hosts of the pictures they name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Self

from tests.browser.conftest import draw
from tests.provider import Provider, whole
from tests.providers import commons, openverse
from tests.providers.vpic import Vpic


class Pictures(Provider):
    """A host of pictures. A `slow` one sends one in so many seconds; `broken` paths answer 500."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = self._turn = 0.0
        self.broken: set[str] = set()

    @property
    def asked(self) -> list[str]:
        """Addresses, in the order they were asked for."""
        return [self.url + path for path, _, _ in self.requests]

    def add(self, number: int) -> str:
        path = f"/{number}.jpg"
        self.images[path] = draw(number)
        return path

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> bool:
        if self.slow and path in self.images:
            self._turn = turn = max(self._turn, time.monotonic()) + self.slow
            while self.slow and time.monotonic() < turn:
                await asyncio.sleep(0.02)
        if path not in self.broken:
            return await super()._answer(path, writer)
        writer.write(whole(b"", status="500 Internal Server Error"))
        await writer.drain()
        return True


class Internet:
    """What the app reaches in place of the real one: each provider, and a host of pictures for each of the two searches."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.openverse, self.commons = openverse.Openverse(), commons.Commons()
            self.catalogue, self.flickr_pictures, self.commons_pictures = Vpic(), Pictures(), Pictures()
            for server in (self.openverse, self.commons, self.catalogue, self.flickr_pictures, self.commons_pictures):
                stack.enter_context(server)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    @property
    def settings(self) -> dict[str, str]:
        return {
            "WINNOW_OPENVERSE_URL": self.openverse.url, "WINNOW_COMMONS_URL": self.commons.url,
            "WINNOW_VPIC_URL": self.catalogue.url, "WINNOW_ALLOW_HOSTS": "127.0.0.1",
            "WINNOW_CONTACT": "me@example.org",
        }  # fmt: skip

    def openverse_has(self, words: str, numbers: Iterable[int], licence: str = "by", version: str = "2.0") -> None:
        """Pictures of Flickr, as Openverse lists them."""
        found = self.openverse.found.setdefault(words, [])
        for number in numbers:
            url = f"{self.flickr_pictures.url}{self.flickr_pictures.add(number)}"
            found.append({
                **openverse.RESULT, "id": str(number), "url": url, "title": f"{words.capitalize()} no. {number}",
                "creator": f"Ann {number}", "license": licence, "license_version": version,
                "license_url": f"https://creativecommons.org/licenses/{licence}/{version}/",
                "foreign_landing_url": f"https://www.flickr.com/photos/ann/{number}",
            })  # fmt: skip

    def commons_has(self, words: str, numbers: Iterable[int]) -> None:
        found = self.commons.found.setdefault(words, [])
        for number in numbers:
            url = f"{self.commons_pictures.url}{self.commons_pictures.add(number)}"
            about = commons.metadata(ObjectName=f"{words.capitalize()} no. {number}")
            found.append(commons.page(number, len(found) + 1, thumburl=url, url=url, extmetadata=about))
