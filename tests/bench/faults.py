"""5,000 addresses of which one in ten is faulty, with kill -9 in the middle: is every one accounted for, and rightly?

    python tests/bench/faults.py [--urls 5000] [--faulty 0.1] [--seed 0] [--json]

Real files (sneakers, fashion) from servers in a process of their own on four loopback addresses (Linux has them all), so
that a host which asks for a pause holds up its own files only. The faults are of KINDS, drawn by the seed. Through the
command line, in a fresh home: `project`, `scrape --source urls --deadline 5`; kill -9 of the job's process once a third
is done; then half of the faults that may pass are mended, and `scrape --retry`; then `clean` and `export --format credits`.

Checked and printed: every address once in the database, as found = fetched + duplicate + failed; the reason each fault was
counted under, and the surprises; faults that the retry mended; connections to addresses that are forbidden, which are
those seen in the job's own table of connections and at a private server that redirects lead to; duplicates against SHA-256
over the files; a row of the credits for each kept image. Exit 1 where something is not accounted for.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.bench.faulty import DATA, HOSTS, IMAGE, KINDS, PIXEL, Hosts, Item, plan  # noqa: E402
from tests.bench.server import Remote  # noqa: E402

KILL_AT = 1 / 3  # of the addresses done
DEADLINE = 5  # seconds for one download
PASSING = ("connection", "http 429", "http 503", "timeout")  # reasons that another try may be worth while for


# the command line -----------------------------------------------------------------------------------------------------


class Home:
    def __init__(self, folder: Path, allow: Sequence[str]) -> None:
        from db import open_store

        self.folder = folder
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("WINNOW_")} | {
            "WINNOW_HOME": str(folder), "WINNOW_ALLOW_HOSTS": ",".join(allow), "WINNOW_PROJECT": "faults",
        }  # fmt: skip
        self.store = open_store(f"sqlite:///{folder / 'winnow.db'}")
        self.reached: set[str] = set()  # addresses that the job's processes had a connection to
        self.killed = 0

    def core(self, *words: object, kill_at: int = 0) -> dict[str, Any]:
        """The verb's JSON. At `kill_at` addresses done the job's process is killed."""
        argv = [sys.executable, "-m", "core", *map(str, words), "--json"]
        begun = time.perf_counter()
        with tempfile.TemporaryFile("w+") as answer, tempfile.TemporaryFile("w+") as problems:
            with subprocess.Popen(argv, cwd=ROOT, env=self.env, stdout=answer, stderr=problems) as process:
                while process.poll() is None:
                    self._look(kill_at)
                    time.sleep(0.05)
            said, problem = (file.seek(0) or file.read() for file in (answer, problems))
        if process.returncode not in (0, 2):
            raise SystemExit(f"{' '.join(argv)} ended with {process.returncode}: {problem[-2000:]}")
        result = json.loads(said) if said else {"refused": problem.strip().splitlines()[-1]}
        return result | {"seconds": round(time.perf_counter() - begun, 1)}

    def _look(self, kill_at: int) -> None:
        for job in self.store.jobs(limit=1):
            if job.status != "running" or not job.pid:
                continue
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                lines = psutil.Process(job.pid).net_connections("inet")
                self.reached |= {line.raddr.ip for line in lines if line.raddr}
            if kill_at and not self.killed and job.done >= kill_at:
                self.killed = job.done
                os.kill(job.pid, signal.SIGKILL)

    def rows(self) -> list[sqlite3.Row]:
        with sqlite3.connect(f"file:{self.folder / 'winnow.db'}?mode=ro", uri=True) as db:
            db.row_factory = sqlite3.Row
            return db.execute(
                "SELECT c.url, c.label, c.status, c.reason, c.retryable, i.sha256 FROM candidates c "
                "LEFT JOIN images i ON i.id = c.image ORDER BY c.id"
            ).fetchall()

    def end(self) -> None:
        """End the worker."""
        self.store.close()
        for process in psutil.process_iter(["cmdline", "environ"]):
            command, environ = process.info["cmdline"] or [], process.info["environ"] or {}
            if command[1:] == ["-m", "core", "worker"] and environ.get("WINNOW_HOME") == str(self.folder):
                process.terminate()
                process.wait(20)


# what is checked ------------------------------------------------------------------------------------------------------


class Checks:
    def __init__(self, items: Mapping[str, Item]) -> None:
        self.items = items
        self.wrong: list[str] = []  # not accounted for: exit 1
        self.surprises: list[str] = []  # accounted for, but not as expected

    def equal(self, what: str, got: object, wanted: object) -> None:
        if isinstance(got, Counter) and isinstance(wanted, Counter):
            got, wanted = dict(got - wanted), dict(wanted - got)  # too many, too few
        if got != wanted:
            self.wrong.append(f"{what}: {str(got)[:500]}, wanted {str(wanted)[:500]}")

    def accounts(self, rows: Sequence[sqlite3.Row], result: Mapping[str, Any]) -> None:
        """Every address once, at its end, and counted in the job's result as it stands in the database."""
        self.equal("addresses in the database", Counter(row["url"] for row in rows), Counter(list(self.items)))
        statuses = Counter(row["status"] for row in rows)
        said = {name: result[name] for name in ("fetched", "duplicate", "failed")}
        self.equal("found", result["found"], len(self.items))
        self.equal("fetched + duplicate + failed", sum(said.values()), result["found"])
        self.equal("outcomes in the result", said, {name: statuses[name] for name in said})
        self.equal("candidates left pending", statuses["pending"], 0)
        reasons = Counter(row["reason"] for row in rows if row["status"] == "failed")
        self.equal("reasons in the result", Counter(result["failures"]), reasons)

    def outcomes(self, rows: Sequence[sqlite3.Row], later: bool) -> dict[str, dict[str, int]]:
        """kind -> reason -> how many; what is not as expected goes to the surprises."""
        matrix: dict[str, Counter[str]] = {}
        for row in rows:
            item = self.items[row["url"]]
            came = IMAGE if row["status"] in ("fetched", "duplicate") else row["reason"]
            good = item.good(later)
            matrix.setdefault("(none)" if good else item.kind, Counter())[came] += 1
            if came not in ((IMAGE,) if good else KINDS[item.kind].reasons):
                self.surprises.append(f"{item.path}, {item.kind or 'no fault'}{', mended' * good}: {came}")
            if row["status"] == "failed" and bool(row["retryable"]) != (came in PASSING):
                self.surprises.append(f"{item.path}, {item.kind}: may be retried = {bool(row['retryable'])}")
        return {kind: dict(matrix[kind]) for kind in ("(none)", *KINDS) if kind in matrix}

    def bytes(self, rows: Sequence[sqlite3.Row], later: bool) -> dict[str, int]:
        """Each address has the very image that lies there, and duplicates are what SHA-256 says they are."""
        expected = {
            url: hashlib.sha256(Path(item.file).read_bytes() if item.good(later) else PIXEL).hexdigest()
            for url, item in self.items.items()
            if item.good(later) or KINDS[item.kind].reasons == (IMAGE,)
        }
        got = {row["url"]: row["sha256"] for row in rows if row["sha256"]}
        self.equal("addresses with another image than lies there",
                   [url for url in got if url in expected and got[url] != expected[url]], [])  # fmt: skip
        wanted = len(expected) - len(set(expected.values()))
        duplicates = sum(row["status"] == "duplicate" for row in rows)
        if got.keys() == expected.keys():  # else the surprises say why
            self.equal("duplicates", duplicates, wanted)
        return {"duplicates": duplicates, "by SHA-256 of the files": wanted, "images": len(set(got.values()))}

    def mended(
        self, before: Sequence[sqlite3.Row], rows: Sequence[sqlite3.Row], result: Mapping[str, Any]
    ) -> dict[str, int]:
        """What could pass was tried again, and nothing else; what was mended came."""
        tried = {row["url"] for row in before if row["status"] == "failed" and row["retryable"]}
        self.equal("addresses tried again", result["found"], len(tried))
        old = {row["url"]: (row["status"], row["reason"], row["sha256"]) for row in before}
        now = {row["url"]: (row["status"], row["reason"], row["sha256"]) for row in rows}
        self.equal("other addresses changed by the retry", [u for u in now if u not in tried and now[u] != old[u]], [])
        came = sum(now[url][2] is not None for url in tried)
        self.equal("the retry's images", result["fetched"] + result["duplicate"], came)
        wanted = sum(self.items[url].mended for url in tried)
        return {"tried again": len(tried), "mended": wanted, "recovered": came}

    def pixels(self, rows: Sequence[sqlite3.Row], said: Mapping[str, Any]) -> str:
        """`clean` finds the one pixel that is kept too small."""
        kept = {
            row["url"] for row in rows if row["status"] == "fetched" and self.items[row["url"]].kind == "1 x 1 pixel"
        }
        small = {row["origin"] for row in said["findings"]}
        self.surprises += [f"{self.items[url].path}, 1 x 1 pixel: not found too small" for url in kept - small]
        return f"{len(kept & small)} of {len(kept)} kept, found too small by clean"

    def credits(self, folder: Path, rows: Sequence[sqlite3.Row], said: Mapping[str, Any]) -> str:
        if "refused" in said:
            return f"skipped: {said['refused']}"
        with (folder / "credits.csv").open(encoding="utf-8-sig", newline="") as file:
            named = [row["sha256"] for row in csv.DictReader(file)]
        self.equal("images in the credits", Counter(named), Counter({row["sha256"] for row in rows if row["sha256"]}))
        return f"{len(named)} rows, each image once"


