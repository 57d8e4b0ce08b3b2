"""Any web page as a source: which page, which pictures, whose they are, and what the page asks of machines."""

import json
from dataclasses import astuple

import pytest

from core.errors import BadInput, Permanent, Refused
from core.model import UNKNOWN_LICENCE
from core.sources import page
from core.sources.options import Options
from core.sources.page.charset import decode
from core.sources.page.document import read
from core.sources.page.pictures import srcset
from core.web import Web, blocking
from tests.providers.pages import ARTICLE, GALLERY, HTML, JPEG, POST, Pages, shop

HERE = "https://site.example/dir/page"


@pytest.fixture
def site():
    with Pages() as running:
        yield running


def search(site, path, query="shoe", cursor="", **options):
    with blocking(Web((site.allow,))) as get:
        return page.search(query, cursor, Options(address=site.url + path, **options), get)


def all_of(site, path, query="shoe", **options):
    """The answers to the whole chain of cursors, and how often one was asked."""
    found, cursor, asked = [], "", 0
    while cursor or not asked:
        answer = search(site, path, query, cursor, **options)
        found += answer.candidates
        cursor, asked = answer.next, asked + 1
    return found, asked


def of(html, selector=""):
    """The addresses of the pictures in a page, without a server or a process."""
    return [picture.url for picture in read(html, HERE, selector).pictures]


def linked(value, html=""):
    text = value if isinstance(value, str) else json.dumps(value)
    return read(f'<script type="application/ld+json">{text}</script>{html}', HERE).pictures


# Whole pages ---------------------------------------------------------------------------------------------------------


def test_a_shop_gives_each_article_once_in_its_largest_size(site):
    site.put("/shoe", shop("red", "blue"))
    answer = search(site, "/{class}")
    assert [(c.url, c.title) for c in answer.candidates] == [
        (f"{site.url}/media/red-1200.jpg", "red shoe"), (f"{site.url}/media/blue-1200.jpg", "blue shoe"),
        (f"{site.url}/media/banner.jpg", "")]  # fmt: skip
    assert answer.next == ""


def test_a_candidate_says_where_it_stood_and_that_its_licence_is_unknown(site):
    site.put("/shoe", shop("red"))
    first = search(site, "/{class}").candidates[0]
    assert (first.label, first.source, first.page, first.creator, first.licence, first.licence_url, first.error) == (
        "", "page", f"{site.url}/shoe", "", UNKNOWN_LICENCE, "", "")  # fmt: skip


def test_an_article_gives_its_caption_and_the_licence_of_the_page(site):
    site.put("/wiki", ARTICLE)
    first, second = search(site, "/wiki").candidates
    assert first.url == "http://upload.example/commons/thumb/a/a1/Saloon.jpg/500px-Saloon.jpg"
    assert (first.title, first.licence) == ("A saloon of 1968", "CC BY-SA 4.0")
    assert first.licence_url == "https://creativecommons.org/licenses/by-sa/4.0/deed.en"
    assert second.url == "http://upload.example/commons/a/a1/Saloon.jpg/1200px-Saloon.jpg"


def test_a_lazy_gallery_gives_what_its_script_would_load(site):
    site.put("/set", GALLERY)
    assert [(c.url, c.title) for c in search(site, "/set").candidates] == [
        ("https://pictures.example/set/one.jpg", "one"), ("https://pictures.example/set/two-l.jpg", "two"),
        ("https://pictures.example/three.jpg", "three"), ("https://cdn.example/four%20x.jpg", ""),
        ("https://pictures.example/set/five@2x.webp", "five"),
        ("https://pictures.example/set/six.jpg", "six")]  # fmt: skip


def test_a_post_gives_what_json_ld_says_of_its_picture_and_the_products_pictures(site):
    site.put("/post", POST)
    found = {c.url.removeprefix(site.url): c for c in search(site, "/post").candidates}
    assert list(found) == ["/uploads/runner.jpg", "https://shop.example/runner-front.jpg",
                           "/wp-content/uploads/runner-side.jpg", "/uploads/card.jpg"]  # fmt: skip
    runner, side = found["/uploads/runner.jpg"], found["/wp-content/uploads/runner-side.jpg"]
    assert (runner.title, runner.creator, runner.licence) == ("The runner on a track", "Ann Example", "CC BY-NC 4.0")
    assert (side.title, side.creator, side.licence) == ("Runner, side", "The Blog", UNKNOWN_LICENCE)


