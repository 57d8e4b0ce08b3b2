"""Locks, and starting the one worker."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import psutil
import pytest

from core import jobs
from core.errors import BadSetting, NotYet
from core.jobs import presence
from core.jobs.presence import ensure_worker, environment, job_environment, lock_path, web_is_present, web_present
from core.settings import Settings, load
from tests.core.jobs import tiny


def workers_of(home) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        cmdline, environ = process.info["cmdline"] or [], process.info["environ"] or {}
        if str(tiny.__file__) in cmdline and "worker" in cmdline and environ.get("WINNOW_HOME") == str(home):
            found.append(process)
    return found


@pytest.fixture
def ended(home):
    """Workers started in this home are gone afterwards."""
    yield
    for process in workers_of(home):
        process.kill()
        process.wait(5)


@pytest.mark.slow
def test_eight_racing_starts_give_exactly_one_worker_that_outlives_them(home, settings, store, project, ended):
    servers = [subprocess.Popen([*tiny.COMMAND, "ensure", "0.2"], env=environment(settings)) for _ in range(8)]
    assert [server.wait(60) for server in servers] == [0] * 8
    found = workers_of(home)
    assert len(found) == 1
    job = store.submit("units", {"n": 2}, project.id).id
    assert jobs.wait(store, settings, job, lambda _: None).status == "done"
    assert workers_of(home) == found
    assert (home / "worker.log").read_text().count("begins") == 1


def test_a_worker_that_is_there_is_not_started_again(home, settings, store, ended):
    assert ensure_worker(settings, tiny.COMMAND) is True
    assert ensure_worker(settings, tiny.COMMAND) is False


def test_a_killed_worker_is_replaced_by_the_next_call(home, settings, store, ended):
    ensure_worker(settings, tiny.COMMAND)
    (worker,) = workers_of(home)
    os.kill(worker.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while not ensure_worker(settings, tiny.COMMAND):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(workers_of(home)) == 1


def test_each_database_of_a_home_has_a_worker_of_its_own(home):
    own = lock_path(Settings(home=home))
    other = lock_path(Settings(home=home, database_url="postgresql+psycopg://someone:SECRET123@db/winnow"))
    assert own == home / "worker.lock"
    assert own != other
    assert other.parent == home
    assert "SECRET" not in other.name


def test_an_engine_that_is_not_there_is_said_before_anything_starts(home):
    with pytest.raises(NotYet, match="ray"):
        ensure_worker(Settings(home=home, engine="ray"))
    assert not (home / "worker.lock").exists()


def test_a_home_that_cannot_be_made_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="WINNOW_HOME=.*cannot be made"):
        ensure_worker(Settings(home=tmp_path / "file" / "home"))


def test_a_job_runs_under_the_settings_of_whoever_asked_last(home, settings, store, monkeypatch, ended):
    ensure_worker(Settings(home=home, allow_hosts=("127.0.0.1:1",), device="cpu"), tiny.COMMAND)
    monkeypatch.setenv("WINNOW_OPENVERSE_URL", "http://127.0.0.1:2")
    ensure_worker(Settings(home=home, allow_hosts=("127.0.0.1:2", "10.0.0.0/8")), tiny.COMMAND)
    monkeypatch.delenv("WINNOW_OPENVERSE_URL")
    given = job_environment(Settings(home=home, allow_hosts=("127.0.0.1:1",), device="cpu"))
    assert given["WINNOW_ALLOW_HOSTS"] == "127.0.0.1:2,10.0.0.0/8"
    assert given["WINNOW_OPENVERSE_URL"] == "http://127.0.0.1:2"
    assert given["WINNOW_DEVICE"] == "auto"


def test_no_address_with_a_password_is_written_to_a_file(home, ended):
    url = f"sqlite:///{home}/SECRET123.db"
    settings = Settings(home=home, database_url=url)
    ensure_worker(settings, tiny.COMMAND)
    assert not any("SECRET123" in path.read_text() for path in home.glob("*.json"))
    assert job_environment(settings)["WINNOW_DATABASE_URL"] == url


def test_relative_paths_are_the_same_places_for_the_worker(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WINNOW_HOME", raising=False)
    asked = Settings(weights="w", data="images", database_url="sqlite:///cars.db")
    given = environment(asked)
    assert given["WINNOW_HOME"] == str(tmp_path / "winnow-data")
    assert given["WINNOW_WEIGHTS"] == str(tmp_path / "w")
    assert given["WINNOW_DATA"] == str(tmp_path / "images")
    assert given["WINNOW_DATABASE_URL"] == f"sqlite:///{tmp_path / 'cars.db'}"
    assert lock_path(asked) == lock_path(Settings(database_url=given["WINNOW_DATABASE_URL"]))
    assert environment(Settings(data="s3://bucket/x"))["WINNOW_DATA"] == "s3://bucket/x"


def test_a_web_server_that_keeps_a_worker_does_not_take_over_what_a_command_asked_for(
    home, settings, store, monkeypatch, ended
):
    monkeypatch.setattr("core.jobs.presence.COMMAND", tiny.COMMAND)
    monkeypatch.setattr("core.jobs.presence.WATCH", 0.05)
    ensure_worker(Settings(home=home, device="cpu"), tiny.COMMAND)
    with web_present(settings):
        time.sleep(0.3)
        assert job_environment(settings)["WINNOW_DEVICE"] == "cpu"


def test_web_servers_are_present_until_the_last_one_has_gone(home, settings, monkeypatch, ended):
    monkeypatch.setattr("core.jobs.presence.COMMAND", tiny.COMMAND)
    assert not web_is_present(home)
    with web_present(settings):
        with web_present(settings):
            assert web_is_present(home)
        assert web_is_present(home)
    deadline = time.monotonic() + 5
    while web_is_present(home):  # for the moment in which the worker looks too, its look counts as a presence
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_web_server_starts_a_worker_and_starts_it_again_when_it_is_killed(home, settings, store, monkeypatch, ended):
    monkeypatch.setattr("core.jobs.presence.COMMAND", tiny.COMMAND)
    monkeypatch.setattr("core.jobs.presence.WATCH", 0.1)
    with web_present(settings):
        seen = set()
        deadline = time.monotonic() + 15
        while len(seen) < 2:
            assert time.monotonic() < deadline
            for worker in workers_of(home):
                if worker.pid not in seen:
                    seen.add(worker.pid)
                    if len(seen) == 1:
                        os.kill(worker.pid, signal.SIGKILL)
            time.sleep(0.05)
    assert len(seen) == 2


def test_a_key_reaches_a_jobs_process_and_is_written_into_no_file(home, monkeypatch):
    monkeypatch.setenv("WINNOW_FLICKR_KEY", "SECRET123")
    settings = load()
    (home / "worker.log").parent.mkdir(exist_ok=True)
    presence._note_settings(settings)
    assert presence.job_environment(settings)["WINNOW_FLICKR_KEY"] == "SECRET123"
    assert not [path for path in home.rglob("*") if path.is_file() and b"SECRET123" in path.read_bytes()]
    assert not presence.outdated(settings)


def test_a_worker_whose_keys_are_not_those_of_who_asks_now_is_outdated(home, monkeypatch):
    before = load()
    monkeypatch.setenv("WINNOW_FLICKR_KEY", "SECRET123")
    presence._note_settings(load())
    assert presence.outdated(before) and not presence.outdated(load())
