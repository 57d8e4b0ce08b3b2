"""Who is there: locks that their holders' processes keep open, so that a death of any kind gives them back.

`worker.lock` in the home folder is held by the one worker, `web.lock` is shared by the web servers. A worker is started
with its lock in hand: of several starts at once one gets the lock, and no moment is left in which a second one could.
`winnow-training.lock`, in the machine's folder for temporary files, is held by the worker that trains, whoever's it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pydantic import SecretStr

from core.engine import engine
from core.engine.processes import ROOT
from core.errors import BadSetting, WinnowError
from core.settings import variables

if TYPE_CHECKING:
    from core.settings import Settings

COMMAND = (sys.executable, "-m", "core")
WATCH = 1.0  # seconds between two looks of a web server whether there is a worker; longer after each start
# What a job's process gets from whoever asked last for a worker. The rest is the worker's own: it is one for each home
# and database, and an address with a password does not belong into a file.
PASSED_ON = (
    "weights", "engine", "device", "allow_hosts", "host_rate", "threads", "contact", "connections", "openverse_id"
)  # fmt: skip
MARK = "mark of the keys"  # beside them: keys are in no file, so a worker that has others gives its place to a new one


def ensure_worker(settings: Settings, command: Sequence[str] = ()) -> bool:
    """Start a worker, detached from this process, unless there is one. True = it was started.

    Jobs that start from now on run under these settings, whoever started the worker. Raises NotYet for an engine that
    is not there, BadSetting where the home folder cannot be made.
    """
    engine(settings)
    _note_settings(settings)
    return _started(settings, command)


def _started(settings: Settings, command: Sequence[str] = ()) -> bool:
    engine(settings)
    home = _home(settings)
    with open(lock_path(settings), "ab") as lock, open(home / "worker.log", "ab") as log:
        if not taken(lock.fileno()):
            return False
        process = subprocess.Popen([*(command or COMMAND), "worker"], stdin=lock, stdout=log, stderr=log, cwd=ROOT,
                                   env=environment(settings), start_new_session=True)  # fmt: skip
    threading.Thread(target=process.wait, name="reaper", daemon=True).start()  # no zombie while this process lives
    return True


@contextmanager
def web_present(settings: Settings) -> Iterator[None]:
    """While inside, a worker with nothing to do stays, and one that was killed is started again."""
    home = _home(settings)
    over = threading.Event()
    with open(home / "web.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        keeper = threading.Thread(target=_keep, args=(settings, over), name="worker keeper", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()


def _keep(settings: Settings, over: threading.Event) -> None:
    pause = 0.0
    while not over.wait(pause):
        started = False
        with contextlib.suppress(OSError, WinnowError):  # a full disk, a setting: every page says so
            # A home folder that was deleted under a running server is not made again behind its back.
            started = settings.home.exists() and _started(settings)
        pause = min(60.0, 2 * pause) if started and pause else WATCH


def web_is_present(home: Path) -> bool:
    with contextlib.suppress(OSError), open(home / "web.lock", "ab") as lock:
        return not taken(lock.fileno())
    return False


def lock_path(settings: Settings) -> Path:
    """One for each database that is used with this home folder."""
    other = settings.database_url and f"-{hashlib.sha256(_database_url(settings).encode()).hexdigest()[:8]}"
    return settings.home.absolute() / f"worker{other}.lock"


def training_lock() -> IO | None:
    """The right to train on this machine, until it is closed; None while another worker, of any home folder, has it."""
    path = Path(tempfile.gettempdir()) / "winnow-training.lock"
    try:
        lock = open(path, "rb")  # noqa: SIM115, another person's file can be locked too, but not be written
    except FileNotFoundError:
        lock = open(path, "ab")  # noqa: SIM115
    if taken(lock.fileno()):
        return lock
    lock.close()
    return None


def taken(descriptor: int) -> bool:
    """Whether the lock could be taken, now or because this very descriptor holds it already."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def environment(settings: Settings) -> dict[str, str]:
    """The environment that gives another process, in any folder, exactly these settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("WINNOW_")}
    spelled = _spelled(settings, tuple(type(settings).model_fields))
    return kept | _sources() | spelled | {"PYTHONUNBUFFERED": "1"}


def job_environment(settings: Settings) -> dict[str, str]:
    """The worker's own environment, with what the last ensure_worker() passed on in place of its own."""
    own = environment(settings)
    try:
        passed_on = json.loads(_noted(settings).read_text())
    except FileNotFoundError:
        return own  # a worker started by hand
    replaced = {f"WINNOW_{name.upper()}" for name in PASSED_ON}
    passed_on.pop(MARK, None)
    return {key: value for key, value in own.items() if key not in replaced and not _is_source(key)} | passed_on


def outdated(settings: Settings) -> bool:
    """Whether whoever asked last for a worker has other keys than this one."""
    try:
        return json.loads(_noted(settings).read_text()).get(MARK, "") != _mark(settings)
    except FileNotFoundError:
        return False  # started by hand


def _mark(settings: Settings) -> str:
    """A mark of the keys that does not tell them."""
    values = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    return hashlib.pbkdf2_hmac("sha256", "\n".join(values).encode(), str(lock_path(settings)).encode(), 1000).hex()


def _note_settings(settings: Settings) -> None:
    _home(settings)
    text = json.dumps(_spelled(settings, PASSED_ON) | _sources() | {MARK: _mark(settings)})
    noted = _noted(settings)
    with contextlib.suppress(OSError):
        if noted.read_text() == text:
            return
    temporary = noted.with_name(f"{noted.name}.{os.getpid()}.{threading.get_ident()}.part")
    temporary.write_text(text)
    temporary.replace(noted)


def _noted(settings: Settings) -> Path:
    return lock_path(settings).with_suffix(".json")


def _spelled(settings: Settings, names: Sequence[str]) -> dict[str, str]:
    """Settings as variables of an environment, with absolute paths: the other process may be in another folder."""
    spelled = {}
    for name in names:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if isinstance(value, Path) or (name == "data" and value and "://" not in value):
            value = Path(value).absolute()
        if name == "database_url":
            value = _database_url(settings)
        if value not in (None, "", ()):
            spelled[f"WINNOW_{name.upper()}"] = ",".join(value) if isinstance(value, tuple) else str(value)
    return spelled


def _database_url(settings: Settings) -> str:
    url = settings.database_url
    path = url.removeprefix("sqlite:///")
    relative = path not in ("", url) and not path.startswith(("/", ":", "file:"))
    return f"sqlite:///{Path(path).absolute()}" if relative else url


def _sources() -> dict[str, str]:
    """The addresses of sources, `.env` of this folder included: the other process does not read that one."""
    return {key: value for key, value in variables().items() if _is_source(key)}


def _is_source(key: str) -> bool:
    return key.startswith("WINNOW_") and key.endswith("_URL") and key != "WINNOW_DATABASE_URL"


def _home(settings: Settings) -> Path:
    home = settings.home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(f"WINNOW_HOME={str(settings.home)!r} cannot be made: {error.strerror}.") from None
    return home