def test_the_page_is_where_a_redirect_led(site):
    site.put("/new/list", '<img src="a.jpg">')
    (found,) = search(site, "/to?/new/list").candidates
    assert (found.url, found.page) == (f"{site.url}/new/a.jpg", f"{site.url}/new/list")


def test_a_page_without_a_picture_is_no_error(site):
    site.put("/1", "<p>nothing</p>")
    site.put("/2", "")
    assert [(search(site, f"/{n}").candidates, search(site, f"/{n}").next) for n in (1, 2)] == [((), "")] * 2
    assert search(site, "/{1..2}").next == "2"


# Which page ----------------------------------------------------------------------------------------------------------


def test_the_pages_of_a_range_are_asked_one_by_one(site):
    for n in range(1, 4):
        site.put(f"/shoe?page={n}", f'<img src="/{n}.jpg"><a rel="next" href="/elsewhere">next</a>')
    found, asked = all_of(site, "/{class}?page={1..3}")
    assert [c.url for c in found] == [f"{site.url}/{n}.jpg" for n in (1, 2, 3)]
    assert (asked, site.paths) == (3, [f"/shoe?page={n}" for n in (1, 2, 3)])
    assert search(site, "/{class}?page={1..3}").next == "2"


def test_a_range_with_a_leading_zero_keeps_its_width(site):
    site.put("/09.html", "<img src=9.jpg>")
    site.put("/10.html", "<img src=10.jpg>")
    assert len(all_of(site, "/{09..10}.html")[0]) == 2


def test_the_class_is_quoted(site):
    site.put("/s/AC%2FDC%20%C3%BC%7B1..3%7D%3F", "<img src=a.jpg>")
    assert len(search(site, "/s/{class}", "AC/DC ü{1..3}?").candidates) == 1


def test_without_a_range_the_link_to_the_next_page_is_followed(site):
    site.put("/a", '<head><link rel="next" href="/b"></head><img src=1.jpg>')
    site.put("/b", '<img src=2.jpg><a class=x rel="nofollow Next" href="c?x=1#top">more</a>')
    site.put("/c?x=1", "<img src=3.jpg>")
    found, asked = all_of(site, "/a")
    assert ([c.url[-5:] for c in found], asked) == (["1.jpg", "2.jpg", "3.jpg"], 3)


@pytest.mark.parametrize("link", ["/a", "/b", "/a#x", "http://other.example/c", "javascript:next()", "", "http://[bad"])
def test_a_link_that_leads_back_or_away_is_not_followed(site, link):
    site.put("/a", "<a rel=next href=/b></a><img src=1.jpg>")
    site.put("/b", f"<a rel=next href='{link}'></a><img src=2.jpg>")
    assert all_of(site, "/a")[1] == 2


def test_a_redirect_in_a_circle_of_pages_ends_too(site):
    site.put("/b", "<a rel=next href=/to?/b></a>")
    assert all_of(site, "/to?/b")[1] == 1


def test_no_more_than_fifty_pages_follow_each_other(site):
    for n in range(60):
        site.put(f"/{n}", f"<a rel=next href=/{n + 1}></a>")
    with blocking(Web((site.allow,))) as get:
        cursor, asked = "", 0
        while cursor or not asked:
            cursor = page.search("x", cursor, Options(address=f"{site.url}/0"), get).next
            asked += 1
    assert asked == 50


@pytest.mark.parametrize(
    "address",
    ["", "shop.example", "ftp://h/x", "file:///etc/passwd", "https://", "https://h/{klass}", "https://h/{1..}",
     "https://h/ x",
     "https://h/{1..2}/{3..4}", "https://h/{5..4}", "https://h/{class", "https://h/{a..c}"],
)  # fmt: skip
def test_an_address_that_is_none_is_named(address):
    with pytest.raises(BadInput) as caught:
        page.search("x", "", Options(address=address), lambda *_, **__: pytest.fail("it was asked for"))
    assert address in str(caught.value)


