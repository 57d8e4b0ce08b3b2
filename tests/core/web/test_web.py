"""What the door bounds, and what it sends: rows 2 and 4-7 of the threat list."""

import asyncio
import random
import socket
import time

import pytest

from core import web as door
from core.errors import BadInput, Permanent, Refused
from core.web import Web, blocking, robots
from tests.core.web.asked import get, reason
from tests.provider import Provider

# redirects ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "http://10.0.0.1/x", "http://[::1]/", "http://0x7f000001/",
                                    "//169.254.169.254/", "http://u@169.254.169.254/"])  # fmt: skip
def test_a_redirect_to_a_private_address_is_refused(target, provider, reached):
    assert reason(f"{provider.url}/to?{target}", provider.allow) == "forbidden address"
    assert {address for address, _ in reached} == {"127.0.0.1"}


@pytest.mark.parametrize("path", ["/to?", "/to?javascript:alert(1)", "/to?file:///etc/passwd", "/to?http://", "/to?http://[",
                                  "/lost", "/hops/6", "/hops/30", "/status/304", "/to?data:,x", "/to?http://a..b/"])  # fmt: skip
def test_a_redirect_that_leads_nowhere_ends(path, provider):
    assert reason(provider.url + path, provider.allow) == "redirects"
    assert len(provider.requests) <= door.HOPS + 1


def test_a_redirect_loop_ends(provider):
    assert reason(provider.url + "/loop", provider.allow) == "redirects"
    assert len(provider.requests) == door.HOPS + 1


def test_up_to_five_redirects_are_followed_and_relative_ones_are_understood(provider):
    reply = get(provider.url + "/hops/5", provider.allow)
    assert (reply.body, reply.url) == (b"arrived", provider.url + "/hops/0")
    assert get(provider.url + "/to?hops/0", provider.allow).body == b"arrived"


def test_a_redirect_to_a_port_that_is_not_allowed_is_refused(provider):
    with Provider() as other:
        assert reason(f"{provider.url}/to?{other.url}/hops/0", provider.allow) == "forbidden address"
        assert other.connections == 0


# the environment ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"])
def test_proxies_of_the_environment_are_not_used(key, provider, monkeypatch):
    with Provider() as proxy:
        monkeypatch.setenv(key, proxy.url)
        assert get(provider.url + "/hops/0", provider.allow).body == b"arrived"
        assert reason("https://127.0.0.1:1/", "127.0.0.1", robots=False) == "connection"
        assert reason("http://10.0.0.1/", provider.allow) == "forbidden address"
        assert proxy.connections == 0


