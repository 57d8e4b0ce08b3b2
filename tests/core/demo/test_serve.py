"""The demo's server: Openverse's documented JSON, whole pages to the end, and gone when nobody needs it."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from core.demo import draw
from core.demo.serve import LICENCES, PAGE_SIZE, PORTS, Gallery, catalogue, landing, serve

ROOT = Path(__file__).resolve().parents[3]
FIELDS = {
    "id", "title", "indexed_on", "foreign_landing_url", "url", "creator", "creator_url", "license", "license_version",
    "license_url", "provider", "source", "category", "filesize", "filetype", "tags", "attribution", "fields_matched",
    "mature", "height", "width", "thumbnail", "detail_url", "related_url",
}  # fmt: skip


@pytest.fixture(scope="module")
def base():
    with serve() as address:
        yield address


def fetch(url):
    """Status, headers, body."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def ask(base, query, page=1, size=PAGE_SIZE):
    status, _, body = fetch(f"{base}/v1/images/?q={quote(query)}&page={page}&page_size={size}")
    assert status == 200
    return json.loads(body)


def listens(base):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", urlsplit(base).port)) == 0


def gone_within(base, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not listens(base):
            return True
        time.sleep(0.05)
    return False


def test_a_result_has_the_documented_fields(base):
    answer = ask(base, "sedan", size=1)
    assert set(answer) == {"result_count", "page_count", "page_size", "page", "results"}
    (result,) = answer["results"]
    assert set(result) >= FIELDS
    assert result["license"] in {code for code, _, _ in LICENCES}
    assert result["license_url"].startswith("https://creativecommons.org/")
    assert result["creator"] in result["attribution"] and result["title"] in result["attribution"]
    assert {"name": "sedan", "accuracy": None, "unstable__provider": "winnow_demo"} in result["tags"]
    assert all(result[key].startswith(base) for key in ("url", "foreign_landing_url", "thumbnail", "detail_url"))


@pytest.mark.parametrize("label", draw.CLASSES)
def test_paging_to_the_end_finds_every_item_once(base, label):
    first = ask(base, label)
    found = [first]
    for page in range(2, first["page_count"] + 1):
        found.append(ask(base, label, page))
    paths = [urlsplit(result["url"]).path for answer in found for result in answer["results"]]
    assert first["result_count"] == draw.PER_CLASS == len(paths)
    assert paths == [f"/image/{item.id}.jpg" for item in draw.items(label)]
    assert ask(base, label, first["page_count"] + 1)["results"] == []


def test_a_query_may_be_a_plural_or_a_phrase(base):
    assert ask(base, "Trucks")["result_count"] == draw.PER_CLASS
    assert ask(base, "suv car")["result_count"] == draw.PER_CLASS
    assert 0 < ask(base, "red coupe")["result_count"] < draw.PER_CLASS


@pytest.mark.parametrize("query", ["", "   ", "submarine", "sedan submarine", "<script>"])
def test_a_query_that_fits_nothing_finds_nothing(base, query):
    answer = ask(base, query)
    assert (answer["result_count"], answer["page_count"], answer["results"]) == (0, 0, [])


def test_a_page_may_not_be_larger_than_openverse_allows_without_a_key(base):
    status, _, body = fetch(f"{base}/v1/images/?q=sedan&page_size={PAGE_SIZE + 1}")
    assert status == 401 and b"page_size" in body


@pytest.mark.parametrize("asked", ["page=0", "page=x", "page=-1", "page_size=0", "page=%C2%B2", "page=" + "9" * 400])
def test_a_page_that_is_no_number_is_refused(base, asked):
    assert fetch(f"{base}/v1/images/?q=sedan&{asked}")[0] == 400


def test_a_picture_comes_as_it_was_drawn(base):
    item = draw.items("coupe")[0]
    status, headers, body = fetch(f"{base}/image/{item.id}.jpg")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert body == draw.render(item)


def test_the_web_page_comes_as_a_jpeg_all_the_same(base):
    item = next(i for i in draw.every() if i.kind == "web_page")
    _, headers, body = fetch(f"{base}/image/{item.id}.jpg")
    assert headers["Content-Type"] == "image/jpeg" and body.startswith(b"<!doctype html>")


def test_nothing_tells_the_truth_of_an_item(base):
    kinds = {item.kind for item in draw.every()} - {"good"}
    listed = json.dumps(ask(base, "suv"))
    assert not [kind for kind in kinds if f'"{kind}"' in listed]


def test_a_result_and_its_neighbours_have_addresses_that_answer(base):
    result = ask(base, "truck")["results"][3]
    assert json.loads(fetch(result["detail_url"])[2]) == result
    assert json.loads(fetch(result["related_url"])[2])["result_count"] == draw.PER_CLASS
    assert fetch(result["thumbnail"])[2] == fetch(result["url"])[2]


@pytest.mark.parametrize(
    "path", ["/", "/image/x.jpg", "/image/../../etc/passwd", "/page/x", "/v1/images/x/", "/v1/images/x/thumb/"]
)
def test_what_is_not_there_is_not_found(base, path):
    assert fetch(base + path)[0] == 404


def test_robots_are_welcome(base):
    status, _, body = fetch(f"{base}/robots.txt")
    assert status == 200 and b"Allow: /" in body


def test_the_landing_page_shows_names_as_text(base):
    class Reader(HTMLParser):
        tags: set = set()
        text = ""

        def handle_starttag(self, tag, attrs):
            self.tags.add(tag)

        def handle_data(self, data):
            self.text += data

    record = next(r for r in catalogue().values() if r["creator"] == "Zoë <3 cars")
    status, headers, body = fetch(f"{base}/page/{record['id']}")
    reader = Reader()
    reader.feed(body.decode())
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    assert "by Zoë <3 cars" in reader.text
    evil = landing(record | {"title": "<img src=x onerror=alert(1)>", "creator": '"><script>alert(1)</script>'})
    assert "<script" not in evil and "<img src=x" not in evil


def test_paths_are_the_same_on_the_next_run(base):
    with serve() as other:
        assert other != base
        here, there = ask(base, "sedan")["results"], ask(other, "sedan")["results"]
        assert [urlsplit(r["url"]).path for r in here] == [urlsplit(r["url"]).path for r in there]


def test_the_server_is_gone_when_the_block_ends():
    with serve() as address:
        assert listens(address)
    assert not listens(address)


def test_the_server_is_gone_after_an_error_inside_the_block():
    with pytest.raises(ZeroDivisionError), serve() as address:
        raise ZeroDivisionError
    assert not listens(address)


def test_it_starts_beside_more_than_a_thousand_open_files():
    """As many as a busy app may hold: descriptors over 1,023, which `select()` does not take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip(f"A process may open only {hard} files here.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    null = os.open(os.devnull, os.O_RDONLY)
    many = [null]
    try:
        while many[-1] < 1024:
            many.append(os.dup(null))
        with serve() as base:
            assert listens(base)
    finally:
        for one in many:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a thing of POSIX systems")
def test_the_server_ends_when_its_parent_is_killed():
    code = "import time; from core.demo.serve import serve\nwith serve() as base:\n print(base, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        address = parent.stdout.readline().strip()
        assert listens(address)
        parent.send_signal(signal.SIGKILL)
        parent.wait(5)
        assert gone_within(address, 3)


def test_the_server_ends_even_while_a_sibling_holds_its_pipe():
    """A process forked off the parent keeps the pipe open; the server sees that its parent is another one."""
    code = (
        "import os, time; from core.demo.serve import serve\n"
        "with serve() as base:\n"
        " if not os.fork(): time.sleep(8); os._exit(0)\n"
        " print(base, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        address = parent.stdout.readline().strip()
        assert listens(address)
        parent.send_signal(signal.SIGKILL)
        parent.wait(5)
        assert gone_within(address, 4)
        parent.stdout.close()


def test_a_taken_port_is_stepped_over(base):
    with serve() as other:
        assert urlsplit(other).port != urlsplit(base).port
        assert urlsplit(base).hostname == urlsplit(other).hostname == "127.0.0.1"
    assert len(PORTS) >= 2


def test_what_was_drawn_once_is_read_from_the_cache(tmp_path):
    key = draw.items("suv")[0].id
    first = Gallery(tmp_path).get(key)
    (kept,) = tmp_path.rglob("*.jpg")
    assert kept.read_bytes() == first and not list(tmp_path.rglob("*.part"))
    kept.write_bytes(b"from the cache")
    assert Gallery(tmp_path).get(key) == b"from the cache"
    assert Gallery(None).get(key) == first
    assert Gallery(None).get("../../etc/passwd") is None