@pytest.mark.parametrize("cursor", ["0", "4", "-1", "x", "1 ab http://h/", "9" * 12])
def test_a_cursor_of_another_address_is_refused(cursor):
    with pytest.raises(BadInput, match="is not a page of"):
        page.search("x", cursor, Options(address="https://h/{1..3}"), lambda *_, **__: pytest.fail("it was asked for"))


# Which pictures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("html", "urls"), [
    ('<img src="a.jpg">', ["/dir/a.jpg"]),
    ('<img src=" /a b.jpg#x ">', ["/a%20b.jpg"]),
    ('<img src="?id=7">', ["/dir/page?id=7"]),
    ("<img src=''><img><img src='#'><img src='data:image/png;base64,AA=='><img src='blob:x'>", []),
    ("<img src=a.SVG><img src=b.svg?v=2><img src=c.svgz>", []),
    ("<img src=a.jpg><img src=a.jpg><img src=./a.jpg>", ["/dir/a.jpg"]),
    ("<img src=a.jpg width=2 height=300><img src=b.jpg width=1 height=1><img src=c.jpg height=0>", []),
    ("<img src=a.jpg width=63 height=63px>", []),
    ("<img src=a.jpg width=63><img src=b.jpg width=63 height=64><img src=c.jpg width=100% height=10>",
     ["/dir/a.jpg", "/dir/b.jpg", "/dir/c.jpg"]),
    ("<img srcset='a.jpg 1x, b.jpg 3x, c.jpg 2x'>", ["/dir/b.jpg"]),
    ("<img srcset='a.jpg, b.jpg' src=c.jpg>", ["/dir/a.jpg"]),
    ("<img src=a.jpg srcset='w_10,h_20/a.jpg 900w, small.jpg 90w'>", ["/dir/w_10,h_20/a.jpg"]),
    ("<picture><source srcset='a.webp 900w'><img src=a.jpg srcset='a-2.jpg 1800w'></picture>", ["/dir/a-2.jpg"]),
    ("<picture><source srcset=a.webp></picture>", ["/dir/a.webp"]),
    ("<video><source src=v.mp4></video><picture></picture>", []),
    ("<noscript><img src=a.jpg></noscript>", ["/dir/a.jpg"]),
    ("<img src=small.jpg srcset='small.jpg 100w, big.jpg 900w'><img src=big.jpg alt=big>", ["/dir/big.jpg"]),
    ("<img src=blank.gif srcset=a.jpg><img src=blank.gif srcset=b.jpg>", ["/dir/a.jpg", "/dir/b.jpg"]),
    ("<base href=/x/><base href=/y/><img src=a.jpg>", ["/x/a.jpg"]),
    ("<base href='javascript:1'><img src=a.jpg>", ["/dir/a.jpg"]),
    ("<base href='http://[x'><img src=a.jpg>", ["/dir/a.jpg"]),
    ('<meta property="OG:image" content="/o.jpg"><meta name="twitter:image" content="/t.jpg">', ["/o.jpg", "/t.jpg"]),
    ("<svg><image href=z.jpg></image></svg><template><img src=t.jpg></template>", []),
])  # fmt: skip
def test_pictures_are_found_where_pages_have_them(html, urls):
    assert of(html) == [f"https://site.example{url}" for url in urls]


@pytest.mark.parametrize(("text", "sizes"), [
    ("", []), (" , ,, ", []), ("a", [("a", (0, 1.0))]), ("a 2x", [("a", (0, 2.0))]), ("a 1.5x", [("a", (0, 1.5))]),
    ("a 100w 50h,b 200w", [("a", (100, 0.0)), ("b", (200, 0.0))]), ("a,b 2x", [("a,b", (0, 2.0))]),
    ("a -5w, b nanx, c 99999999w", [("a", (0, 1.0)), ("b", (0, 1.0)), ("c", (0, 1.0))]),
    ("data:image/gif;base64,AA 1w, b 2w", [("data:image/gif;base64,AA", (1, 0.0)), ("b", (2, 0.0))]),
])  # fmt: skip
def test_a_srcset_is_read_as_browsers_do(text, sizes):
    assert list(srcset(text)) == sizes


