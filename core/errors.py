"""Every error a user may see. Each names the key, the value and what was wanted, in one sentence to act on.

WinnowError                what went wrong, for the user; never a traceback
├── BadInput               a value that the user gave (exit 2 on the command line)
├── BadSetting             a setting in the environment or .env (exit 2)
├── NotYet                 a form of a command that a later release brings (exit 2)
├── Missing                a library, a weights file, a blob that is not there
├── Refused                an address that may not be reached, a size over the limit: this one item fails
│   └── Permanent          the same, and trying again is of no use
├── Damaged                bytes that do not match their SHA-256, a checkpoint cut short
├── Busy                   the database is locked, newer than this program, or read-only
├── Died                   a process or a GPU that computed is gone; what it had told is kept
├── Fenced                 another worker holds the job now; this one must stop writing
└── Stopped                the user asked the job to stop
"""

from __future__ import annotations


class WinnowError(Exception):
    """Base of all; str() of it is the sentence."""


class BadInput(WinnowError): ...


class BadSetting(WinnowError): ...


class NotYet(WinnowError): ...


class Missing(WinnowError): ...


class Refused(WinnowError):
    """One item failed. `reason` is the short word it is counted under, str() the sentence."""

    retryable = True
    permission = ""  # what the host permits, as far as it was asked before this happened: see core.web.Reply
    pause = 0.0  # seconds that its host wants to be left alone still, where it was not asked because of that

    def __init__(self, reason: str, sentence: str = "") -> None:
        super().__init__(sentence or reason)
        self.reason = reason

    def __reduce__(self) -> tuple:  # keeps both words when it crosses a process
        return type(self), (self.reason, str(self))


class Permanent(Refused):
    retryable = False


class Damaged(WinnowError): ...


class Busy(WinnowError): ...


class Died(WinnowError): ...


class Fenced(WinnowError): ...


class Stopped(WinnowError): ...
