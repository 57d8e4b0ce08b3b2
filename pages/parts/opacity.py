"""Maps that lie on their picture, and the slider that says how strongly: the browser alone moves it, nothing is computed."""

from __future__ import annotations

import base64
import html
import io
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

USUAL = 60  # per cent

SLIDER = """
<label><span>Picture</span><input type="range" min="0" max="100" step="1" aria-label="How strongly the maps cover the picture, per cent"><span>Map</span></label>
"""
STYLE = """
label { display: flex; align-items: center; gap: 0.6rem; max-width: 22rem; font-size: 0.875rem; color: var(--st-text-color); }
input { flex: 1; min-width: 6rem; height: 1.6rem; accent-color: var(--st-primary-color); cursor: pointer; }
"""
# Every slider of a page moves all maps on it; a new one begins where the others stand.
SCRIPT = """
const root = document.documentElement
const moved = 'winnow-heat'
export default function ({ parentElement, data }) {
  const slider = parentElement.querySelector('input')
  const show = () => { slider.value = 100 * (root.style.getPropertyValue('--heat') || data.usual / 100) }
  slider.oninput = () => {
    root.style.setProperty('--heat', slider.value / 100)
    document.dispatchEvent(new Event(moved))
  }
  document.addEventListener(moved, show)
  show()
  return () => document.removeEventListener(moved, show)
}
"""
STACK = (
    '<div style="position: relative; width: {side}px; height: {side}px">'
    '<img src="{under}" alt="" style="{fill}"><img src="{over}" alt="{alt}" style="{fill}; opacity: var(--heat, {usual})">'
    "</div>"
)
FILL = "position: absolute; inset: 0; width: 100%; height: 100%; image-rendering: pixelated; border-radius: 0.25rem"


@lru_cache
def _component() -> Any:
    return component("winnow_opacity", html=SLIDER, css=STYLE, js=SCRIPT)


def slider(key: str) -> None:
    """How strongly the maps of the page cover their pictures."""
    _component()(key=f"opacity-{key}", data={"usual": USUAL})


def covered(pixels: np.ndarray, heat: np.ndarray, side: int, alt: str) -> None:
    """A picture with its map on it, both (S, S, 3) uint8, `side` px wide on the page."""
    made = STACK.format(
        side=side, under=_address(pixels), over=_address(heat), fill=FILL, usual=USUAL / 100, alt=html.escape(alt)
    )
    st.html(made, width=side)


def _address(pixels: np.ndarray) -> str:
    """The pixels as a PNG within an address."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
