"""What may be reached: rows 1-3 of the threat list."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from ipaddress import ip_address
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadSetting, Permanent, Refused
from core.web import Web, parse
from core.web.addresses import Allowed, forbidden
from tests.core.web.asked import get, reason
from tests.provider import Provider

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


LOOPBACK = [
    "127.0.0.1", "localhost", "localhost.", "2130706433", "0x7f000001", "017700000001", "127.1", "127.0.1", "0", "0x7f.1",
    "0177.0.0.1", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "①②⑦.⓪.⓪.①",
    "１２７.0.0.1", "user@127.0.0.1", "user:pass@127.0.0.1", "@127.0.0.1", ":@127.0.0.1",
]  # fmt: skip
OTHERS = ["file:///etc/passwd", "ftp://h/x", "gopher://h/x", "javascript:alert(1)", "data:,x", "http://u:p@example.com/",
          "http://u@example.com/", "unix:///tmp/x"]  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK)
def test_no_spelling_of_loopback_reaches_the_listener(host, provider, reached):
    assert reason(f"http://{host}:{provider.port}/hops/0") in ("forbidden address", "unknown host")
    assert provider.connections == 0
    assert reached == []


@pytest.mark.parametrize("url", OTHERS)
def test_other_schemes_and_user_names_are_forbidden(url, reached):
    assert reason(url) == "forbidden address"
    assert reached == []


def test_the_whole_list_makes_no_connection_to_a_forbidden_address(provider, reached):
    """Rows 1-3 at once: asked for, redirected to, found by name, and as the place of a robots.txt."""
    hosts = [f"[{address}]" if ":" in address else address for address in PRIVATE]
    urls = [f"http://{host}/x.jpg" for host in hosts + LOOPBACK] + [f"http://{LOOPBACK[3]}:{provider.port}/"] + OTHERS
    names = {
        f"name{number}.example": [["127.0.0.1", a]] for number, a in enumerate(PRIVATE[1:])
    }  # a good one and a bad

    async def run():
        async with Web((provider.allow,)) as web:

            async def lookup(host, port):
                return names[host][0] if host in names else ["127.0.0.1"]

            web.guard.lookup = lookup
            tried = [*urls, *(f"{provider.url}/to?{quote(url)}" for url in urls)]
            tried += [f"http://{name}:{provider.port}/x" for name in names]
            found = await asyncio.gather(*(web.get(url) for url in tried), return_exceptions=True)
        for url in urls:
            provider.robots = f"/to?{quote(url)}"
            async with Web((provider.allow,)) as web:
                web.guard.lookup = lookup
                found += await asyncio.gather(web.get(provider.url + "/x"), return_exceptions=True)
        return found

    found = asyncio.run(run())
    assert len(found) == 3 * len(urls) + len(names) and all(isinstance(error, Refused) for error in found)
    assert {error.reason for error in found} == {"forbidden address", "redirects", "robots unreachable", "http 404"}
    assert set(reached) == {("127.0.0.1", provider.port)}


@pytest.mark.parametrize("text", [
    "", "   ", "x", "photo.jpg", "//h/x", "http://", "http:///x", "http:h/x", "http://[::1", "http://a b/", "http://h:99999/",
    "http://h:0/", "http://a..b/", "http://h:80:90/", "http://evil.example\\@127.0.0.1/", "http://h/\x00", "http://*/",
    "http://%31%32%37.0.0.1/", "http://" + "a" * 64 + ".com/", "http://" + "a." * 126 + "com/", "http://h/" + "a" * 9000, "http://h\n/x", "\ud800",
])  # fmt: skip
def test_what_is_no_address_is_malformed(text):
    with pytest.raises(Permanent) as caught:
        parse(text)
    assert caught.value.reason == "malformed url"


SPELLINGS = [
    ("http://h.example/x", ""), ("http://h.example./x", ""), ("https://H.EXAMPLE:8080/x#part", ""),
    ("http://8.8.8.8/x", ""), ("http://[2606:4700::1111]/x", ""), ("http://①②⑦.⓪.⓪.①/x", ""),
    ("http://8.8.8.8./x", "forbidden address"), ("http://2130706433/x", "forbidden address"),
    ("http://127.1/x", "forbidden address"), ("http://0x7f000001/x", "forbidden address"),
    ("http://h.0x1/x", "forbidden address"), ("http://user@h.example/x", "forbidden address"),
    ("ftp://h.example/x", "forbidden address"), ("http://h.example:0/x", "malformed url"),
    ("http://h..example/x", "malformed url"), ("http://h*/x", "malformed url"),
]  # fmt: skip


def test_a_host_that_was_judged_before_is_judged_the_same_again_in_any_order():
    for url, expected in [*SPELLINGS, *reversed(SPELLINGS), *SPELLINGS]:
        found = ""
        try:
            assert "#" not in str(parse(url))
        except Permanent as error:
            found = error.reason
        assert (url, found) == (url, expected)


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


def test_the_sentence_names_the_address_that_was_asked_for_and_not_an_earlier_one():
    for path in ("first", "second"):
        with pytest.raises(Permanent, match=f"^'http://h\\.\\.example/{path}' is not a web address"):
            parse(f"http://h..example/{path}")


# names ----------------------------------------------------------------------------------------------------------------


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


def test_who_cannot_wait_for_a_name_takes_it_from_nobody_who_can(provider):
    asked = []

    async def run():
        async with Web((f"here.example:{provider.port}",), "off") as web:

            async def lookup(host, port):
                asked.append(host)
                await asyncio.sleep(0.3)
                return ["127.0.0.1"]

            web.guard.lookup = lookup
            url = f"http://here.example:{provider.port}/hops/0"
            return await asyncio.gather(web.get(url, deadline=0.1), web.get(url), return_exceptions=True)

    hasty, patient = asyncio.run(run())
    assert isinstance(hasty, Refused) and hasty.reason == "timeout"
    assert patient.body == b"arrived"
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


# the allow list -------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("host", "on_it"), [
    ("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("::ffff:7f00:1", True), ("intranet", True),
    ("127.1", False), ("2130706433", False), ("0x7f000001", False), ("0177.0.0.1", False), ("127.0.0.1.", False),
    ("::1", False), ("127.0.0.2", False), ("intranet.", False), ("", False),
])  # fmt: skip
def test_a_host_is_on_the_list_by_what_it_is_and_not_by_what_another_list_said(host, on_it):
    for _ in range(2):
        assert Allowed(["127.0.0.1", "intranet"]).host(host, 80) == on_it
        assert not Allowed([]).host(host, 80)
        assert not Allowed(["127.0.0.1:81", "intranet:81"]).host(host, 80)
