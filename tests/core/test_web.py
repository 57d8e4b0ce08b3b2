"""The network door: what it refuses, what it bounds, how polite it is. Rows 1-8 of the threat list."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import web as door
from core.errors import BadInput, BadSetting, Permanent, Refused
from core.web import Web, blocking, parse
from core.web.addresses import Allowed, forbidden
from core.web.pace import LONGEST, Pace, retry_after
from tests.provider import Provider


@pytest.fixture
def provider():
    with Provider() as running:
        yield running


def get(url, *allow, names=None, rate="", limit=door.LIMIT, deadline=5.0):
    """One request. `names`: host -> list of answers, one for each lookup; the last answer stays."""

    async def lookup(host, port):
        answers = names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def run():
        async with Web(allow, rate) as web:
            if names is not None:
                web.guard.lookup = lookup
            return await web.get(url, limit, deadline)

    return asyncio.run(run())


def reason(url, *allow, **more):
    with pytest.raises(Refused) as caught:
        get(url, *allow, **more)
    assert str(caught.value).endswith((".", ")"))  # a sentence
    return caught.value.reason


# where connections go, seen by the interpreter itself --------------------------------------------------------------

_reached: list | None = None


def _audit(event, args):
    if event == "socket.connect" and _reached is not None and isinstance(args[1], tuple):
        _reached.append(args[1][:2])


sys.addaudithook(_audit)


@pytest.fixture
def reached():
    global _reached
    _reached = []
    yield _reached
    _reached = None


# addresses ---------------------------------------------------------------------------------------------------------

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "0.0.0.0",
    "192.88.99.1",
    "168.63.129.16",
    "::1",
    "::",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "100::1",
    "3fff::1",
    "5f00::1",
]
PUBLIC = ["8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_forbidden_and_never_connected_to(address, reached):
    assert forbidden(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    assert reason(f"http://{host}/x.jpg") == "forbidden address"
    assert reason("http://pictures.example/x.jpg", names={"pictures.example": [[address]]}) == "forbidden address"
    assert reached == []


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_not_forbidden(address):
    assert not forbidden(ip_address(address))


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "localhost.", "2130706433", "0x7f000001", "017700000001", "127.1", "127.0.1", "0", "0x7f.1",
    "0177.0.0.1", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "①②⑦.⓪.⓪.①",
    "１２７.0.0.1", "user@127.0.0.1", "user:pass@127.0.0.1", "@127.0.0.1", ":@127.0.0.1",
])  # fmt: skip
def test_no_spelling_of_loopback_reaches_the_listener(host, provider, reached):
    assert reason(f"http://{host}:{provider.port}/hops/0") in ("forbidden address", "unknown host")
    assert provider.connections == 0
    assert reached == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://h/x", "gopher://h/x", "javascript:alert(1)", "data:,x",
                                 "http://u:p@example.com/", "http://u@example.com/", "unix:///tmp/x"])  # fmt: skip
def test_other_schemes_and_user_names_are_forbidden(url, reached):
    assert reason(url) == "forbidden address"
    assert reached == []


@pytest.mark.parametrize("text", [
    "", "   ", "x", "photo.jpg", "//h/x", "http://", "http:///x", "http:h/x", "http://[::1", "http://a b/", "http://h:99999/",
    "http://h:0/", "http://a..b/", "http://h:80:90/", "http://evil.example\\@127.0.0.1/", "http://h/\x00", "http://*/",
    "http://%31%32%37.0.0.1/", "http://" + "a" * 64 + ".com/", "http://h/" + "a" * 9000, "http://h\n/x", "\ud800",
])  # fmt: skip
def test_what_is_no_address_is_malformed(text):
    with pytest.raises(Permanent) as caught:
        parse(text)
    assert caught.value.reason == "malformed url"


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused_with_a_reason(text):
    for candidate in (text, "http://" + text, "http://h/" + text):
        try:
            url = parse(candidate)
        except Permanent as error:
            assert error.reason in ("malformed url", "forbidden address")
        else:
            assert url.scheme in ("http", "https") and url.raw_host and not url.user


def test_an_at_sign_in_the_query_is_no_user_name():
    assert parse("http://h.example?mail=a@b").raw_host == "h.example"
    assert parse("http://h.example/~user@x/y").raw_host == "h.example"


# names -------------------------------------------------------------------------------------------------------------


def test_a_name_whose_second_lookup_is_private_reaches_only_the_judged_address(reached):
    """127.0.0.2 plays the public address here: it is allowed, 127.0.0.1 is not."""
    with Provider("127.0.0.2") as public, Provider("127.0.0.1", public.port) as private:
        answers = [["127.0.0.2"], ["127.0.0.1"]]
        url = f"http://rebind.example:{public.port}/hops/1"
        assert get(url, "127.0.0.2", names={"rebind.example": answers}, rate="off").body == b"arrived"
        assert private.connections == 0
        assert {address for address, _ in reached} == {"127.0.0.2"}
        assert public.requests[0][1]["host"] == f"rebind.example:{public.port}"


def test_a_name_with_one_private_address_among_others_is_refused(reached):
    with Provider("127.0.0.2") as public:
        names = {"mixed.example": [["127.0.0.2", "10.0.0.1"]]}
        assert reason(f"http://mixed.example:{public.port}/", "127.0.0.2", names=names) == "forbidden address"
        assert public.connections == 0
    assert reached == []


def test_a_lookup_after_the_first_is_judged_again():
    async def run():
        async with Web(("127.0.0.2",)) as web:
            answers = iter([["127.0.0.2"], ["127.0.0.1"]])

            async def lookup(host, port):
                return next(answers)

            web.guard.lookup = lookup
            assert [str(a) for a in await web.guard.judge("rebind.example", 80)] == ["127.0.0.2"]
            web.guard._known.clear()  # as after a minute
            with pytest.raises(Permanent):
                await web.guard.judge("rebind.example", 80)

    asyncio.run(run())


def test_the_last_gate_makes_no_socket_for_a_private_address():
    async def run():
        async with Web(("127.0.0.2", "127.0.0.3:81")) as web:
            for address, port in (("127.0.0.1", 80), ("127.0.0.3", 80), ("10.0.0.1", 80)):
                with pytest.raises(Permanent):
                    web.guard.socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)))
            web.guard.socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.3", 81))).close()

    asyncio.run(run())


def test_an_unknown_host_may_be_tried_again():
    async def fails(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def run():
        async with Web() as web:
            web.guard.lookup = fails
            await web.get("http://nowhere.example/x.jpg")

    with pytest.raises(Refused) as caught:
        asyncio.run(run())
    assert (caught.value.reason, caught.value.retryable) == ("unknown host", True)


def test_one_host_asked_often_is_looked_up_once(provider):
    asked = []

    async def run():
        async with Web((f"here.example:{provider.port}",)) as web:

            async def lookup(host, port):
                asked.append(host)
                await asyncio.sleep(0.01)
                return ["127.0.0.1"]

            web.guard.lookup = lookup
            await asyncio.gather(*(web.get(f"http://here.example:{provider.port}/hops/0") for _ in range(20)))

    asyncio.run(run())
    assert asked == ["here.example"]


def test_tls_keeps_the_name_and_checks_the_certificate(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed; it makes the test's certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=pictures.example", "-keyout", key, "-out", certificate], check=True,
                   capture_output=True)  # fmt: skip
    seen = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.sni_callback = lambda connection, name, context: seen.append(name)
    with Provider(tls=tls) as secure:
        url, names = f"https://pictures.example:{secure.port}/", {"pictures.example": [["127.0.0.1"]]}
        assert reason(url, "127.0.0.1", names=names) == "certificate"
        assert seen == ["pictures.example"]
        assert secure.requests == []


# the allow list ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.1:{port}", "127.0.0.0/8", " 127.0.0.1 "])
def test_allowed_hosts_are_reached(entry, provider):
    assert get(provider.url + "/hops/0", entry.format(port=provider.port)).body == b"arrived"


def test_an_allowed_name_is_reached(provider):
    names = {"intranet": [["127.0.0.1"]]}
    assert get(f"http://intranet:{provider.port}/hops/0", "intranet", names=names).body == b"arrived"
    assert reason(f"http://intranet:{provider.port}/hops/0", "other", names=names) == "forbidden address"


def test_an_allowed_port_allows_no_other(provider):
    assert reason(provider.url + "/hops/0", f"127.0.0.1:{provider.port + 1}") == "forbidden address"
    assert provider.connections == 0


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "http://x", "a b", "x:port", "", "127.0.0.1/x"])
def test_a_malformed_allowed_host_is_named(entry):
    with pytest.raises(BadSetting, match="WINNOW_ALLOW_HOSTS"):
        Allowed([entry])


def test_an_allowed_v6_address_with_a_port():
    allowed = Allowed(["[::1]:8080"])
    assert allowed.host("::1", 8080) and not allowed.host("::1", 80)


# redirects ---------------------------------------------------------------------------------------------------------


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
    provider.images["/again"] = b""
    loop = f"{provider.url}/to?/to%3F/to%253F/hops/9"
    assert reason(loop, provider.allow) == "redirects"


def test_up_to_five_redirects_are_followed_and_relative_ones_are_understood(provider):
    reply = get(provider.url + "/hops/5", provider.allow)
    assert (reply.body, reply.url) == (b"arrived", provider.url + "/hops/0")
    assert get(provider.url + "/to?hops/0", provider.allow).body == b"arrived"


def test_a_redirect_to_a_port_that_is_not_allowed_is_refused(provider):
    with Provider() as other:
        assert reason(f"{provider.url}/to?{other.url}/hops/0", provider.allow) == "forbidden address"
        assert other.connections == 0


# the environment ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_proxies_of_the_environment_are_not_used(key, provider, monkeypatch):
    with Provider() as proxy:
        monkeypatch.setenv(key, proxy.url)
        assert get(provider.url + "/hops/0", provider.allow).body == b"arrived"
        assert proxy.connections == 0


def test_a_request_says_who_asks_and_keeps_no_cookie(provider):
    with blocking(Web((provider.allow,), contact="me@example.org")) as fetch:
        fetch(provider.url + "/hops/1")
    sent = provider.requests[1][1]
    assert sent["user-agent"] == "Winnow/0.1 (+me@example.org)"
    assert sent["accept-encoding"] == "identity"
    assert "cookie" not in sent and "referer" not in sent and "authorization" not in sent


# bounds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/endless", "/huge"])
def test_a_body_over_the_limit_is_cut(path, provider):
    began = time.monotonic()
    assert reason(provider.url + path, provider.allow, limit=1_000_000) == "too large"
    assert time.monotonic() - began < 2


def test_a_body_of_exactly_the_limit_passes(provider):
    provider.images["/x"] = bytes(5000)
    assert len(get(provider.url + "/x", provider.allow, limit=5000).body) == 5000
    assert reason(provider.url + "/x", provider.allow, limit=4999) == "too large"


def test_a_gzip_bomb_is_counted_as_it_is_unpacked(provider):
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reason(provider.url + "/bomb/4000", provider.allow) == "too large"  # 4 MB that unpack to 4 GB
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 100, f"{grown:.0f} MB more memory"


def test_a_small_gzip_body_is_unpacked(provider):
    assert get(provider.url + "/bomb/1", provider.allow).body == bytes(1_000_000)


@pytest.mark.parametrize("path", ["/never", "/drip"])
def test_the_deadline_holds_for_the_whole_request(path, provider):
    began = time.monotonic()
    assert reason(provider.url + path, provider.allow, deadline=0.4) == "timeout"
    assert 0.35 < time.monotonic() - began < 1.2


def test_a_tls_handshake_that_stalls_ends_at_the_deadline():
    silent = socket.create_server(("127.0.0.1", 0))  # connects, and never says a word
    port = silent.getsockname()[1]
    assert reason(f"https://127.0.0.1:{port}/", "127.0.0.1", deadline=0.4) == "timeout"
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
    assert reason(f"http://127.0.0.1:{port}/", "127.0.0.1") == "connection"


@pytest.mark.parametrize(("status", "again"), [(404, False), (410, False), (403, False), (401, False), (500, True),
                                               (502, True), (408, True)])  # fmt: skip
def test_an_error_status_is_counted_by_its_number(status, again, provider):
    with pytest.raises(Refused) as caught:
        get(f"{provider.url}/status/{status}", provider.allow)
    assert (caught.value.reason, caught.value.retryable) == (f"http {status}", again)
    assert len(provider.requests) == 1


# politeness --------------------------------------------------------------------------------------------------------


def together(provider, count, allow, rate, path="/hops/0"):
    async def run():
        async with Web((allow,), rate) as web:
            return await asyncio.gather(*(web.get(provider.url + path) for _ in range(count)), return_exceptions=True)

    return asyncio.run(run())


def test_a_host_gets_no_more_at_once_and_a_second_than_the_setting_says():
    with Provider(delay=0.12) as slow:
        replies = together(slow, 6, slow.allow, "2/20")
        assert [r.status for r in replies] == [200] * 6
        assert slow.most == 2
        times = sorted(when for _, _, when in slow.requests)
        assert min(b - a for a, b in zip(times, times[1:], strict=False)) > 0.035


def test_allowed_hosts_are_not_throttled_unless_asked():
    with Provider(delay=0.2) as slow:
        began = time.monotonic()
        together(slow, 8, slow.allow, "")
        assert slow.most == 8 and time.monotonic() - began < 1


def test_one_slow_host_does_not_hold_up_another():
    with Provider(delay=0.5) as slow, Provider("127.0.0.2") as quick:

        async def run():
            async with Web(("127.0.0.0/8",), "1/50") as web:
                waiting = [asyncio.ensure_future(web.get(slow.url + "/hops/0")) for _ in range(3)]
                await asyncio.sleep(0.05)
                began = time.monotonic()
                await web.get(quick.url + "/hops/0")
                took = time.monotonic() - began
                for task in waiting:
                    task.cancel()
                return took

        assert asyncio.run(run()) < 0.3


@pytest.mark.parametrize("status", [429, 503])
def test_a_short_pause_is_waited_for_and_the_request_repeated(status, provider):
    began = time.monotonic()
    assert get(f"{provider.url}/busy/{status}/1/1", provider.allow).body == b"at last"
    assert 0.9 < time.monotonic() - began < 2


@pytest.mark.parametrize("after", ["-5", "0", "soon", "-"])
def test_a_pause_that_is_negative_or_no_number_is_a_short_one(after, provider):
    began = time.monotonic()
    assert get(f"{provider.url}/busy/429/2/{after}", provider.allow).body == b"at last"
    assert time.monotonic() - began < 2.5


def test_three_refusals_are_enough(provider):
    with pytest.raises(Refused) as caught:
        get(f"{provider.url}/busy/503/9/0", provider.allow)
    assert (caught.value.reason, caught.value.retryable, len(provider.requests)) == ("http 503", True, 3)


def test_a_long_pause_fails_this_item_and_holds_its_host_back_but_no_other(provider):
    async def run():
        async with Web(("127.0.0.0/8",)) as web:
            found = []
            for path in ("/busy/429/9/99999999", "/hops/0", "/hops/0"):
                try:
                    await web.get(provider.url + path)
                except Refused as error:
                    found.append((error.reason, error.retryable))
            with Provider("127.0.0.2") as other:
                assert (await web.get(other.url + "/hops/0")).status == 200
            return found, web._pace._hosts["127.0.0.1"].held - time.monotonic()

    began = time.monotonic()
    found, held = asyncio.run(run())
    assert found == [("http 429", True), ("asked for a pause", True), ("asked for a pause", True)]
    assert len(provider.requests) == 1
    assert LONGEST - 5 < held <= LONGEST and time.monotonic() - began < 2


def test_a_pause_is_obeyed_even_with_the_rate_off(provider):
    began = time.monotonic()
    assert get(f"{provider.url}/busy/503/1/1", provider.allow, rate="off").body == b"at last"
    assert time.monotonic() - began > 0.9


@pytest.mark.parametrize(("value", "seconds"), [("7", 7), ("-5", 0), ("0", 0), ("99999999", 3600), ("1" * 20, 3600),
                                                ("", 0.5), ("soon", 0.5), ("nan", 0.5), ("inf", 0.5), ("1e9", 0.5)])  # fmt: skip
def test_retry_after_in_seconds(value, seconds):
    assert retry_after(value) == seconds


def test_retry_after_as_a_date():
    now = datetime.now(UTC)
    assert 8 < retry_after(format_datetime(now + timedelta(seconds=10), usegmt=True)) <= 10
    assert retry_after(format_datetime(now - timedelta(days=1), usegmt=True)) == 0
    assert retry_after("Fri, 31 Dec 9999 23:59:59 GMT") == LONGEST


@given(st.text(max_size=30))
def test_any_retry_after_is_between_nothing_and_an_hour(value):
    assert 0 <= retry_after(value) <= LONGEST


@pytest.mark.parametrize("rate", ["2", "0/1", "2/0", "fast", "-1/1", "2/1/3"])
def test_a_malformed_rate_is_named(rate):
    with pytest.raises(BadSetting, match="WINNOW_HOST_RATE"):
        Pace(rate)


# headers and forms -------------------------------------------------------------------------------------------------


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
