"""Pictures over HTTP: a page's thumbnails as one binary, and one picture large; and an export as a .zip. No other bytes
leave the house.

A page of Streamlit is behind its gate, a route is not: so an address is signed (HMAC-SHA256) with a key that lies in
the home folder, and holds for one to two hours. It is the same within an hour, so a browser may keep what it fetched.
A pack is `u32 n, u32 length[n]`, little endian, and then n JPEGs; length 0 = not on disk. Only re-encoded JPEG leaves, but for
an export, which is a file to save and nothing that a browser shows.
"""

from __future__ import annotations

import hmac
import io
import os
import secrets
import struct
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from core.errors import Missing, WinnowError
from core.export import place
from core.export.zipped import zipped
from pages.parts import house

if TYPE_CHECKING:
    from core.blobs import Blobs

HOUR = 3600
IDS_MAX = 500  # pictures in one pack
LARGE = 1600  # px, longest side of the large view
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Encoding": "identity",  # JPEG gets no smaller: keeps Streamlit's gzip off it
}


def pack_address(project: int, images: Sequence[int]) -> str:
    """The signed address of these pictures' thumbnails, relative to any page of the app."""
    return _signed("pictures", f"{project}/{','.join(map(str, images))}")


def export_address(project: int, name: str) -> str:
    """The signed address of one of the project's exports as a .zip."""
    return _signed("exports", f"{project}/{quote(name)}.zip")


def _signed(kind: str, path: str) -> str:
    expires = (int(time.time()) // HOUR + 2) * HOUR
    return f"winnow/{kind}/{path}?expires={expires}&signature={_signature(kind, path, expires)}"


def _signature(kind: str, path: str, expires: int) -> str:
    return hmac.digest(_key(house.settings().home), f"{kind}/{path}?{expires}".encode(), "sha256").hex()


@lru_cache
def _key(home: Path) -> bytes:
    """32 random bytes, made once per home. Linked into place whole, so that two processes agree on one."""
    path = home / "pictures.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        own = home / f"pictures.{secrets.token_hex(8)}.part"
        with open(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        try:
            os.link(own, path)
        except FileExistsError:
            pass  # another process was first: its key holds
        finally:
            own.unlink()
    return path.read_bytes()


def pictures(request: Request) -> Response:
    """The pack; or with `&large=ID`, where the signed address holds that image, one JPEG of at most 1600 px."""
    project, ids = request.path_params["project"], request.path_params["ids"]
    expires = request.query_params.get("expires", "")
    if refused := _unsigned(request, "pictures", f"{project}/{ids}"):
        return refused
    images = [int(i) for i in ids.split(",") if i.isascii() and i.isdigit()]
    if not 0 < len(images) <= IDS_MAX:
        return _refused(400, f"An address holds 1 to {IDS_MAX} pictures.")
    keep = {"Cache-Control": f"private, max-age={int(expires) - int(time.time())}, immutable"}
    large = request.query_params.get("large")
    try:
        if large is None:
            return Response(_pack(project, images), headers=HEADERS | keep, media_type="application/octet-stream")
        if large not in map(str, images):
            return _refused(403, "This address is not signed for that picture.")
        return Response(_large(project, int(large)), headers=HEADERS | keep, media_type="image/jpeg")
    except WinnowError as error:
        return _refused(404, str(error))


def export(request: Request) -> Response:
    """One of the project's finished exports as a .zip, made while it is sent."""
    project, name = request.path_params["project"], request.path_params["name"]
    if refused := _unsigned(request, "exports", f"{project}/{quote(name)}.zip"):
        return refused
    try:
        there = {
            path.name: path
            for path, said in place.kept(place.shelf(house.settings().home, project))
            if said.get("finished")
        }
    except WinnowError as error:
        return _refused(404, str(error))
    if name not in there:
        return _refused(404, "This export is not there any more: reload the page.")
    save = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.zip", "Cache-Control": "no-store"}
    return StreamingResponse(zipped(there[name]), headers=HEADERS | save, media_type="application/zip")


def _unsigned(request: Request, kind: str, path: str) -> Response | None:
    """What is answered to an address that was not signed for this path, or has expired; None where all is well."""
    expires, signature = request.query_params.get("expires", ""), request.query_params.get("signature", "")
    if not expires.isascii() or not expires.isdigit() or len(expires) > 12:
        return _refused(403, "This address is not signed.")
    if not hmac.compare_digest(signature.encode(), _signature(kind, path, int(expires)).encode()):
        return _refused(403, "This address is not signed by this program.")
    if int(expires) < time.time():
        return _refused(410, "This address has expired: reload the page.")
    return None


def _refused(status: int, sentence: str) -> Response:
    return PlainTextResponse(sentence, status, headers=HEADERS | {"Cache-Control": "no-store"})


def _pack(project: int, images: Sequence[int]) -> bytes:
    names = {tile.image: tile.sha256 for tile in house.store().tiles(project, images)}
    blobs = house.blobs()
    thumbs = [_thumb(blobs, names.get(image, "")) for image in images]
    return struct.pack(f"<{len(thumbs) + 1}I", len(thumbs), *map(len, thumbs)) + b"".join(thumbs)


def _thumb(blobs: Blobs, sha256: str) -> bytes:
    if not sha256:
        return b""
    try:
        return blobs.thumb(sha256)
    except Missing:
        return b""  # the tile says so; the other pictures of the page are there


def _large(project: int, image: int) -> bytes:
    """The original decoded again by the one pixel path, made smaller where it is huge, as a fresh JPEG."""
    from PIL import Image

    from core import pixels

    found = house.store().images_by_id(project, [image])
    if not found:
        raise Missing(f"There is no image {image} in this project.")
    picture = pixels.decode(house.blobs().get(found[0].facts.sha256))
    picture.thumbnail((LARGE, LARGE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


ROUTES = [
    Route("/winnow/pictures/{project:int}/{ids}", pictures),
    Route("/winnow/exports/{project:int}/{name}.zip", export),
]
