"""How one candidate is fetched, and what a job may reach."""

import asyncio
import os
import pickle

import pytest

from core import scrape, settings
from core.errors import Permanent
from core.model import Candidate
from core.scrape import Fetcher, Plan, Reach, read
from core.sources.options import Options
from tests.provider import Provider


@pytest.fixture
def provider():
    with Provider() as running:
        yield running


def through(provider, **more):
    return Reach(allow=(provider.allow,), **more)


def fetch(reach, *wanted):
    async def run():
        async with Fetcher(reach) as one:
            return await asyncio.gather(*(one(c) for c in wanted), return_exceptions=True)

    return asyncio.run(run())


def bodies(reach, *wanted):
    return [got[0] if isinstance(got, tuple) else got for got in fetch(reach, *wanted)]


def test_a_download_ends_at_the_jobs_own_deadline(provider):
    (error,) = fetch(through(provider, deadline=1), Candidate(provider.url + "/never", "a", "urls"))
    assert error.reason == "timeout" and "1 seconds" in str(error)


def test_bytes_come_from_the_web_and_from_this_computer(provider, tmp_path):
    provider.images["/1.jpg"] = b"one"
    (tmp_path / "2.jpg").write_bytes(b"two")
    wanted = [Candidate(provider.url + "/1.jpg", "a", "urls"), Candidate(str(tmp_path / "2.jpg"), "a", "folder")]
    assert bodies(through(provider, roots=(str(tmp_path),)), *wanted) == [b"one", b"two"]


def test_only_files_of_the_folders_that_were_named_are_read_from_this_computer(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "link.jpg").symlink_to(secret)
    for roots in ((), (str(tmp_path / "pictures"),)):
        for url in (str(secret), f"file://{secret}", f"{tmp_path}/pictures/link.jpg", f"{tmp_path}/pictures/../secret"):
            (error,) = fetch(Reach(roots=roots), Candidate(url, "a", "urls"))
            assert isinstance(error, Permanent) and error.reason in ("link out of the folder", "forbidden address")


def test_a_candidate_with_an_error_is_not_fetched(provider):
    (error,) = fetch(through(provider), Candidate(provider.url + "/hops/0", "a", "urls", error="unknown class"))
    assert error.reason == "unknown class" and provider.connections == 0


def test_one_failure_leaves_the_others_alone(provider):
    provider.images["/1.jpg"] = b"one"
    wanted = [Candidate(provider.url + path, "a", "urls") for path in ("/status/404", "/1.jpg", "/reset", "/1.jpg")]
    assert [getattr(r, "reason", r) for r in bodies(through(provider), *wanted)] == [
        "http 404",
        b"one",
        "connection",
        b"one",
    ]


def test_a_folder_a_pipe_and_a_missing_file_cannot_be_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("", "pipe", "missing"):
        with pytest.raises(Permanent) as caught:
            read(str(tmp_path / name))
        assert caught.value.reason == ("no such file" if name == "missing" else "cannot be read")


def test_a_file_over_the_limit_is_too_large(tmp_path):
    with open(tmp_path / "big", "wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    with pytest.raises(Permanent) as caught:
        read(str(tmp_path / "big"))
    assert caught.value.reason == "too large"


def test_a_fetcher_and_its_reach_can_be_sent_to_another_process(provider):
    provider.images["/1.jpg"] = b"one"
    again = pickle.loads(pickle.dumps(Fetcher(through(provider))))

    async def run():
        async with again as one:
            return await one(Candidate(provider.url + "/1.jpg", "a", "urls"))

    assert asyncio.run(run())[0] == b"one"


def test_the_settings_decide_what_may_be_reached(monkeypatch, tmp_path):
    monkeypatch.setenv("WINNOW_ALLOW_HOSTS", "10.0.0.0/8, intranet:8080")
    monkeypatch.setenv("WINNOW_HOST_RATE", "4/2")
    with scrape.reach(settings.load(), deadline=5, roots=["/pictures", "", "/pictures"]) as reach:
        assert reach == Reach(
            ("10.0.0.0/8", "intranet:8080"), "4/2", deadline=5, roots=("/pictures",), work=reach.work,
            memory=reach.memory,
        )  # fmt: skip


def test_the_demos_server_is_open_to_its_own_job_only(monkeypatch, tmp_path):
    monkeypatch.setenv("WINNOW_HOME", str(tmp_path))
    monkeypatch.delenv("WINNOW_ALLOW_HOSTS", raising=False)
    with scrape.reach(settings.load(), demo=True) as reach:
        plan = Plan(settings.load(), reach, ["sedan"], {}, ["demo"], Options(), limit=2)
        _, found = next(plan.answers(lambda label: 2))
        assert [c.label for c in found] == ["sedan", "sedan"]
        (data,) = bodies(reach, found[0])
        assert data[:2] == b"\xff\xd8"
        with scrape.reach(settings.load()) as other:
            (error,) = fetch(other, Candidate(reach.demo + "/image/x.jpg", "sedan", "urls"))
            assert error.reason == "forbidden address"
