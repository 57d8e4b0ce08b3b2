"""A web server with pages as they are met: a shop's list, an article, a lazy gallery, a post with JSON-LD.

`pages.put("/path?page=1", html)` puts up a page; everything else tests.provider does is there too.
"""

from __future__ import annotations

import asyncio
import json

from tests.provider import OK, Provider, whole

HTML = "text/html; charset=utf-8"
JPEG = b"\xff\xd8\xff\xe0" + bytes(100)


class Pages(Provider):
    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, bytes] = {}

    def put(self, path: str, body: str | bytes, kind: str = HTML, *headers: str, status: str = OK) -> None:
        """`kind` "" sends no Content-Type."""
        kinds = [f"Content-Type: {kind}"] if kind else []
        self.pages[path] = whole(body.encode() if isinstance(body, str) else body, *kinds, *headers, status=status)

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> bool:
        if path not in self.pages:
            return await super()._answer(path, writer)
        writer.write(self.pages[path])
        await writer.drain()
        return True

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path for path, _, _ in self.requests]


def shop(*names: str) -> str:
    """A page of a shop's list: a logo, a counting pixel, and for each article a picture in three sizes."""
    tile = """<li class="product"><a href="/p/{0}"><img class="thumb" src="/media/{0}-300.jpg" width="300" height="200"
      srcset="/media/{0}-300.jpg 300w, /media/{0}-600.jpg 600w,/media/{0}-1200.jpg 1200w" alt="{0} shoe"></a></li>"""
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shoes</title>
      <meta property="og:image" content="/media/banner.jpg"></head><body>
      <header><img src="/logo.svg" alt="Shop"><img src="/cart.png" width="24" height="24" alt=""></header>
      <ul class="list">{"".join(map(tile.format, names))}</ul>
      <footer><img src="https://count.example/p.gif?x=1" width="1" height="1" alt=""></footer></body></html>"""


ARTICLE = """<!DOCTYPE html><html><head><meta charset="UTF-8"/><title>Saloon car</title>
  <link rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/deed.en">
  <meta property="og:image" content="//upload.example/commons/a/a1/Saloon.jpg/1200px-Saloon.jpg"></head><body>
  <figure typeof="mw:File/Thumb"><a href="/wiki/File:Saloon.jpg"><img
     src="//upload.example/commons/thumb/a/a1/Saloon.jpg/250px-Saloon.jpg" width="250" height="188"
     srcset="//upload.example/commons/thumb/a/a1/Saloon.jpg/375px-Saloon.jpg 1.5x,
             //upload.example/commons/thumb/a/a1/Saloon.jpg/500px-Saloon.jpg 2x"></a>
     <figcaption>A <a href="/wiki/Saloon">saloon</a> of <b>1968</b></figcaption></figure>
  <p>Text <img src="/icons/lock.png" width="20" height="20"></p>
  <footer>Text is available under the <a rel="license" href="//creativecommons.org/licenses/by-sa/4.0/">licence</a>.
  </footer></body></html>"""

GALLERY = """<html><head><base href="https://pictures.example/set/"></head><body><div id="photos">
  <img class="lazy" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" data-src="one.jpg" alt="one">
  <noscript><img src="one.jpg" alt="one"></noscript>
  <img class="lazy" src="/blank.gif" data-srcset="two-s.jpg 400w, two-l.jpg 1600w" alt="two">
  <img class="lazy" src="/blank.gif" data-original="../three.jpg" title="three">
  <img class="lazy" src="/blank.gif" data-lazy-src="//cdn.example/four%20x.jpg">
  <picture><source type="image/webp" data-srcset="five.webp 1x, five@2x.webp 2x"><source srcset="five.jpg">
  <noscript><img src="five.jpg" alt="five"></noscript></picture></div>
  <div id="more"><img src="six.jpg" alt="six"></div></body></html>"""

PRODUCT = {
    "@context": "https://schema.org/", "@type": "Product", "name": "Runner", "image": [
        "https://shop.example/runner-front.jpg",
        {"@type": "ImageObject", "url": "/wp-content/uploads/runner-side.jpg", "caption": "Runner, side"},
    ],
    "brand": {"@type": "Brand", "name": "B", "logo": "https://shop.example/logo.png",
              "image": "https://shop.example/brand.png"},
    "offers": {"@type": "Offer", "price": "80"},
}  # fmt: skip
GRAPH = {
    "@context": "https://schema.org",
    "@graph": [
        {"@type": "Article", "image": {"@id": "https://blog.example/post/#primaryimage"},
         "author": {"@type": "Person", "name": "Ann", "image": {"@type": "ImageObject", "url": "/ann.jpg"}}},
        {"@type": ["ImageObject"], "@id": "https://blog.example/post/#primaryimage", "url": "/uploads/runner.jpg",
         "contentUrl": "/uploads/runner.jpg", "thumbnailUrl": "/uploads/runner-150x150.jpg",
         "license": "https://creativecommons.org/licenses/by-nc/4.0/", "acquireLicensePage": "/licences",
         "creator": {"@type": "Person", "name": "Ann Example"}, "creditText": "Example Studio",
         "caption": "The runner on a track"},
        {"@type": "Organization", "logo": {"@type": "ImageObject", "url": "/logo.png"}},
    ],
}  # fmt: skip
POST = f"""<!DOCTYPE html><html><head><title>Runner</title><meta name="author" content="The  Blog">
  <meta property="og:image" content="/uploads/runner.jpg"><meta name="twitter:image" content="/uploads/card.jpg">
  <script type="application/ld+json" class="seo">{json.dumps(GRAPH)}</script>
  <script type="application/ld+json">{json.dumps(PRODUCT)}</script></head><body><article>
  <img width="1024" height="683" src="/uploads/runner-1024x683.jpg" alt=""
   srcset="/uploads/runner-1024x683.jpg 1024w, /uploads/runner-300x200.jpg 300w, /uploads/runner.jpg 2048w"
   sizes="(max-width: 1024px) 100vw, 1024px" class="wp-image-7"></article></body></html>"""
