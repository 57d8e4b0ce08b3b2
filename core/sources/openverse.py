"""Openly licensed images by Openverse's documented search, https://api.openverse.org/v1/images/.

Anonymous, or as a registered application: then `key` and `secret` are its client id and client secret, and a token is
fetched for them and kept in memory. How many requests are left stands in the headers of every answer.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from core import licences
from core.errors import BadInput, BadSetting, Permanent, Refused
from core.model import Candidate, Results
from core.sources.answers import malformed, masked, number, parse, text
from core.sources.options import Options

if TYPE_CHECKING:
    from core.sources import Get
    from core.web import Reply

WHO = "Openverse"
BASE = "https://api.openverse.org"
PAGE_SIZE = 20  # the most that is given without a key; more is answered with 401
# With a key 50 are given, but no more than 240 results of a query either way: 48 divides that, so none is lost.
REGISTERED_PAGE_SIZE = 48
QUERY = 200  # characters; the server cuts there too
LICENCES = ("by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd", "cc0", "pdm")  # but for the retired sampling ones
MARGIN = 60.0  # seconds before its end at which a token is renewed
LONGEST_PAUSE = 3600.0  # seconds; of a day's requests some come back all the time, so one is tried again each hour
PERIODS = {"s": ("second", 1.0), "m": ("minute", 60.0), "h": ("hour", 3600.0), "d": ("day", 86400.0)}
REFUSED = (
    "Openverse does not accept WINNOW_OPENVERSE_ID and WINNOW_OPENVERSE_SECRET: "
    "look at both, and whether the address given at the registration was confirmed."
)


@dataclass(frozen=True, slots=True)
class _Budget:
    left: int
    most: int
    period: str  # "minute"
    seconds: float  # of the period


_tokens: dict[tuple[str, str], tuple[str, float]] = {}  # (address, client id) -> token, good until (monotonic seconds)
_used_up: dict[tuple[str, str], tuple[_Budget, float]] = {}  # (address, client id) -> budget, not before


def search(query: str, cursor: str, options: Options, get: Get) -> Results:
    """One page of results for the words in `query`, best first; the cursor is the number of the page.

    A result without an address is a failure. The server says how deep one may page (240 results when this was written);
    nothing beyond its `page_count` is asked for. Raises Refused where it does not answer, not as documented, or where
    its limit of requests is used up; BadSetting where it does not accept the key.
    """
    page = _page(cursor)
    if seconds := pause(options):
        raise _pause(_used_up[_who(options)][0], seconds, bool(options.key))
    ask: dict[str, str | int] = {"q": query[:QUERY], "page": page, "page_size": _size(options)}
    if options.licence not in ("", "known"):  # all that it knows has a licence
        ask["license"] = ",".join(s for s in LICENCES if licences.allowed(licences.name(s), options.licence))
    reply = _get(f"{_root(options.base)}images/?{urlencode(ask)}", options, get)
    _note(options, reply.headers)
    answer = parse(reply.body, WHO)
    results = answer.get("results")
    if not isinstance(results, list):
        raise malformed(WHO)
    more = page < (number(answer, "page_count") or 0)  # an empty page may stand in the middle
    return Results(tuple(_candidate(result) for result in results), str(page + 1) if more else "")


def limits(headers: Mapping[str, str]) -> str:
    """ "17 of 20 requests a minute left, 180 of 200 a day", by the headers of an answer; "" where they do not say."""
    budgets = _budgets(headers)
    said = [f"{b.left} of {b.most}{'' if at else ' requests'} a {b.period}{'' if at else ' left'}"
            for at, b in enumerate(budgets)]  # fmt: skip
    return ", ".join(said)


def pause(options: Options) -> float:
    """Seconds until it may be asked again; 0 = now. More where a limit of requests is used up, by its last answer."""
    _, until = _used_up.get(_who(options), (None, 0.0))
    return max(until - time.monotonic(), 0.0)


def _page(cursor: str) -> int:
    if not re.fullmatch(r"([1-9]\d{0,8})?", cursor):
        raise BadInput(f"{cursor[:200]!r} is not a page of Openverse's results: a number was wanted.")
    return int(cursor or 1)


def _size(options: Options) -> int:
    most = REGISTERED_PAGE_SIZE if options.key else PAGE_SIZE
    return min(options.size or most, most)


def _root(base: str) -> str:
    """The address of the API under a base such as https://api.openverse.org, with or without its path."""
    base = (base or BASE).rstrip("/").removesuffix("/images").removesuffix("/v1")
    return f"{base}/v1/"