def test_no_proxy_opens_no_private_host(provider, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    assert reason(provider.url + "/hops/0") == "forbidden address"
    assert provider.connections == 0


def test_passwords_in_the_home_folder_are_not_sent(provider, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password SECRET123\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    get(provider.url + "/hops/0", provider.allow)
    assert "authorization" not in provider.requests[0][1]


def test_a_request_says_who_asks_and_keeps_no_cookie(provider):
    with blocking(Web((provider.allow,), contact="me@example.org")) as fetch:
        fetch(provider.url + "/hops/1")
    sent = provider.requests[1][1]
    assert sent["user-agent"] == "Winnow/0.1 (+me@example.org)"
    assert sent["accept-encoding"] == "identity"
    assert "cookie" not in sent and "referer" not in sent and "authorization" not in sent


# bounds ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/endless", "/huge"])
def test_a_body_over_the_limit_is_cut(path, provider):
    began = time.monotonic()
    assert reason(provider.url + path, provider.allow, limit=1_000_000) == "too large"
    assert time.monotonic() - began < 2
    assert provider.sent < 1_000_000 + 4_000_000  # what two sockets hold by themselves comes on top


def test_a_body_of_exactly_the_limit_passes(provider):
    provider.images["/x"] = bytes(5000)
    assert len(get(provider.url + "/x", provider.allow, limit=5000).body) == 5000
    assert reason(provider.url + "/x", provider.allow, limit=4999) == "too large"


def test_a_body_in_many_pieces_is_put_together_in_order(provider):
    provider.images["/x"] = random.Random(0).randbytes(3_000_000)
    assert get(provider.url + "/x", provider.allow).body == provider.images["/x"]


def test_a_gzip_bomb_is_counted_as_it_is_unpacked(provider):
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reason(provider.url + "/bomb/10000", provider.allow) == "too large"  # 10 MB that unpack to 10 GB
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 100, f"{grown:.0f} MB more memory"


def test_a_small_gzip_body_is_unpacked(provider):
    assert get(provider.url + "/bomb/1", provider.allow).body == bytes(1_000_000)


@pytest.mark.parametrize("path", ["/never", "/drip"])
def test_the_deadline_holds_for_the_whole_request(path, provider):
    began = time.monotonic()
    assert reason(provider.url + path, provider.allow, deadline=0.4) == "timeout"
    assert 0.35 < time.monotonic() - began < 1.2


def test_a_tls_handshake_that_stalls_ends_at_the_deadline(monkeypatch):
    silent = socket.create_server(("127.0.0.1", 0))  # connects, and never says a word
    port = silent.getsockname()[1]
    assert reason(f"https://127.0.0.1:{port}/", "127.0.0.1", deadline=0.4, robots=False) == "timeout"
    monkeypatch.setattr(robots, "DEADLINE", 0.4)
    assert reason(f"https://127.0.0.1:{port}/", "127.0.0.1") == "robots unreachable"
    silent.close()


def test_a_name_server_that_never_answers_ends_at_the_deadline():
    async def run():
        async with Web() as web:

            async def lookup(host, port):
                await asyncio.sleep(60)
                return []

            web.guard.lookup = lookup
            await web.get("http://slow.example/", deadline=0.2)

    began = time.monotonic()
    with pytest.raises(Refused) as caught:
        asyncio.run(run())
    assert caught.value.reason == "timeout" and time.monotonic() - began < 1


@pytest.mark.parametrize("path", ["/reset", "/short", "/nonsense"])
def test_a_broken_answer_is_a_connection_that_may_be_tried_again(path, provider):
    with pytest.raises(Refused) as caught:
        get(provider.url + path, provider.allow)
    assert (caught.value.reason, caught.value.retryable) == ("connection", True)


def test_bytes_beyond_the_announced_length_are_not_taken(provider):
    try:
        assert get(provider.url + "/long", provider.allow).body == b"half"
    except Refused as error:
        assert error.reason == "connection"


def test_a_closed_port_is_a_connection(provider):
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    assert reason(f"http://127.0.0.1:{port}/", "127.0.0.1", robots=False) == "connection"
    assert reason(f"http://127.0.0.1:{port}/", "127.0.0.1") == "robots unreachable"


@pytest.mark.parametrize(("status", "again"), [(404, False), (410, False), (403, False), (401, False), (500, True),
                                               (502, True), (408, True)])  # fmt: skip
def test_an_error_status_is_counted_by_its_number(status, again, provider):
    with pytest.raises(Refused) as caught:
        get(f"{provider.url}/status/{status}", provider.allow)
    assert (caught.value.reason, caught.value.retryable) == (f"http {status}", again)
    assert len(provider.requests) == 1


# headers and forms ----------------------------------------------------------------------------------------------------


def test_a_key_goes_to_the_host_it_is_for_and_to_no_other():
    with Provider() as ours, Provider() as other, blocking(Web(("127.0.0.1",))) as fetch:
        fetch(f"{ours.url}/hops/1", headers={"Authorization": "Bearer SECRET123", "X-Api-Key": "SECRET123"})
        assert [sent["authorization"] for _, sent, _ in ours.requests] == ["Bearer SECRET123"] * 2
        fetch(f"{ours.url}/to?{other.url}/hops/0", headers={"Authorization": "Bearer SECRET123", "X-Key": "SECRET123"})
        assert "SECRET123" not in str(other.requests) and len(other.requests) == 1


def test_a_form_is_posted_and_not_redirected(provider):
    with blocking(Web((provider.allow,))) as fetch:
        assert fetch(f"{provider.url}/hops/0", form={"q": "red fox & co", "n": "5"}).body == b"arrived"
        assert provider.forms == [("/hops/0", {"q": "red fox & co", "n": "5"})]
        assert provider.requests[0][1]["content-type"].startswith("application/x-www-form-urlencoded")
        with pytest.raises(Permanent) as caught:
            fetch(f"{provider.url}/hops/1", form={"q": "x"})
    assert caught.value.reason == "redirects" and len(provider.requests) == 2


@pytest.mark.parametrize("headers", [{"Host": "x"}, {"user-agent": "x"}, {"X-Key": "SECRET123\r\nX: y"}, {"X y": "z"},
                                     {"Accept-Encoding": "gzip"}])  # fmt: skip
def test_a_header_that_is_not_ours_to_set_is_named_and_its_value_is_not(headers, provider):
    with blocking(Web((provider.allow,))) as fetch, pytest.raises(BadInput) as caught:
        fetch(f"{provider.url}/hops/0", headers=headers)
    assert next(iter(headers)) in str(caught.value) and "SECRET123" not in str(caught.value)
    assert provider.connections == 0
