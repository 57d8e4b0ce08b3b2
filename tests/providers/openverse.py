"""Openverse's API as documented at https://api.openverse.org/v1/: search, tokens, and limits in the headers."""

from __future__ import annotations

import math

from tests.providers.server import Answer, Asked, Server

LICENCES = {"by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd", "cc0", "pdm", "sampling+", "nc-sampling+"}
DEPTH = 240  # results of one query, with a key and without

# The example of https://api.openverse.org/v1/, shortened.
RESULT = {
    "id": "4bc43a04-ef46-4544-a0c1-63c63f56e276", "title": "Tree Bark Photo",
    "foreign_landing_url": "https://stocksnap.io/photo/XNVBVXO3B7",
    "url": "https://cdn.stocksnap.io/img-thumbs/960w/XNVBVXO3B7.jpg", "creator": "Tim Sullivan",
    "creator_url": "https://www.secretagencygroup.com", "license": "cc0", "license_version": "1.0",
    "license_url": "https://creativecommons.org/publicdomain/zero/1.0/", "provider": "stocksnap", "source": "stocksnap",
    "attribution": '"Tree Bark Photo" by Tim Sullivan is marked with CC0 1.0.', "mature": False, "height": 4016,
    "width": 6016, "thumbnail": "https://api.openverse.org/v1/images/4bc43a04-ef46-4544-a0c1-63c63f56e276/thumb/",
}  # fmt: skip


def many(count: int) -> list:
    return [{**RESULT, "url": f"https://cdn.example/{n}.jpg"} for n in range(count)]


class Openverse(Server):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list] = {}  # words -> results
        self.client = ("the-id", "SECRET123")
        self.tokens: list[str] = []  # those that are good, in the order they were given
        self.life: object = 43200
        self.minute, self.day = 20, 200  # requests left without a key

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/v1/auth_tokens/token/" and asked.method == "POST":
            return self._token(asked.form)
        if asked.path == "/v1/images/" and asked.method == "GET":
            return self._search(asked)
        return Answer({"detail": "Not found."}, 404)

    def _token(self, form: dict[str, str]) -> Answer:
        if form.get("grant_type") != "client_credentials":
            return Answer({"error": "unsupported_grant_type"}, 400)
        if (form.get("client_id"), form.get("client_secret")) != self.client:
            return Answer({"error": "invalid_client"}, 401)
        self.tokens.append(f"token-{len(self.asked)}")
        return Answer({"access_token": self.tokens[-1], "expires_in": self.life, "token_type": "Bearer",
                       "scope": "read write"})  # fmt: skip

    def _search(self, asked: Asked) -> Answer:
        bearer = asked.headers.get("authorization", "")
        if bearer and bearer.removeprefix("Bearer ") not in self.tokens:
            return Answer({"detail": "Incorrect authentication credentials."}, 401)
        page, size = int(asked.query.get("page", 1)), int(asked.query.get("page_size", 20))
        if size > (50 if bearer else 20) or page * size > DEPTH:
            return Answer({"detail": "beyond the limit"}, 401)
        wanted = set(asked.query["license"].split(",")) if "license" in asked.query else set()
        if wanted - LICENCES:
            return Answer({"detail": {"license": ["License does not exist."]}}, 400)
        found = [r for r in self.found.get(asked.query.get("q", ""), []) if not wanted or r["license"] in wanted]
        pages = min(math.ceil(len(found) / size), DEPTH // size)
        results = found[(page - 1) * size : page * size]
        answer = {"result_count": min(len(found), DEPTH), "page_count": pages, "page_size": size, "page": page,
                  "results": results}  # fmt: skip
        return Answer(answer, headers=self._limits(bool(bearer)))

    def _limits(self, registered: bool) -> dict[str, str]:
        if registered:
            scope = "oauth2_client_credentials"
            return {
                f"X-RateLimit-Limit-{scope}_sustained": "10000/day",
                f"X-RateLimit-Available-{scope}_sustained": "9990",
                f"X-RateLimit-Limit-{scope}_burst": "100/min",
                f"X-RateLimit-Available-{scope}_burst": "99",
            }
        self.minute, self.day = self.minute - 1, self.day - 1
        return {
            "X-RateLimit-Limit-anon_burst": "20/min", "X-RateLimit-Available-anon_burst": str(self.minute),
            "X-RateLimit-Limit-anon_sustained": "200/day", "X-RateLimit-Available-anon_sustained": str(self.day),
        }  # fmt: skip