def test_a_long_hostile_srcset_takes_no_time():
    assert len(list(srcset("," * 1_000_000 + "a 1x" + ",b" * 500_000))) <= 2


def test_a_picture_takes_its_title_from_alt_then_title_then_caption():
    html = """<figure><img src=1.jpg alt=" the\n alt " title=t><figcaption>c</figcaption></figure>
      <figure><img src=2.jpg alt="" title=t><figcaption>c</figcaption></figure>
      <figure><a><img src=3.jpg></a><figcaption> the  <b>caption</b> </figcaption></figure><img src=4.jpg>"""
    assert [p.title for p in read(html, HERE).pictures] == ["the alt", "t", "the caption", ""]


def test_an_address_that_is_none_is_counted_and_the_rest_goes_on(site):
    site.put("/x", "<img src='http://[bad'><img src=a.jpg><img src='http://h:99999999/x.jpg'>")
    found = search(site, "/x").candidates
    assert [(c.url, c.error) for c in found] == [
        ("http://[bad", "malformed result"), (f"{site.url}/a.jpg", ""),
        ("http://h:99999999/x.jpg", "malformed result")]  # fmt: skip


# The part that counts ------------------------------------------------------------------------------------------------


def test_a_selector_leaves_only_the_images_inside(site):
    site.put("/set", GALLERY.replace("</head>", '<meta property="og:image" content="/o.jpg"></head>'))
    assert [c.title for c in search(site, "/set", selector="#more").candidates] == ["six"]
    assert len(search(site, "/set", selector="#photos").candidates) == 5
    assert search(site, "/set", selector=".none").candidates == ()


@pytest.mark.parametrize(("selector", "urls"), [
    ("img", ["1", "2", "3"]), (".a", ["1", "2"]), (".a, .b", ["1", "2", "3"]), ("img.b", ["3"]), ("picture", ["2"]),
    ("source", ["2"]), ("div:has(> picture)", ["2"]), ("*", ["1", "2", "3"]), (":not(.b)", ["1", "2", "3"]),
])  # fmt: skip
def test_a_selector_may_name_the_images_or_what_is_around_them(selector, urls):
    html = """<div class=a><p><img src=1></p></div><div class=a><picture><source srcset=2><img src=2-s></picture></div>
      <img class=b src=3>"""
    assert [url.rpartition("/")[2] for url in of(html, selector)] == urls


def test_what_json_ld_says_of_an_image_holds_within_a_selector():
    html = POST.replace("<article>", "<article><img src=/other.jpg>")
    found = read(html, HERE, "article").pictures
    assert [p.url.rpartition("/")[2] for p in found] == ["other.jpg", "runner.jpg"]
    assert [p.creator for p in found] == ["", "Ann Example"]


@pytest.mark.parametrize(
    "selector", ["div[", "..a", "a >", "h1:contains(x)", "::before", "12", ",", "  ", "\ud800", "a){}"]
)
def test_a_malformed_selector_is_named(site, selector):
    site.put("/x", "<img src=a.jpg>")
    with pytest.raises(BadInput) as caught:
        search(site, "/x", selector=selector)
    assert repr(selector) in str(caught.value)


# Whose they are ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "said"), [
    ({"@type": "ImageObject", "contentUrl": "/a.jpg", "url": "/page.html",
      "license": "http://creativecommons.org/licenses/by/4.0"},
     ("/a.jpg", "", "", "http://creativecommons.org/licenses/by/4.0")),
    ({"@type": "https://schema.org/ImageObject", "url": "/a.jpg", "name": " the\n name", "caption": {"name": "c"}},
     ("/a.jpg", "c", "", "")),
    ([[{"@type": "Recipe", "image": [["/a.jpg"]]}]], ("/a.jpg", "", "", "")),
    ({"@graph": [{"mainEntity": {"@type": "Product", "image": {
        "url": ["/a.jpg", "/b.jpg"], "author": ["A", {"name": "B"}]}}}]},
     ("/a.jpg", "", "A, B", "")),
    ({"image": {"contentUrl": "a.jpg", "copyrightHolder": {"name": "H"}, "creditText": "T", "license": {"@id": "/l"}}},
     ("/dir/a.jpg", "", "H", "https://site.example/l")),
    ({"image": {"url": "/a.jpg", "license": "all rights reserved", "acquireLicensePage": "https://h/buy"}},
     ("/a.jpg", "", "", "https://h/buy")),
    ({"image": {"url": "/a.jpg", "license": "https://[bad", "creditText": "T"}}, ("/a.jpg", "", "T", "")),
])  # fmt: skip
def test_json_ld_is_read_in_its_usual_forms(value, said):
    (found,) = linked(value)
    assert (found.url.removeprefix("https://site.example"), *astuple(found)[1:4]) == said


