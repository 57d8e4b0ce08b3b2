"""Reads one page in a process of its own: `python -m core.sources.page.child`, one line of JSON and the bytes on stdin.

HTML comes from anywhere, and the library that reads it is written in C: a page of a million "<div>" keeps it busy for
minutes, and others have crashed it. Here that costs one page and not the job.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict

from core.errors import BadInput
from core.sources.page.charset import decode
from core.sources.page.document import read

SECONDS = 20  # of a processor
MEMORY = 3 << 30  # bytes


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    if sys.platform == "linux":  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    ask = json.loads(sys.stdin.buffer.readline())
    html = decode(sys.stdin.buffer.read(), ask["content_type"])
    try:
        answer = asdict(read(html, ask["address"], ask["selector"]))
    except BadInput as error:
        answer = {"wrong": str(error)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
