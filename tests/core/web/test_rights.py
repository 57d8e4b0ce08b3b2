"""What an answer's headers keep from us, before its body is read: row 9 of the threat list."""

import asyncio
import time

import pytest

from core.errors import Permanent
from core.web import Web
from core.web.rights import unwanted
from tests.core.web.asked import get, reason, refusal


@pytest.mark.parametrize(("values", "word"), [
    ((), ""),
    (("",), ""),
    (("all",), ""),
    (("noai",), "noai"),
    (("NoAI",), "noai"),
    (("noimageai",), "noimageai"),
    (("noindex",), "noindex"),
    (("NoImageIndex",), "noimageindex"),
    (("none",), "none"),
    (("nofollow, noarchive",), ""),
    (("nofollow,NOAI , nosnippet",), "noai"),
    (("nofollow", "noai"), "noai"),
    (("otherbot: noai",), ""),
    (("otherbot: nofollow, noai",), ""),
    (("otherbot: noai", "noindex"), "noindex"),
    (("otherbot: noai, winnow: noindex",), "noindex"),
    (("winnow: noai",), "noai"),
    (("Winnow : NOAI",), "noai"),
    (("winnow/0.1: noai",), "noai"),
    (("WINNOW: nofollow, noai",), "noai"),
    (("*: noai",), "noai"),
    (("winnow: nofollow, otherbot: noai",), ""),
    (("winnowing: noai",), ""),
    (("unavailable_after: 25 Jun 2010 15:00:00 PST",), ""),
    (("unavailable_after: 25 Jun 2010 15:00:00 PST, noai",), "noai"),
    (("unavailable_after: Friday, 25-Jun-10 15:00:00 UTC, noai",), "noai"),
    (("unavailable_after: 2025-09-21T10:00:00Z", "noindex"), "noindex"),
    (("max-snippet: 20, max-image-preview: none, noai",), "noai"),
    (("max-image-preview: none",), ""),
    (("noaitoday",), ""),
], ids=repr)  # fmt: skip
def test_words_are_read_whatever_their_case_and_whoever_they_are_for(values, word):
    assert unwanted(values) == word


@pytest.mark.parametrize("lines", [("X-Robots-Tag: noai",), ("x-robots-tag: NOIMAGEAI",),
                                   ("X-Robots-Tag: nofollow", "X-Robots-Tag: other: none", "X-Robots-Tag: noindex")])  # fmt: skip
def test_a_picture_that_says_no_is_not_taken(lines, provider):
    provider.images["/x.jpg"] = b"a picture"
    provider.headers["/x.jpg"] = lines
    error = refusal(provider.url + "/x.jpg", provider.allow)
    assert (error.reason, error.retryable) == ("noai", False)
    assert "X-Robots-Tag" in str(error)
    assert get(provider.url + "/x.jpg", provider.allow, robots=False).body == b"a picture"


@pytest.mark.parametrize("line", ["X-Robots-Tag: otherbot: noai", "X-Robots-Tag: unavailable_after: 1 Jan 2030 15:00:00 PST",
                                  "TDM-Reservation: 0", "TDM-Reservation: 10", "TDM-Policy: https://h.example/p"])  # fmt: skip
def test_a_header_that_is_not_for_us_keeps_nothing(line, provider):
    provider.images["/x.jpg"] = b"a picture"
    provider.headers["/x.jpg"] = (line,)
    assert get(provider.url + "/x.jpg", provider.allow).body == b"a picture"


def test_mining_that_is_reserved_is_not_done_and_the_policy_is_named(provider):
    provider.images["/x.jpg"] = b"a picture"
    provider.headers["/x.jpg"] = ("tdm-reservation: 1", "tdm-policy: https://h.example/policy.json")
    error = refusal(provider.url + "/x.jpg", provider.allow)
    assert (error.reason, error.retryable) == ("tdm reserved", False)
    assert str(error).endswith("its policy is at https://h.example/policy.json.")
    provider.headers["/x.jpg"] = ("TDM-Reservation:1",)
    assert "names no policy" in str(refusal(provider.url + "/x.jpg", provider.allow))
    assert get(provider.url + "/x.jpg", provider.allow, robots=False).body == b"a picture"


def test_each_hop_may_say_no(provider):
    provider.headers["/to?/hops/0"] = ("X-Robots-Tag: noai",)
    assert reason(provider.url + "/to?/hops/0", provider.allow) == "noai"
    assert len(provider.requests) == 1


def test_servers_of_the_program_itself_are_not_judged(provider):
    provider.images["/x.jpg"] = b"a picture"
    provider.headers["/x.jpg"] = ("X-Robots-Tag: noai",)

    async def run():
        async with Web(own=(provider.allow,)) as web:
            return (await web.get(provider.url + "/x.jpg")).body

    assert asyncio.run(run()) == b"a picture"


@pytest.mark.parametrize("line", ["X-Robots-Tag: noai", "TDM-Reservation: 1"])
def test_the_body_is_not_read_and_the_connection_closed(line, provider):
    provider.headers["/endless"] = (line,)

    async def run():
        async with Web((provider.allow,)) as web:
            with pytest.raises(Permanent, match=r"X-Robots-Tag|TDM"):
                await web.get(provider.url + "/endless")
            await asyncio.sleep(0.2)  # were it open, more would flow
            return provider.sent, provider.now

    began = time.monotonic()
    sent, answering = asyncio.run(run())
    assert answering == 0, "the connection is still open"
    assert sent < 1_000_000, "more than what the two sockets hold by themselves"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "value", ["noai; noimageai", "noai noimageai", '"noai"', "all noindex", "winnow: noai; nofollow"]
)
def test_other_signs_between_the_words_do_not_hide_them(value):
    assert unwanted([value]) in ("noai", "noindex")


def test_another_agents_words_are_not_ours_whatever_stands_between_them():
    assert unwanted(["otherbot: noai; noindex", "otherbot: noai noindex"]) == ""