@pytest.mark.parametrize("value", [
    "", "no json", "{", '{"@type": "ImageObject"', "[" * 100_000, "null", "7", '"/a.jpg"', "NaN", "<!-- {} -->",
    {"@type": "ImageObject"}, {"@type": "ImageObject", "contentUrl": 7, "url": None}, {"@type": {"a": 1}, "image": 7},
    {"image": None}, {"image": {}}, {"image": [{}, None, 3, [], {"url": {}}, {"url": [[]]}]},
    {"@type": [7, None], "url": "/a.jpg"},
    {"@type": "ImageObject", "url": "data:image/png;base64,AA=="}, {"image": "#primary"}, {"image": HERE + "#primary"},
    {"@type": "Person", "image": "/face.jpg"}, {"logo": {"@type": "ImageObject", "url": "/logo.png"}},
])  # fmt: skip
def test_json_ld_that_says_nothing_of_a_picture_harms_nothing(value):
    assert [p.url for p in linked(value, "<img src=/a.png>")] == ["https://site.example/a.png"]


@pytest.mark.parametrize("key", ["license", "acquireLicensePage", "creator", "author", "copyrightHolder", "creditText",
                                 "caption", "name", "thumbnailUrl", "url"])  # fmt: skip
@pytest.mark.parametrize("value", [None, 7, True, [], {}, [[]], [None, {}], {"name": 5, "url": []}])
def test_a_field_of_a_wrong_type_is_an_empty_one(key, value):
    (found,) = linked({"@type": "ImageObject", "contentUrl": "/a.jpg", key: value})
    assert (found.url, found.title, found.creator, found.licence_url) == ("https://site.example/a.jpg", "", "", "")


BY, SA = "https://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/licenses/by-sa/4.0/"


@pytest.mark.parametrize(("html", "licences"), [
    (f"<img src=1><a rel=license href={BY}>l</a>", ["CC BY 4.0"]),
    (f"<link rel='LICENSE' href={BY}><img src=1><a rel='nofollow license' href={BY}deed.de>l</a>", ["CC BY 4.0"]),
    (f"<img src=1><a rel=license href={BY}></a><a rel=license href={SA}></a>", [UNKNOWN_LICENCE]),
    (f"<figure><img src=1><a rel=license href={BY}></a></figure>"
     f"<figure><img src=2><a rel=license href={SA}></a></figure><img src=3>",
     ["CC BY 4.0", "CC BY-SA 4.0", UNKNOWN_LICENCE]),
    (f"<figure><img src=1><a rel=license href={SA}></a></figure><img src=2><a rel=license href={BY}></a>",
     ["CC BY-SA 4.0", "CC BY 4.0"]),
    (f"<img src=1><a href={BY}>not said to be the licence</a>", [UNKNOWN_LICENCE]),
    ("<img src=1><a rel=license href='javascript:1'></a><a rel=license></a><a rel=license href='http://[x'>",
     [UNKNOWN_LICENCE]),
])  # fmt: skip
def test_a_licence_is_that_of_the_figure_else_that_of_the_page(site, html, licences):
    site.put("/x", html)
    assert [c.licence for c in search(site, "/x").candidates] == licences


