"""One request through the door, and the reason why it was refused."""

import asyncio

import pytest

from core import web as door
from core.errors import Refused
from core.web import Web


def get(url, *allow, names=None, rate="", limit=door.LIMIT, deadline=5.0, robots=True):
    """`names`: host -> list of answers, one for each lookup; the last answer stays."""

    async def lookup(host, port):
        answers = names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def run():
        async with Web(allow, rate) as web:
            if names is not None:
                web.guard.lookup = lookup
            return await web.get(url, limit, deadline, robots=robots)

    return asyncio.run(run())


def reason(url, *allow, **more):
    return refusal(url, *allow, **more).reason


def refusal(url, *allow, **more):
    with pytest.raises(Refused) as caught:
        get(url, *allow, **more)
    assert str(caught.value).endswith((".", ")"))  # a sentence
    return caught.value


def together(provider, count, allow, rate, path="/hops/0"):
    """The replies, or what was raised, of requests made at once."""

    async def run():
        async with Web((allow,), rate) as web:
            return await asyncio.gather(*(web.get(provider.url + path) for _ in range(count)), return_exceptions=True)

    return asyncio.run(run())
