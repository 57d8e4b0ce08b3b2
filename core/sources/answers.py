"""What an API answers, read with care: nothing is of the type that the documentation says until it was looked at."""

from __future__ import annotations

import json
from typing import Any

from core.errors import Refused


def parse(body: bytes, who: str) -> dict[str, Any]:
    """The JSON object that `who` answered. Raises Refused "malformed answer"."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise malformed(who)
    return answer


def malformed(who: str) -> Refused:
    return Refused("malformed answer", f"{who} did not answer as its documentation says.")


def text(record: Any, name: str) -> str:
    """A field of a record; "" where it is missing, or no text, or the record is none."""
    value = record.get(name) if isinstance(record, dict) else None
    return value if isinstance(value, str) else ""


def number(record: Any, name: str) -> int | None:
    """A field that is a whole number, or one written in digits; None for anything else."""
    value = record.get(name) if isinstance(record, dict) else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def masked(error: Refused, *secrets: str) -> Refused:
    """The same error without the secrets, which a host may repeat in an address that it redirects to."""
    sentence = str(error)
    for secret in filter(None, secrets):
        sentence = sentence.replace(secret, "***")
    return type(error)(error.reason, sentence)