def test_a_licence_that_is_not_known_keeps_its_address(site):
    site.put("/x", "<img src=1><a rel=license href=/terms>terms</a><meta name=author content='A  B'>")
    (found,) = search(site, "/x").candidates
    assert (found.licence, found.licence_url, found.creator) == (UNKNOWN_LICENCE, f"{site.url}/terms", "A B")


# What the page asks of machines --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("meta", "word"), [
    ('<meta name="robots" content="noai">', "noai"), ('<META NAME="ROBOTS" CONTENT="index, NoImageAI">', "noimageai"),
    ('<meta name=robots content="nofollow noindex">', "noindex"), ("<meta name=robots content=none>", "none"),
    ("<meta name=winnow content=noimageindex>", "noimageindex"), ("<body><meta name=robots content=noai>", "noai"),
])  # fmt: skip
def test_a_page_that_does_not_want_it_gives_no_picture(site, meta, word):
    site.put("/x", f"{meta}<img src=a.jpg>")
    with pytest.raises(Permanent) as caught:
        search(site, "/x")
    assert caught.value.reason == "noai"
    assert f"says {word}" in str(caught.value)
    assert "<meta name=" in str(caught.value)


def test_a_page_that_reserves_text_and_data_mining_gives_no_picture(site):
    site.put("/x", '<meta name="tdm-reservation" content=" 1 "><img src=a.jpg>')
    with pytest.raises(Permanent, match="tdm-reservation") as caught:
        search(site, "/x")
    assert caught.value.reason == "tdm reserved"  # the word that the header of the same name is counted under


@pytest.mark.parametrize("meta", [
    "<meta name=robots content='index, follow, max-image-preview:large'>", "<meta name=googlebot content=noindex>",
    "<meta name=tdm-reservation content=0>", "<meta name=description content=noai>",
    "<!-- <meta name=robots content=noai> -->",
    "<a rel=nofollow href=/>noai</a>", "<meta name=robots content='otherbot: noai'>",
])  # fmt: skip
def test_a_page_that_says_nothing_against_it_gives_its_pictures(site, meta):
    site.put("/x", f"{meta}<img src=a.jpg>")
    assert len(search(site, "/x").candidates) == 1


def test_robots_txt_and_headers_are_heeded(site):
    site.put("/x", "<img src=a.jpg>", HTML, "X-Robots-Tag: noai")
    with pytest.raises(Permanent) as caught:
        search(site, "/x")
    assert caught.value.reason == "noai"
    site.robots = b"User-agent: *\nDisallow: /x"
    with pytest.raises(Permanent) as caught:
        search(site, "/x")
    assert caught.value.reason == "robots"


# What is no page, and pages that are broken --------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "kind"), [
    (JPEG, "image/jpeg"), (JPEG, "text/html"), (JPEG, ""), (b"RIFF\0\0\0\0WEBPVP8 ", "application/octet-stream"),
    (b"BM....", "image/bmp"),
])  # fmt: skip
def test_an_address_of_an_image_is_one_picture(site, body, kind):
    site.put("/1", body, kind)
    answer = search(site, "/{1..2}")
    assert [(c.url, c.page, c.licence) for c in answer.candidates] == [
        (f"{site.url}/1", f"{site.url}/1", UNKNOWN_LICENCE)
    ]
    assert answer.next == "2"


@pytest.mark.parametrize(("body", "kind", "named"), [
    (b'{"a": 1}', "application/json", "application/json"), (b"%PDF-1.7", "application/pdf; x=y", "application/pdf"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "image/svg+xml"),
    (b"words", "text/plain", "text/plain"),
    (b"", "", "something else"), (b"PK\3\4", "<b>x</b>", "something else"),
])  # fmt: skip
def test_what_is_no_page_is_refused_by_name(site, body, kind, named):
    site.put("/x", body, kind)
    with pytest.raises(Permanent) as caught:
        search(site, "/x")
    assert caught.value.reason == "malformed answer"
    assert f"{site.url}/x is no web page but {named}" in str(caught.value)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/xml", "image/jpeg"])
def test_a_page_under_another_name_is_a_page(site, kind):
    site.put("/x", b"<?xml version='1.0'?>\n<!-- a --><!-- b -->\n<!DOCTYPE html><img src=a.jpg>", kind)
    assert [c.url for c in search(site, "/x").candidates] == [f"{site.url}/a.jpg"]


