from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import BadSetting
from core.jobs.presence import environment
from core.settings import load, variables


def test_everything_has_a_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WINNOW_HOME", raising=False)
    settings = load()
    assert settings.database == f"sqlite:///{tmp_path / 'winnow-data' / 'winnow.db'}"
    assert settings.storage == str(tmp_path / "winnow-data")
    assert settings.allow_hosts == ()


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("WINNOW_THREADS=3\nWINNOW_CONTACT=me@example.org\n")
    monkeypatch.setenv("WINNOW_THREADS", "2")
    settings = load()
    assert (settings.threads, settings.contact) == (2, "me@example.org")


def test_hosts_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_ALLOW_HOSTS", "127.0.0.1:8000, 10.0.0.0/8")
    assert load().allow_hosts == ("127.0.0.1:8000", "10.0.0.0/8")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("WINNOW_DEVICE", "tpu", "'auto', 'cpu', 'cuda' or 'mps'"),
        ("WINNOW_THREADS", "many", "integer"),
        ("WINNOW_THREADS", "-1", "greater"),
        ("WINNOW_HOST_RATE", "fast", "2/1"),
        ("WINNOW_CONTACT", "me\r\nX: y", "ASCII"),
        ("WINNOW_HOEM", "/x", "Did you mean WINNOW_HOME?"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch, key: str, value: str, said: str) -> None:
    monkeypatch.setenv(key, value)
    with pytest.raises(BadSetting) as refused:
        load()
    assert key in str(refused.value)
    assert said in str(refused.value)


def test_a_provider_may_have_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_OPENVERSE_URL", "http://localhost:1/")
    assert load().source_url("openverse") == "http://localhost:1"
    assert load().source_url("commons") == ""


def test_the_file_says_all_that_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(
        "WINNOW_PROJECT=cars\nWINNOW_OPENVERSE_URL=http://localhost:1/\nWINNOW_COMMONS_URL=http://localhost:2\nOTHER=x\n"
    )
    monkeypatch.setenv("WINNOW_COMMONS_URL", "http://localhost:3")
    assert load().source_url("openverse") == "http://localhost:1"
    assert load().source_url("commons") == "http://localhost:3"
    assert variables()["WINNOW_PROJECT"] == "cars"
    assert "OTHER" not in variables()


@pytest.mark.parametrize("line", ["WINNOW_HOEM=/x", "export WINNOW_HOEM='/x'", "WINNOW_HOEM"])
def test_an_unknown_key_in_the_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(line)
    with pytest.raises(BadSetting, match="WINNOW_HOEM=.*Did you mean WINNOW_HOME?"):
        load()


def test_a_file_that_is_no_text_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"WINNOW_CONTACT=\xff\xfe")
    with pytest.raises(BadSetting, match="[.]env' cannot be read"):
        load()


def test_a_source_in_the_file_reaches_the_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("WINNOW_OPENVERSE_URL=http://localhost:1\n")
    assert environment(load())["WINNOW_OPENVERSE_URL"] == "http://localhost:1"


def test_what_may_be_a_secret_is_not_repeated_where_its_name_is_misspelt(monkeypatch):
    monkeypatch.setenv("WINNOW_FLICKRKEY", "SECRET123")
    with pytest.raises(
        BadSetting, match="WINNOW_FLICKRKEY=... is not a setting. Did you mean WINNOW_FLICKR_KEY"
    ) as said:
        load()
    assert "SECRET123" not in str(said.value)
