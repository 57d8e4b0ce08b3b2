"""What a child process of local.py runs: one function on items that come through a socket, under limits.

Run as a file, so that it starts in milliseconds; everything but the standard library comes with the parent's sys.path.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from typing import Any

HEAD = struct.Struct(">Q")
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(parent: int) -> None:
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; the parent ends its children
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    line = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    work = pickle.loads(_read(line))
    sys.path[:] = work["path"]
    try:
        fn = pickle.loads(work["fn"])
        if sys.platform == "linux":  # macOS knows no such limit
            resource.setrlimit(resource.RLIMIT_AS, (work["memory"], work["memory"]))
    except Exception as error:
        _write(line, _answer(False, error))
        return
    _write(line, _answer(True, None))
    while True:
        _write(line, _done(fn, pickle.loads(_read(line))))


def _done(fn: Any, item: Any) -> bytes:
    try:
        return _answer(True, fn(item))
    except MemoryError:
        from core.errors import Permanent

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        return _answer(False, Permanent("memory", f"It needs more than {limit / (1 << 30):.1f} GB of memory."))
    except Exception as error:
        return _answer(False, error)


def _answer(good: bool, value: Any) -> bytes:
    if good:
        return pickle.dumps((good, value), protocol=pickle.HIGHEST_PROTOCOL)
    try:
        data = pickle.dumps((good, value))
        pickle.loads(data)  # some errors can be written but not read
    except Exception:
        data = pickle.dumps((good, RuntimeError(f"{type(value).__name__}: {value}")))
    return data


def _read(line: socket.socket) -> bytes:
    (size,) = HEAD.unpack(_exactly(line, HEAD.size))
    return bytes(_exactly(line, size))


def _exactly(line: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        got = line.recv_into(view)
        if not got:
            sys.exit(0)  # the parent is gone, or has no more items
        view = view[got:]
    return data


def _write(line: socket.socket, data: bytes) -> None:
    line.sendall(HEAD.pack(len(data)))
    line.sendall(data)


def _die_with(parent: int) -> None:
    """On Linux the kernel ends this process with its parent; elsewhere it ends when it next reads."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it went before the line above
            sys.exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
