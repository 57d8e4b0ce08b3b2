"""The demo's pictures as a local Openverse, on loopback, in a child process that ends with its parent.

    with serve(cache=folder) as base:           # "http://127.0.0.1:8907"
        GET {base}/v1/images/?q=sedan&page=1    # as https://api.openverse.org/v1/ documents it
        GET {base}/image/<id>.jpg               # the bytes; drawn when first asked for
        GET {base}/page/<id>                    # the landing page

The paths are the same on every run, and so is the port where it is free: a second scrape finds the same addresses.
"""

from __future__ import annotations

import argparse
import html
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache as remembered
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, quote, urlsplit

from core.demo import draw
from core.errors import Missing

PORTS = range(8907, 8911)  # tried in this order, then any free one
START = 20  # seconds a server may take to come up on a loaded machine
PAGE_SIZE = 20  # Openverse's limit for requests without a key

LICENCES = (
    ("cc0", "1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    ("by", "4.0", "https://creativecommons.org/licenses/by/4.0/"),
    ("by-sa", "4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    ("by", "2.0", "https://creativecommons.org/licenses/by/2.0/"),
    ("pdm", "1.0", "https://creativecommons.org/publicdomain/mark/1.0/"),
)
CREATORS = (
    "Marta Lindqvist",
    "Kofi A. Mensah",
    "old_garage_74",
    "Zoë <3 cars",
    "Hoshino Ryō",
    "B. & T. Okonkwo",
    "Łucja Nowak",
    "the.parking.lot",
    "Ana-Sofía Pérez",
    "Priya Raman",
    "Jean-Loup O'Dowd",
    "pixel_mechanic",
)


@contextmanager
def serve(cache: Path | None = None) -> Iterator[str]:
    """The base address of a server that answers by now; it is gone when the block ends, or its parent dies.

    `cache` is a folder for what was drawn, so that a second run draws nothing; without it, memory only.
    Raises Missing where the server does not come up.
    """
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "core.demo.serve", *(["--cache", str(cache.resolve())] if cache else [])]
    child = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin and child.stdout
    try:
        base = child.stdout.readline().strip() if _readable(child.stdout, START) else ""
        if not base:
            raise Missing(f"The demo's picture server did not start within {START} seconds.")
        yield base
    finally:
        child.stdin.close()  # the child ends when this pipe does
        try:
            child.wait(2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        child.stdout.close()


# -- what the server knows -----------------------------------------------------------------------------------------


def words(text: str) -> set[str]:
    """A query's words, lower case, without a plural s."""
    plain = "".join(c if c.isalnum() else " " for c in text.lower())
    return {w[:-1] if w.endswith("s") and len(w) > 3 else w for w in plain.split()}


@remembered
def catalogue() -> dict[str, dict]:
    """Id -> one Openverse result, its addresses as paths. In the order of the classes and their items."""
    return {item.id: _result(item) for item in draw.every()}


def _result(item: draw.Item) -> dict:
    rng = item.rng("record")
    colour, place, hour = draw.describe(item)
    title = f"{colour.capitalize()} {item.label} {place}" + ("" if hour == "day" else f" at {hour}")
    title = title.replace("at night at night", "at night")
    code, version, licence_url = rng.choice(LICENCES)
    creator = rng.choice(CREATORS)
    width, height = draw.size(item)
    name = {"cc0": "CC0", "pdm": "Public Domain Mark"}.get(code, f"CC {code.upper()}") + f" {version}"
    verb = "is marked with" if code in ("cc0", "pdm") else "is licensed under"
    more = "To view the terms, visit" if code in ("cc0", "pdm") else "To view a copy of this license, visit"
    tags = [item.label, "car", "vehicle", colour, "drawing by program"]
    return {
        "id": item.id,
        "title": title,
        "indexed_on": f"2025-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:17:00Z",
        "foreign_landing_url": f"/page/{item.id}",
        "url": f"/image/{item.id}.jpg",
        "creator": creator,
        "creator_url": f"/creator/{quote(creator)}",
        "license": code,
        "license_version": version,
        "license_url": licence_url,
        "provider": "winnow_demo",
        "source": "winnow_demo",
        "category": "photograph",
        "filesize": None,
        "filetype": "jpg",
        "tags": [{"accuracy": None, "name": tag, "unstable__provider": "winnow_demo"} for tag in tags],
        "attribution": f'"{title}" by {creator} {verb} {name}. {more} {licence_url}.',
        "fields_matched": ["title", "tags.name"],
        "mature": False,
        "height": height,
        "width": width,
        "thumbnail": f"/v1/images/{item.id}/thumb/",
        "detail_url": f"/v1/images/{item.id}/",
        "related_url": f"/v1/images/{item.id}/related/",
        "unstable__sensitivity": [],
    }


def search(query: str, page: int, page_size: int, base: str) -> dict:
    """One page of results: every word of the query stands in the title or the tags. An empty query finds nothing."""
    asked = words(query)
    found = [record for record in catalogue().values() if asked and asked <= _indexed(record["id"])]
    shown = found[(page - 1) * page_size : page * page_size]
    return {
        "result_count": len(found),
        "page_count": math.ceil(len(found) / page_size),
        "page_size": page_size,
        "page": page,
        "results": [_absolute(record, base) for record in shown],
    }


@remembered
def _indexed(key: str) -> set[str]:
    record = catalogue()[key]
    return words(record["title"]) | {w for tag in record["tags"] for w in words(tag["name"])}


def _absolute(record: dict, base: str) -> dict:
    ours = ("foreign_landing_url", "url", "creator_url", "thumbnail", "detail_url", "related_url")
    return record | {key: base + record[key] for key in ours}


class Gallery:
    """The drawn pictures: in memory, and in a folder where one was given."""

    def __init__(self, folder: Path | None) -> None:
        self._items = {item.id: item for item in draw.every()}
        self._drawn: dict[str, bytes] = {}
        self._folder = folder / f"demo-{draw.EDITION}" if folder else None
        self._one_at_a_time = threading.Lock()  # two threads drawing take as long as one after the other

    def get(self, key: str) -> bytes | None:
        """The bytes of a picture, None where there is no such id."""
        if key not in self._items:
            return None
        with self._one_at_a_time:
            if key not in self._drawn:
                self._drawn[key] = self._load(key)
            return self._drawn[key]

    def _load(self, key: str) -> bytes:
        if not self._folder:
            return draw.render(self._items[key])
        path = self._folder / f"{key}.jpg"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            data = draw.render(self._items[key])
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{uuid.uuid4().hex}.part")
        part.write_bytes(data)
        part.replace(path)
        return data


# -- HTTP ----------------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "WinnowDemo"
    disable_nagle_algorithm = True
    timeout = 30  # seconds an idle connection is kept
    gallery: Gallery
    base: str

    def do_GET(self) -> None:  # noqa: N802  (the library's name)
        address = urlsplit(self.path)
        match address.path.strip("/").split("/"):
            case ["robots.txt"]:
                self._send(b"User-agent: *\nAllow: /\n", "text/plain")
            case ["v1", "images"]:
                self._search(parse_qs(address.query))
            case ["v1", "images", key] if key in catalogue():
                self._json(_absolute(catalogue()[key], self.base))
            case ["v1", "images", key, "related"] if key in catalogue():
                self._json(search(catalogue()[key]["tags"][0]["name"], 1, PAGE_SIZE, self.base))
            case ["v1", "images", key, "thumb"]:
                self._picture(key)
            case ["image", name] if name.endswith(".jpg"):
                self._picture(name.removesuffix(".jpg"))
            case ["page", key] if key in catalogue():
                self._send(landing(catalogue()[key]).encode(), "text/html; charset=utf-8")
            case _:
                self._json({"detail": "Not found."}, 404)

    def _search(self, asked: dict[str, list[str]]) -> None:
        values = {}
        for name, default in (("page", 1), ("page_size", PAGE_SIZE)):
            given = asked.get(name, [str(default)])[-1]
            if not (given.isascii() and given.isdigit() and 0 < int(given[:9]) < 10**8):
                return self._json({"detail": {name: ["A valid integer is required, at least 1."]}}, 400)
            values[name] = int(given[:9])
        if values["page_size"] > PAGE_SIZE:
            return self._json({"detail": f"page_size must be at most {PAGE_SIZE} for unauthenticated requests."}, 401)
        return self._json(search(asked.get("q", [""])[-1], values["page"], values["page_size"], self.base))

    def _picture(self, key: str) -> None:
        data = self.gallery.get(key)
        if data is None:
            return self._json({"detail": "Not found."}, 404)
        return self._send(data, "image/jpeg")

    def _json(self, value: dict, status: int = 200) -> None:
        self._send(json.dumps(value).encode(), "application/json", status)

    def _send(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # a picture asked for is no news
        return


def landing(record: dict) -> str:
    """The page a picture comes from; every value escaped."""
    e = {key: html.escape(str(value), quote=True) for key, value in record.items()}
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{e['title']}</title>"
        f'<h1>{e["title"]}</h1><img src="{e["url"]}" alt="{e["title"]}" width={e["width"]} height={e["height"]}>'
        f'<p>by {e["creator"]}, <a href="{e["license_url"]}">{e["license"]} {e["license_version"]}</a></p>'
        "<p>Drawn by Winnow's demo; the creator is made up.</p></html>"
    )


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = os.name == "posix"  # a restart gets its port back; elsewhere it would mean sharing it

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a job that was stopped hangs up in the middle: no news
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def bind(handler: type[Handler]) -> Server:
    """A listening server on the first port that is free. Raises Missing where there is none."""
    for port in (*PORTS, 0):
        try:
            return Server(("127.0.0.1", port), handler)
        except OSError:  # taken; a port that a killed server left is free again at once
            continue
    raise Missing("The demo's picture server found no free port on 127.0.0.1.")


def _readable(file: IO[str], seconds: float) -> bool:
    """Whether something can be read, or the end, within so many seconds. (`select.select` refuses descriptors over 1,023.)"""
    with selectors.DefaultSelector() as selector:
        selector.register(file, selectors.EVENT_READ)
        return bool(selector.select(seconds))


def _end_with_parent(parent: int) -> None:
    """Ends this process when its stdin does, or when it was handed to another parent."""
    while os.getppid() == parent:
        if _readable(sys.stdin, 1) and not os.read(sys.stdin.fileno(), 1024):
            break
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the demo's pictures on loopback until stdin closes.")
    parser.add_argument("--cache", type=Path)
    given = parser.parse_args()
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the parent's: it closes the pipe
    Handler.gallery = Gallery(given.cache)
    server = bind(Handler)
    Handler.base = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    print(Handler.base, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
