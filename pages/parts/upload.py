"""A file that is uploaded, or lies on this computer. What was uploaded is kept, and stays in use until another is chosen."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.errors import BadInput
from core.model import Project
from pages.parts import house

UPLOAD, HERE = "Upload it", "It lies on this computer"
LARGEST = 500  # MB; it passes through memory. A larger file is named by its path
LONGEST = 60  # characters of a name that is kept: 240 bytes at most, and a file system takes 255


def file(project: Project, what: str, label: str, types: Sequence[str], example: str, before: str) -> Path | None:
    """The chosen file, None where there is none yet; `before`: the one of the last fetch. Raises BadInput for a wrong path."""
    mine = bool(before) and Path(before).is_relative_to(_folder())
    how = st.segmented_control(
        f"Where is the {what}?", [UPLOAD, HERE], default=HERE if before and not mine else UPLOAD, required=True,
        key=f"{what}-where-{project.id}", persist_state="session",
    )  # fmt: skip
    if how == UPLOAD:
        return uploaded(project, what, label, types, before if mine else "")
    written = st.text_input(
        f"Path of the {what}", "" if mine else before, placeholder=example, key=f"{what}-path-{project.id}",
        persist_state="session",
    )  # fmt: skip
    if not written.strip():
        return None
    path = Path(written.strip()).expanduser()
    if not path.is_file():
        raise BadInput(f"There is no file {str(path)!r} on the computer that Winnow runs on.")
    return path


def uploaded(
    project: Project, what: str, label: str, types: Sequence[str], before: str = "", about: str = ""
) -> Path | None:
    """The uploaded file that is in use, by its name, with a way to another one; else the place to upload one."""
    mark = f"{what}-uploaded-{project.id}"
    path = Path(st.session_state.setdefault(mark, before))
    if not path.is_file():
        _given(mark, label, types, about)
        return None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{house.text(path.name, 80)}** is in use, {path.stat().st_size / 1e6:,.1f} MB.", width="content")
        with st.popover("Choose another"):
            _given(mark, label, types, about)
        if st.button("Leave it out", key=f"{mark}-none"):
            st.session_state[mark] = ""
            st.rerun()
    return path


def _given(mark: str, label: str, types: Sequence[str], about: str) -> None:
    now = st.session_state[mark]
    given = st.file_uploader(
        label, list(types), key=f"{mark}-{zlib.crc32(now.encode())}", max_upload_size=LARGEST, help=about or None
    )  # fmt: skip
    if given is not None and (path := str(keep(given.name, given.getbuffer()))) != now:
        st.session_state[mark] = path
        st.rerun()


def keep(name: str, data: bytes | memoryview) -> Path:
    """An uploaded file in a folder of its own, under the name it had as far as that is safe: the job reads it later."""
    safe = re.sub(r"[^\w.()+ -]", "_", Path(name).name)[-LONGEST:].lstrip(". ") or "upload"
    path = _folder() / hashlib.sha256(data).hexdigest()[:32] / safe
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.parent / ".part"
        part.write_bytes(data)
        part.replace(path)  # last: what has the name is whole
    return path


def _folder() -> Path:
    return house.settings().home.absolute() / "uploads"
