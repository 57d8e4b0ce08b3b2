"""What robots.txt lets us fetch: row 9 of the threat list, and RFC 9309."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from core.errors import Permanent, Refused
from core.web import Web, blocking, robots
from tests.core.web.asked import get, reason, refusal, together
from tests.provider import Provider

PRIVATE = b"User-agent: *\nDisallow: /private/\n"
SECRET = b"the secret picture"


@pytest.fixture
def host(provider):
    """A host with two pictures and a rule against one of them."""
    provider.robots = PRIVATE
    provider.images |= {"/open.jpg": b"a picture", "/private/x.jpg": SECRET}
    return provider


# once, and first ---------------------------------------------------------------------------------------------------


def test_a_host_is_asked_once_and_before_anything_else(host):
    replies = together(host, 30, host.allow, "", path="/open.jpg")
    assert [reply.body for reply in replies] == [b"a picture"] * 30
    [(_, sent, when)] = host.robots_requests
    assert sent["user-agent"] == "Winnow/0.1"
    assert all(when < later for _, _, later in host.requests)


def test_each_port_has_rules_of_its_own(host):
    with Provider() as other, blocking(Web(("127.0.0.1",))) as fetch:
        fetch(f"{host.url}/open.jpg", robots=True)
        fetch(f"{other.url}/hops/0", robots=True)
    assert len(host.robots_requests) == len(other.robots_requests) == 1


def test_what_is_not_let_in_is_never_asked_for_and_the_rule_is_named(host):
    error = refusal(host.url + "/private/x.jpg?size=9", host.allow)
    assert (error.reason, error.retryable) == ("robots", False)
    wanted = f"{host.url}/robots.txt does not let Winnow fetch /private/x.jpg?size=9 (Disallow: /private/)."
    assert str(error) == wanted
    assert host.requests == []


def test_the_answer_says_why_it_might_be_fetched(host):
    assert get(host.url + "/open.jpg", host.allow).permission == "allowed: robots.txt has no rule against it"
    host.robots = None
    assert get(host.url + "/private/x.jpg", host.allow).permission == "allowed: no robots.txt (http 404)"
    assert get(host.url + "/private/x.jpg", host.allow, robots=False).permission == "not asked"


def test_an_api_is_not_asked_unless_wanted(host):
    with blocking(Web((host.allow,))) as fetch:
        assert fetch(host.url + "/private/x.jpg").body == SECRET
        assert host.robots_requests == []
        with pytest.raises(Permanent):
            fetch(host.url + "/private/x.jpg", robots=True)


def test_servers_of_the_program_itself_are_not_asked(host):
    async def run():
        async with Web(own=(host.allow,)) as web:
            return await web.get(host.url + "/private/x.jpg")

    assert asyncio.run(run()).permission == "not asked"
    assert host.robots_requests == []


def test_a_host_that_may_not_be_reached_is_not_asked_either(host, reached):
    assert reason(host.url + "/open.jpg") == "forbidden address"
    assert reached == [] and host.connections == 0


def test_asking_takes_a_turn_like_any_other_request(host):
    get(host.url + "/open.jpg", host.allow, rate="1/5")
    assert host.requests[0][2] - host.robots_requests[0][2] > 0.15


def test_one_who_gives_up_does_not_spoil_it_for_the_others():
    with Provider(delay=0.2) as slow:

        async def run():
            async with Web((slow.allow,)) as web:
                first, second = (asyncio.ensure_future(web.get(slow.url + "/hops/0")) for _ in range(2))
                await asyncio.sleep(0.1)
                first.cancel()
                return (await second).body

        assert asyncio.run(run()) == b"arrived"
        assert len(slow.robots_requests) == 1


def test_leaving_ends_what_is_still_being_asked(host):
    host.robots = "/never"

    async def run():
        async with Web((host.allow,)) as web:
            waiting = asyncio.ensure_future(web.get(host.url + "/open.jpg"))
            await asyncio.sleep(0.1)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert not asyncio.run(run())


# rules -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "path", "free"), [
    ("", "/x", True),
    ("User-agent: *\nDisallow:", "/x", True),
    ("User-agent: *\nDisallow: /", "/x", False),
    ("USER-AGENT: *\nDISALLOW: /a", "/a/b", False),
    ("User-agent: *\nDisallow: /a", "/A/b", True),  # paths have a case
    ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),  # the longest rule counts
    ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", True),  # of two as long, the kind one
    ("User-agent: *\nDisallow: /*.jpg$", "/x.jpg", False),
    ("User-agent: *\nDisallow: /*.jpg$", "/x.jpg?y", True),
    ("User-agent: *\nDisallow: /*size=big", "/x?a=1&size=big", False),
    ("User-agent: *\nDisallow: /caf%C3%A9/", "/café/x", False),
    ("User-agent: *\nDisallow: /café/", "/caf%c3%a9/x", False),
    ("User-agent: *\nDisallow: /a/b", "/a/./c/../b", False),  # what is requested is judged
    ("User-agent: *\nDisallow: /%70rivate", "/private", False),
    ("User-agent: Winnow\nDisallow: /\n\nUser-agent: *\nDisallow:", "/x", False),
    ("User-agent: winnow\nDisallow:\n\nUser-agent: *\nDisallow: /", "/x", True),
    ("User-agent: other\nUser-agent: WINNOW\nDisallow: /", "/x", False),
    ("User-agent: Winnow/1.0\nDisallow: /", "/x", False),
    ("User-agent: Winnow # hello\nDisallow: /", "/x", False),
    ("User-agent: Win\nDisallow: /", "/x", True),  # another robot
    ("User-agent: winnow-images\nDisallow: /", "/x", True),
    ("User-agent: winnowing\nDisallow: /", "/x", True),
    ("User-agent: other\nDisallow: /", "/x", True),
    ("# User-agent: winnow\nUser-agent: *\nDisallow: /", "/x", False),
    ("User-agent: *\rDisallow: /a\r", "/a", False),
    ("User-agent: *\r\nDisallow: /a\r\n", "/a", False),
    ("User-agent: a\rDisallow:\rUser-agent: Winnow/2\rDisallow: /a\r", "/a", False),
    ("\ufeffUser-agent: *\nDisallow: /a", "/a", False),
    ("<!doctype html>\n<title>Not found</title>\n<p>Disallow: /", "/x", True),
    ("Disallow: /", "/x", True),  # nobody's rule
    ("User-agent: *\nDisallow: /\x00\ufffd\nDisallow: /a", "/a", False),
], ids=repr)  # fmt: skip
def test_the_rules_of_our_group_count(text, path, free, host):
    host.robots = text.encode()
    assert reason(host.url + path, host.allow) == ("http 404" if free else "robots")  # there is no such file
    assert len(host.requests) == free


def test_binary_data_is_no_rule(host):
    host.robots = bytes(range(256)) * 40
    assert get(host.url + "/private/x.jpg", host.allow).body == SECRET


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"User-agent: *\n{text}".encode()))
def test_any_bytes_are_read_without_an_error(body):
    site = robots._parsed(body, 0.0)
    assert site.rules and 0 <= site.gap <= robots.LONGEST
    assert site.rules.can_fetch("http://h.example/robots.txt", site.group)


# answers that are none ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_no_file_is_no_rule(status, host):
    host.robots = f"/status/{status}"
    reply = get(host.url + "/private/x.jpg", host.allow)
    assert (reply.body, reply.permission) == (SECRET, f"allowed: no robots.txt (http {status})")


@pytest.mark.parametrize("path", ["/status/500", "/status/503", "/busy/429/9/-5", "/busy/429/9/99999999", "/reset", "/short",
                                  "/nonsense", "/to?http://169.254.169.254/", "/to?http://10.0.0.1/robots.txt"])  # fmt: skip
def test_where_nobody_can_say_nothing_is_fetched_for_now(path, host, reached):
    host.robots = path
    error = refusal(host.url + "/open.jpg", host.allow)
    assert (error.reason, error.retryable) == ("robots unreachable", True)
    assert f"{host.url}/robots.txt cannot be had" in str(error)
    assert host.requests == [] and {address for address, _ in reached} == {"127.0.0.1"}


@pytest.mark.parametrize("path", ["/never", "/drip"])
def test_a_slow_answer_ends_at_its_own_deadline(path, host, monkeypatch):
    monkeypatch.setattr(robots, "DEADLINE", 0.4)
    host.robots = path
    began = time.monotonic()
    assert reason(host.url + "/open.jpg", host.allow) == "robots unreachable"
    assert 0.35 < time.monotonic() - began < 1.5


def test_the_time_it_takes_is_not_taken_from_the_picture():
    with Provider(delay=0.6) as slow:
        assert get(slow.url + "/hops/0", slow.allow, deadline=1.1).body == b"arrived"


def test_a_host_that_wants_a_moment_gets_it(host):
    host.robots = "/busy/503/1/1"
    assert get(host.url + "/open.jpg", host.allow).body == b"a picture"
    first, second = (when for _, _, when in host.robots_requests)
    assert second - first > 0.9


def test_a_failure_is_remembered_for_a_while_and_then_asked_again(host, monkeypatch):
    monkeypatch.setattr(robots, "SOON", 0.3)
    host.robots = "/status/500"

    async def run():
        async with Web((host.allow,)) as web:
            for _ in range(5):
                with pytest.raises(Refused, match="cannot be had"):
                    await web.get(host.url + "/open.jpg")
            assert len(host.robots_requests) == 1
            host.robots = PRIVATE
            await asyncio.sleep(0.4)
            return await web.get(host.url + "/open.jpg")

    assert asyncio.run(run()).body == b"a picture"
    assert len(host.robots_requests) == 2


@pytest.mark.parametrize(
    "path", ["/loop", "/hops/30", "/lost", "/to?javascript:alert(1)", "/to?file:///etc/passwd", "/to?"]
)
def test_redirects_that_lead_nowhere_are_no_file(path, host):
    host.robots = path
    reply = get(host.url + "/private/x.jpg", host.allow)
    assert reply.permission == "allowed: no robots.txt (its redirects lead nowhere)"


def test_redirects_are_followed_to_another_host_too(host):
    with Provider("127.0.0.2") as other:
        other.images["/rules"] = b"User-agent: *\nDisallow: /open"
        host.robots = f"/to?{other.url}/rules"
        assert reason(host.url + "/open.jpg", "127.0.0.0/8") == "robots"
        assert other.robots_requests == []  # the rules are those of the host that was asked


# size --------------------------------------------------------------------------------------------------------------


def test_of_a_long_file_the_first_500_kib_count(host):
    filler = b"# " + bytes(1000).replace(b"\0", b"x") + b"\n"
    host.robots = PRIVATE + filler * 600 + b"Disallow: /open\n" + filler * 10_000  # 10 MB
    began = time.monotonic()
    assert get(host.url + "/open.jpg", host.allow).body == b"a picture"
    assert reason(host.url + "/private/x.jpg", host.allow) == "robots"
    assert time.monotonic() - began < 3


def test_half_a_line_is_no_rule(host):
    start = b"User-agent: *\n" + b"#" * (robots.LIMIT - 30) + b"\n"
    host.robots = start + b"Disallow: /open-only-this-one/and-no-other\n"
    assert start + b"Disallow: /" == host.robots[: robots.LIMIT][: len(start) + 11]
    assert get(host.url + "/open.jpg", host.allow).body == b"a picture"


@pytest.mark.parametrize("path", ["/endless", "/huge", "/bomb/4000"])
def test_an_endless_file_is_cut(path, host):
    host.robots = path
    began = time.monotonic()
    assert get(host.url + "/private/x.jpg", host.allow).body == SECRET
    assert time.monotonic() - began < 3


def test_the_rules_kept_in_memory_are_bounded(host, monkeypatch):
    monkeypatch.setattr(robots, "MEMORY", 3 * robots.ENTRY + 500)

    async def run():
        known = robots.Robots(fetch)
        for number in [0, 1, 2, 0, 3, 0]:  # the one asked for least lately goes
            await known.judge(URL(f"http://h{number}.example/x"))
        return asked, known._size

    async def fetch(url, limit, deadline):
        asked.append(url.host)
        async with Web((host.allow,)) as web:
            return await web.get(host.url + "/rules")

    asked = []
    host.images["/rules"] = PRIVATE + b"#" * 120
    asked, size = asyncio.run(run())
    assert asked == ["h0.example", "h1.example", "h2.example", "h3.example"]
    assert size <= robots.MEMORY


# hops and pauses ---------------------------------------------------------------------------------------------------


def test_each_hop_is_asked_for_its_own_path(host):
    assert reason(f"{host.url}/to?/private/x.jpg", host.allow) == "robots"
    assert len(host.robots_requests) == 1 and [path for path, _, _ in host.requests] == ["/to?/private/x.jpg"]


def test_each_hop_is_asked_for_its_own_host(host):
    with Provider("127.0.0.2") as first:
        assert reason(f"{first.url}/to?{host.url}/private/x.jpg", "127.0.0.0/8") == "robots"
        assert host.requests == []
        reply = get(f"{first.url}/to?{host.url}/open.jpg", "127.0.0.0/8")
    assert reply.permission == "allowed: no robots.txt (http 404); allowed: robots.txt has no rule against it"


@pytest.mark.parametrize("rate", ["", "off"])
def test_a_crawl_delay_holds_whatever_our_own_rate(rate, host):
    host.robots = b"User-agent: *\nCrawl-delay: 0.2\n"
    together(host, 4, host.allow, rate, path="/open.jpg")
    times = sorted(when for _, _, when in host.requests)
    assert times[-1] - times[0] > 0.55


@pytest.mark.parametrize(("text", "seconds"), [("7", 7), ("0.5", 0.5), ("99999", 30), ("-5", 0), ("soon", 0), ("nan", 0),
                                               ("inf", 0), ("1e400", 0)])  # fmt: skip
def test_a_crawl_delay_is_at_most_half_a_minute(text, seconds):
    assert robots._parsed(f"User-agent: *\nCrawl-delay: {text}".encode(), 0.0).gap == seconds
    other = f"User-agent: other\nCrawl-delay: {text}\nUser-agent: *\nDisallow: /a"
    assert robots._parsed(other.encode(), 0.0).gap == 0