def _who(options: Options) -> tuple[str, str]:
    return _root(options.base), options.key


def _get(url: str, options: Options, get: Get) -> Reply:
    if not (options.key or options.secret):
        return get(url)
    for _ in range(2):  # a token may end before its time: then it is fetched anew, once
        token = _token(options, get)
        try:
            return get(url, headers={"Authorization": f"Bearer {token}"})
        except Refused as error:
            if error.reason not in ("http 401", "http 403"):
                raise masked(error, options.secret, options.key, token) from None
            _tokens.pop(_who(options), None)
    raise BadSetting(REFUSED)


def _token(options: Options, get: Get) -> str:
    """Raises BadSetting where one half of the credentials is missing, or they are not accepted."""
    kept, until = _tokens.get(_who(options), ("", 0.0))
    if until > time.monotonic():
        return kept
    for name, value in (("WINNOW_OPENVERSE_ID", options.key), ("WINNOW_OPENVERSE_SECRET", options.secret)):
        if not value:
            raise BadSetting(f"{name} is not set: WINNOW_OPENVERSE_ID and WINNOW_OPENVERSE_SECRET belong together.")
    form = {"grant_type": "client_credentials", "client_id": options.key, "client_secret": options.secret}
    try:
        reply = get(f"{_root(options.base)}auth_tokens/token/", form=form)
    except Permanent as error:
        if error.reason in ("http 400", "http 401", "http 403"):
            raise BadSetting(REFUSED) from None
        raise
    answer = parse(reply.body, WHO)
    token = text(answer, "access_token")
    if not re.fullmatch(r"[\x21-\x7e]{1,4000}", token):  # it goes into a header
        raise malformed(WHO)
    _tokens[_who(options)] = (token, time.monotonic() + (number(answer, "expires_in") or 0) - MARGIN)
    return token


def _budgets(headers: Mapping[str, str]) -> list[_Budget]:
    """What X-RateLimit-Limit-<scope>: 20/min and X-RateLimit-Available-<scope>: 17 say, the shortest period first.

    The scopes of a search end in _burst and _sustained.
    """
    said = {name.lower(): value.strip() for name, value in headers.items()}
    budgets = []
    for name, value in said.items():
        scope = re.fullmatch(r"x-ratelimit-limit-(\w+_(?:burst|sustained))", name)
        rate = re.fullmatch(r"(\d{1,9})/([smhd])\w*", value)
        left = said.get(f"x-ratelimit-available-{scope[1]}", "") if scope else ""
        if rate and re.fullmatch(r"-?\d{1,9}", left):
            budgets.append(_Budget(max(int(left), 0), int(rate[1]), *PERIODS[rate[2]]))
    return sorted(budgets, key=lambda budget: budget.seconds)


def _note(options: Options, headers: Mapping[str, str]) -> None:
    for budget in _budgets(headers):  # the longest comes last, and stays
        if budget.left == 0:
            _used_up[_who(options)] = (budget, time.monotonic() + min(budget.seconds, LONGEST_PAUSE))


def _pause(budget: _Budget, seconds: float, registered: bool) -> Refused:
    whose = "to this key" if registered else "without a key"
    when = f"in {seconds:.0f} seconds" if budget.seconds <= LONGEST_PAUSE else f"within a {budget.period}"
    hint = "" if registered else " WINNOW_OPENVERSE_ID and WINNOW_OPENVERSE_SECRET give more."
    sentence = f"Openverse gives {budget.most} requests a {budget.period} {whose}, and they are used up: more {when}."
    return Refused("asked for a pause", sentence + hint)


def _candidate(result: Any) -> Candidate:
    licence = licences.name(text(result, "license"), text(result, "license_version"))
    return Candidate(
        url=text(result, "url") or f"openverse result {text(result, 'id') or 'without an id'}",
        label="", source="openverse", page=text(result, "foreign_landing_url"), title=text(result, "title"),
        creator=text(result, "creator"), licence=licence,
        licence_url=text(result, "license_url") or licences.url_of(licence),
        error="" if text(result, "url") else "malformed result",
    )  # fmt: skip