def measured(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    items = plan(args.urls, args.faulty, args.seed)
    with Remote(Hosts, items) as servers:
        addresses = servers.ask("addresses")
        by_url = {f"http://{addresses[item.host]}{item.path}": item for item in items}
        table = folder / "table.csv"
        with table.open("w", newline="") as file:
            csv.writer(file).writerows([("url", "label"), *((url, item.label) for url, item in by_url.items())])
        home, checks = Home(folder / "home", addresses), Checks(by_url)
        try:
            return followed(home, servers, checks, table, folder)
        finally:
            home.end()


def followed(home: Home, servers: Remote, checks: Checks, table: Path, folder: Path) -> dict[str, Any]:
    count = len(checks.items)
    home.core("project", "faults", "--classes", ",".join(sorted({item.label for item in checks.items.values()})))
    first = home.core(
        "scrape", "--source", "urls", "--table", table, "--deadline", DEADLINE, kill_at=int(count * KILL_AT)
    )
    before = home.rows()
    checks.accounts(before, first)
    found: dict[str, Any] = {"addresses": count, "faulty": sum(bool(item.kind) for item in checks.items.values())}
    found["first run"] = {key: first[key] for key in ("found", "fetched", "duplicate", "failed", "seconds")}
    attempts = home.store.jobs(limit=1)[0].attempts
    checks.equal("attempts of the job, of which one was killed", attempts, 2)
    asked = servers.ask("seen")["asked"]
    good = {(item.host, item.path) for item in checks.items.values() if not item.kind}
    found["killed"] = {"after": home.killed, "attempts": attempts,
                       "good addresses asked for twice": sum(asked.get(each, 0) > 1 for each in good)}  # fmt: skip
    found["reasons"] = checks.outcomes(before, later=False)
    found["bytes"] = checks.bytes(before, later=False)

    servers.ask("mend")
    second = home.core("scrape", "--retry", "--deadline", DEADLINE)
    after = home.rows()
    found["retry"] = checks.mended(before, after, second) | {"seconds": second["seconds"]}
    checks.equal("recovered", found["retry"]["recovered"], found["retry"]["mended"])
    found["reasons after the retry"] = checks.outcomes(after, later=True)
    found["bytes after the retry"] = checks.bytes(after, later=True)

    seen = servers.ask("seen")
    barred = sum(times for (_, path), times in seen["asked"].items() if path.startswith("/private/"))
    strangers = sorted(home.reached - set(HOSTS))
    found["forbidden"] = {"connections to a private host": seen["private"], "other addresses reached": strangers,
                          "requests that robots.txt forbids": barred}  # fmt: skip
    checks.equal(
        "forbidden", found["forbidden"], dict.fromkeys(found["forbidden"], 0) | {"other addresses reached": []}
    )
    home.core("clean")
    found["1 x 1 pixel"] = checks.pixels(after, home.core("findings", "--kind", "too_small"))
    said = home.core("export", "--format", "credits", "--to", folder / "credits")
    found["credits"] = checks.credits(folder / "credits", after, said)
    return found | {"surprises": checks.surprises, "not accounted for": checks.wrong}


def report(found: dict[str, Any]) -> None:
    for key, value in found.items():
        if not isinstance(value, list) and not key.startswith("reasons"):
            print(f"{key}: {value}")
    print("fault -> reason, first run | after the retry")
    for kind, came in found["reasons"].items():
        print(f"  {kind:28} {came} | {found['reasons after the retry'].get(kind, {})}")
    for key in ("surprises", "not accounted for"):
        print(f"{key}: {len(found[key])}")
        for line in found[key][:40]:
            print(f"  {line}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--urls", type=int, default=5000)
    parser.add_argument("--faulty", type=float, default=0.1, help="share of them, 0 to 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    args = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"There are no real images: {DATA} is not a folder; set WINNOW_TEST_DATA.")
    folder = Path(tempfile.mkdtemp(prefix="winnow-faults-"))
    try:
        found = measured(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report(found)
    if args.json:
        print(json.dumps(found))
    sys.exit(bool(found["not accounted for"]))


if __name__ == "__main__":
    main()