@pytest.mark.parametrize(("html", "count"), [
    ("<img src=a.jpg", 0), ("<div><p><b><img src=a.jpg></p></div></b><td>", 1), ("<img src=a.jpg alt='never closed>", 0),
    ("</p></div>" * 1000 + "<img src=a.jpg>", 1), ("<!-- <img src=a.jpg>", 0), ("<![CDATA[<img src=a.jpg>]]>", 0),
    ("\0\0<img src=a.jpg>\0", 1), ('<img src="a\0b.jpg">', 1), ("<" * 10_000 + "<img src=a.jpg>", 1),
    ("<script><img src=a.jpg>", 0), ("<table><img src=a.jpg><tr>", 1), ("&#xD800;<img src='&#xD800;.jpg'>", 1),
    ('<script type="application/ld+json">{"image": "/\\ud83d.jpg"}</script>', 1),
])  # fmt: skip
def test_malformed_html_is_read_as_browsers_do(site, html, count):
    site.put("/x", html)
    assert [c.error for c in search(site, "/x").candidates] == [""] * count


@pytest.mark.parametrize(("body", "kind"), [
    ("Käfer".encode(), "text/html; charset=utf-8"), ("Käfer".encode("latin-1"), "text/html; charset=utf-8"),
    ("Käfer".encode("latin-1"), "text/html"), ("Käfer".encode(), "text/html; charset=iso-8859-1"),
    (b"<meta charset=windows-1252>" + "Käfer".encode("cp1252"), "text/html"), ("Käfer".encode("utf-16"), "text/html"),
    ("\ufeffKäfer".encode(), "text/html; charset=koi8-r"),
    ("Käfer".encode("utf-16-le"), "text/html; charset=UTF-16LE"),
    (b"<meta http-equiv=Content-Type content='text/html; charset=latin1'>" + "Käfer".encode("latin-1"),
     "text/html; charset=nonsense"),
    ("Käfer".encode("latin-1"), "text/html; charset=punycode"),
])  # fmt: skip
def test_letters_are_right_whatever_the_label_says(body, kind):
    text = decode(body, kind)
    assert "Käfer" in text or (kind.endswith("=utf-8") and "K\ufffdfer" in text)


def test_other_alphabets_are_read_by_their_label():
    assert decode("車".encode("shift_jis"), "text/html; charset=Shift_JIS") == "車"
    assert decode("автомобиль".encode("cp1251") + b"<meta charset=windows-1251>", "").startswith("автомобиль")


def test_ten_thousand_nested_elements_are_read(site):
    site.put("/x", "<div>" * 10_000 + "<img src=a.jpg>" + "</div>" * 10_000 + "<img src=b.jpg>")
    assert [c.url[-5:] for c in search(site, "/x").candidates] == ["a.jpg", "b.jpg"]


def test_a_page_of_five_megabytes_is_read(site):
    site.put(
        "/x",
        "".join(f"<div class=p><a href=/x><img src=/{n}.jpg alt=x></a>{'text ' * 14}</div>" for n in range(40_000)),
    )
    assert len(search(site, "/x").candidates) == 40_000


def test_a_page_that_takes_too_long_is_refused(site, monkeypatch):
    monkeypatch.setattr(page, "SECONDS", 1.0)
    site.put("/x", "<div>" * 200_000)
    with pytest.raises(Permanent, match="cannot be read") as caught:
        search(site, "/x")
    assert caught.value.reason == "malformed answer"


@pytest.mark.slow
def test_a_page_that_keeps_a_processor_busy_is_ended_by_its_limit(site):
    site.put("/x", "<div>" * 200_000)
    with pytest.raises(Permanent, match="nested too deep"):
        search(site, "/x")


@pytest.mark.parametrize(
    ("path", "reason"), [("/status/404", "http 404"), ("/status/500", "http 500"), ("/reset/x", "connection")]
)
def test_what_the_host_answers_is_counted_under_its_reason(site, path, reason):
    with pytest.raises(Refused) as caught:
        search(site, path)
    assert caught.value.reason == reason
