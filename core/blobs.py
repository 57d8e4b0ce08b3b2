"""Bytes by their SHA-256, on any file system fsspec knows. Originals are written once and never changed.

Layout under the root: `images/ab/abcdef...` the bytes as fetched, `thumbs/ab/abcdef....jpg` the re-encoded
thumbnail (the only form that a browser ever gets), both named by the SHA-256 of the original.
"""

from __future__ import annotations

import hashlib
import os
import uuid

import fsspec

from core.errors import Damaged, Missing


class Blobs:
    def __init__(self, root: str) -> None:
        self._fs, path = fsspec.core.url_to_fs(root)
        self.root = path.rstrip("/")

    def path(self, sha256: str, kind: str = "images") -> str:
        """Where the blob lies; `kind` is "images" or "thumbs"."""
        end = ".jpg" if kind == "thumbs" else ""
        return f"{self.root}/{kind}/{sha256[:2]}/{sha256}{end}"

    def put(self, sha256: str, data: bytes, thumb: bytes) -> None:
        """Keep an image and its thumbnail. Written last by rename, so a reader sees all of it or nothing."""
        self._write(self.path(sha256, "thumbs"), thumb)
        self._write(self.path(sha256), data)

    def has(self, sha256: str) -> bool:
        return self._fs.exists(self.path(sha256))

    def sizes(self, prefix: str) -> dict[str, int]:
        """SHA-256 -> bytes, of every image whose SHA-256 begins with these two characters; one listing."""
        try:
            there = self._fs.ls(f"{self.root}/images/{prefix}", detail=True)
        except FileNotFoundError:
            return {}
        return {os.path.basename(one["name"]): one["size"] for one in there}

    def get(self, sha256: str, verify: bool = False) -> bytes:
        """The original bytes. Raises Missing, or Damaged where `verify` finds another SHA-256."""
        data = self._read(sha256, "images")
        if verify and hashlib.sha256(data).hexdigest() != sha256:
            raise Damaged(f"The image {sha256[:12]} has changed on disk since it was fetched: its SHA-256 differs.")
        return data

    def thumb(self, sha256: str) -> bytes:
        """The thumbnail: JPEG, longest side 256 px. Raises Missing."""
        return self._read(sha256, "thumbs")

    def _read(self, sha256: str, kind: str) -> bytes:
        try:
            return self._fs.cat_file(self.path(sha256, kind))
        except FileNotFoundError:
            raise Missing(f"The image {sha256[:12]} is not in {self.root}/{kind}: was it deleted by hand?") from None

    def _write(self, path: str, data: bytes) -> None:
        if self._fs.exists(path):
            return
        self._fs.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = f"{path}.{uuid.uuid4().hex}.part"
        self._fs.pipe_file(temporary, data)
        self._fs.mv(temporary, path)
