"""How polite the door is: row 8 of the threat list."""

import asyncio
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadSetting, Refused
from core.web import Web, pace
from core.web.pace import LONGEST, RATE, Pace, retry_after
from tests.core.web.asked import get, together
from tests.provider import Provider


def test_a_host_gets_no_more_at_once_and_a_second_than_the_setting_says():
    with Provider(delay=0.12) as slow:
        replies = together(slow, 6, slow.allow, "2/20")
        assert [r.status for r in replies] == [200] * 6
        assert slow.most == 2
        times = sorted(when for _, _, when in slow.requests)
        assert min(b - a for a, b in zip(times, times[1:], strict=False)) > 0.035


def test_the_usual_rate_is_two_at_once_and_one_a_second():
    with Provider(delay=0.1) as host:

        async def run():
            async with Web(("127.0.0.1",), RATE) as web:
                await asyncio.gather(*(web.get(host.url + "/hops/0") for _ in range(3)))

        asyncio.run(run())
        times = sorted(when for _, _, when in [*host.robots_requests, *host.requests])
        assert len(times) == 4 and times[-1] - times[0] > 2.9
        assert RATE == "2/1" and host.most <= 2


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


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_until_a_date_is_waited_for(status, provider):
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    path = f"/busy/{status}/1/{quote(format_datetime(until, usegmt=True))}"
    assert get(provider.url + path, provider.allow).body == b"at last"
    assert datetime.now(UTC) >= until


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
            return found, web._pace._hosts["127.0.0.1"].times.held - time.monotonic()

    began = time.monotonic()
    found, held = asyncio.run(run())
    assert found == [("http 429", True), ("asked for a pause", True), ("asked for a pause", True)]
    assert len(provider.requests) == 1
    assert LONGEST - 5 < held <= LONGEST and time.monotonic() - began < 2


def test_a_long_pause_is_known_to_the_next_job_too_and_a_short_one_is_not(provider, tmp_path, monkeypatch):
    memory = str(tmp_path / "pauses.json")

    async def run(path: str) -> str:
        monkeypatch.setattr(pace, "_SHARED", {})  # as in another process
        async with Web((provider.allow,), memory=memory) as web:
            try:
                return str((await web.get(provider.url + path)).status)
            except Refused as error:
                return error.reason

    assert asyncio.run(run("/busy/429/1/1")) == "200" and asyncio.run(run("/hops/0")) == "200"
    assert asyncio.run(run("/busy/503/9/3600")) == "http 503"
    asked = len(provider.requests)
    assert asyncio.run(run("/hops/0")) == "asked for a pause" and len(provider.requests) == asked
    assert [path.name for path in tmp_path.iterdir()] == ["pauses.json"]


def test_a_pause_that_one_job_is_asked_for_holds_for_those_that_run_already(provider, tmp_path, monkeypatch):
    async def run() -> list[str]:
        memory, said = str(tmp_path / "pauses.json"), []
        async with Web((provider.allow,), memory=memory) as one:
            monkeypatch.setattr(pace, "_SHARED", {})  # as in another process
            async with Web((provider.allow,), memory=memory) as other:
                for web, path in ((one, "/hops/0"), (other, "/busy/503/9/3600"), (one, "/hops/0")):
                    try:
                        said.append(str((await web.get(provider.url + path)).status))
                    except Refused as error:
                        said.append(f"{error.reason}, {error.pause:.0f} s")
        return said

    first, second, third = asyncio.run(run())
    assert (first, second) == ("200", "http 503, 0 s")
    assert re.fullmatch(r"asked for a pause, 3[56]\d\d s", third) and len(provider.requests) == 2


def test_what_asks_and_what_fetches_share_the_turns_of_a_host(provider, tmp_path):
    """Each in a loop and a thread of its own, as in a job."""

    def ask(count: int) -> None:
        async def run() -> None:
            async with Web((provider.allow,), "2/5", memory=str(tmp_path / "pauses.json")) as web:
                for _ in range(count):
                    await web.get(provider.url + "/hops/0", robots=False)

        asyncio.run(run())

    threads = [threading.Thread(target=ask, args=(5,)) for _ in range(2)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = sorted(when for _, _, when in provider.requests)
    assert len(times) == 10 and time.monotonic() - began > 1.7
    assert min(b - a for a, b in zip(times, times[1:], strict=False)) > 0.1


def test_together_they_ask_no_more_at_once_than_the_setting_says(tmp_path):
    with Provider(delay=0.2) as slow:

        def ask() -> None:
            async def run() -> None:
                async with Web((slow.allow,), "2/100", memory=str(tmp_path / "pauses.json")) as web:
                    await asyncio.gather(*(web.get(slow.url + "/hops/0", robots=False) for _ in range(4)))

            asyncio.run(run())

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(slow.requests), slow.most) == (8, 2)


def test_a_pause_that_cannot_be_written_down_leaves_no_file(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pace.os, "replace", full)
    assert not Pace(memory=str(tmp_path / "pauses.json")).hold("host.example", 600)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"127.0.0.1": "soon"}', '{"127.0.0.1": 99999999999}', '{"127.0.0.1": 5}', '{"127.0.0.1": [1]}'],
)
def test_a_memory_of_pauses_that_says_nothing_of_use_holds_nobody_back(provider, tmp_path, text):
    (tmp_path / "pauses.json").write_text(text)

    async def run() -> int:
        async with Web((provider.allow,), memory=str(tmp_path / "pauses.json")) as web:
            return (await web.get(provider.url + "/hops/0")).status

    assert asyncio.run(run()) == 200


def test_a_pause_is_obeyed_even_with_the_rate_off(provider):
    began = time.monotonic()
    assert get(f"{provider.url}/busy/503/1/1", provider.allow, rate="off").body == b"at last"
    assert time.monotonic() - began > 0.9


@pytest.mark.parametrize(("value", "seconds"), [("5", 5), ("-5", 0), ("0", 0), ("99999999", 3600), ("1" * 20, 3600),
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
