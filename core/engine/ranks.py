"""What the processes of group.py run: a generator function, once or by several that compute as one.

Run as a file. `ranks.py launch N ADDRESS` is torchrun with N processes, each of them `ranks.py rank ADDRESS`; a single one
is started as that at once. Each connects to the socket ADDRESS, says which it is, and works off what comes: the parent's
sys.path, a function and its argument. The first one sends what the generator yields, row by row, and goes on when it is
told so; all send how it ended.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
import socket
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def launch(count: str, address: str) -> None:
    from accelerate.utils import check_cuda_p2p_ib_support
    from torch.distributed.run import main as torchrun

    if not check_cuda_p2p_ib_support():  # two of NVIDIA's RTX 4000s, say: NCCL hangs where it tries
        os.environ |= {"NCCL_P2P_DISABLE": "1", "NCCL_IB_DISABLE": "1"}
    torchrun([
        "--standalone", f"--nproc-per-node={count}", f"--log-dir={os.path.dirname(address)}", __file__, "rank", address,
    ])  # fmt: skip


def rank(address: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; the parent ends its children
    line = socket.socket(socket.AF_UNIX)
    line.connect(address)
    parent, number = Connection(line.detach()), int(os.environ.get("RANK", "0"))
    parent.send(number)
    with suppress(EOFError, OSError):  # the parent is gone, or has no more to do
        while True:
            path, task = parent.recv()
            sys.path[:] = path
            parent.send(_worked_off(parent, task, number))
            gc.collect()
            if torch := sys.modules.get("torch"):
                torch.cuda.empty_cache()  # another process may want it before the next task


def _worked_off(parent: Connection, task: bytes, number: int) -> tuple[str, Any]:
    try:
        fn, config = pickle.loads(task)
        rows = fn(config)
        for row in rows:
            if number == 0 and not _told(parent, row):
                rows.close()
                break
    except Exception as error:
        return _failed(error)
    return "end", None


def _told(parent: Connection, row: Any) -> bool:
    """Whether it is to go on after that."""
    try:
        parent.send(("row", row))
        return parent.recv()
    except (EOFError, OSError):
        sys.exit(0)


def _failed(error: Exception) -> tuple[str, Any]:
    try:
        pickle.loads(pickle.dumps(error))  # some errors can be written but not read
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    return "error", error


def _die_with_parent() -> None:
    """On Linux the kernel ends this process with the one that started it; elsewhere it ends when it next sends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder: its modules are no packages to import
    _die_with_parent()
    {"launch": launch, "rank": rank}[sys.argv[1]](*sys.argv[2:])
