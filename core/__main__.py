"""python -m core VERB ...: the command line, each page's twin. The verbs are in core/cli.

Progress goes to stderr; with --json one JSON object on one line, and nothing else, goes to stdout.
Exit 0: the job ran to its end (single items may have failed, they are counted); 1: the job failed, one sentence;
2: wrong usage; 130: left with Ctrl-C; 141: nobody reads what it prints any more.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from core.cli.parser import parser
from core.errors import BadInput, BadSetting, NotYet, WinnowError

WRONG_USAGE = (BadInput, BadSetting, NotYet)


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        result = args.run(args)
    except KeyboardInterrupt:
        print("Left. A job that was started goes on; `python -m core jobs` shows it.", file=sys.stderr)
        return 130
    except WinnowError as error:
        if args.debug:
            traceback.print_exc()
        print(error, file=sys.stderr)
        return 2 if isinstance(error, WRONG_USAGE) else 1
    if result is not None:
        failed = bool(result.pop("_failed", False))
        try:
            print(json.dumps(result, ensure_ascii=False) if args.json else _plain(result), flush=True)
        except BrokenPipeError:  # whoever read it, such as head, has left: what is not written yet goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141  # as a program that the closed pipe ended: 128 + SIGPIPE
        return int(failed)
    return 0


def _plain(result: dict[str, Any], indent: int = 0) -> str:
    """A result for reading: one line a value, nested ones indented; what there is not is left out."""
    lines = []
    for key, value in result.items():
        if isinstance(value, dict) and value:
            lines += [f"{' ' * indent}{key}:", _plain(value, indent + 2)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [
                f"{' ' * indent}{key}:",
                *(
                    " " * (indent + 2)
                    + "  ".join(f"{k}={' '.join(str(v).split())}" for k, v in row.items() if v is not None)
                    for row in value
                ),
            ]
        elif value is not None:
            lines.append(f"{' ' * indent}{key}: {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
