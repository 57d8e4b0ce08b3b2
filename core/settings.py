"""Settings from the environment, or `.env` in the folder the program is started in. README lists every one.

An unknown or malformed setting is a BadSetting that names the key, the value and what was wanted.
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import BadSetting

OTHERS = {"WINNOW_PROJECT", "WINNOW_TEST_DATA"}  # read by the command line, by tests and benches
SOURCE_URL = re.compile(r"WINNOW_([A-Z0-9]+)_URL")  # another base address for a provider: a mirror, a test's server


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="WINNOW_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(Path("winnow-data"), description="the folder where everything is kept")
    database_url: str = Field("", description="default: SQLite in the home folder")
    data: str = Field("", description="where images are kept, any fsspec address; default: the home folder")
    weights: Path | None = Field(None, description="a folder looked in for pretrained weights before any hub")
    engine: Literal["local", "ray"] = Field("local", description="where jobs run")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="what trains")
    allow_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="private addresses the downloader may reach, comma-separated: host, host:port or network"
    )
    host_rate: str = Field("", description="at once / per second for each host, '2/1' by default; or 'off'")
    threads: int = Field(
        0, ge=0, le=256, description="the most CPU threads for training and predictions; 0 = what is faster just now"
    )
    tensorboard: bool = Field(False, description="write event files for TensorBoard beside each run's checkpoint")
    contact: str = Field("", description="mail or page that goes into the user agent, so that hosts can reach you")
    connections: int = Field(64, ge=1, le=256, description="how many downloads run at once, over all hosts")
    flickr_key: SecretStr = Field(SecretStr(""), description="an API key of Flickr, for the source flickr")
    openverse_id: str = Field("", description="the client id of a registered application of Openverse; optional")
    openverse_secret: SecretStr = Field(SecretStr(""), description="and its client secret")

    @field_validator("allow_hosts", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        return tuple(v.strip() for v in value.split(",") if v.strip()) if isinstance(value, str) else value

    @field_validator("host_rate")
    @classmethod
    def _rate(cls, value: str) -> str:
        if value and value != "off" and not re.fullmatch(r"[1-9]\d*/\d*\.?\d+", value):
            raise ValueError("wanted 'at once/per second' like 2/1, or off")
        return value

    @field_validator("contact")
    @classmethod
    def _header(cls, value: str) -> str:
        if not value.isprintable() or not value.isascii():
            raise ValueError("wanted plain ASCII text")
        return value

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home.absolute() / 'winnow.db'}"

    @property
    def storage(self) -> str:
        return self.data or str(self.home.absolute())

    def source_url(self, source: str) -> str:
        """WINNOW_<SOURCE>_URL without its last slash, or ""."""
        return variables().get(f"WINNOW_{source.upper()}_URL", "").rstrip("/")


def variables() -> dict[str, str]:
    """Every WINNOW_... in force: those of `.env` in the working folder, and over them those of the environment.

    Raises BadSetting where `.env` cannot be read.
    """
    try:
        written = dotenv_values(".env", encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"The file {str(Path('.env').absolute())!r} cannot be read: {error}.") from None
    both = {key: value or "" for key, value in written.items()} | dict(os.environ)
    return {key: value for key, value in both.items() if key.startswith("WINNOW_")}


def load() -> Settings:
    """The settings in force. Raises BadSetting for an unknown key or a value that does not fit."""
    known = {f"WINNOW_{name.upper()}" for name in Settings.model_fields} | OTHERS
    for key, value in variables().items():
        if key not in known and not SOURCE_URL.fullmatch(key):
            near = difflib.get_close_matches(key, sorted(known), 1)
            hint = f" Did you mean {near[0]}?" if near else f" Known are {', '.join(sorted(known))}."
            shown = "..." if re.search("KEY|SECRET|TOKEN|PASSWORD|_ID", key) else repr(value)  # it may be a secret
            raise BadSetting(f"{key}={shown} is not a setting.{hint}")
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        key = f"WINNOW_{str(first['loc'][0]).upper()}"
        wanted = first["msg"].removeprefix("Value error, ")
        raise BadSetting(f"{key}={first['input']!r} does not fit: {wanted}.") from None
