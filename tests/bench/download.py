"""Images/s of Winnow's fetching against `requests` in a pool of 50 processes, and what bounds the whole scrape.

    python tests/bench/download.py [--images 2000] [--rounds 5] [--latency 0.05] [--json]

Real photos (sneakers, fashion, porsche), re-encoded in memory to 640 px and to 60,000 bytes each, from a loopback server
in a process of its own that answers 50 ms after it was asked. Politeness is off (robots.txt is asked, once). All is
measured twice: with connections for nothing, as loopback gives them, and ("network") with connections that cost the
latency once, as they do wherever there is one: who opens one for each image pays for each image.

Fetching alone, taking turns in each round; nothing is stored, and the bytes are counted:
  requests    `requests.get` in a pool of 50 processes, as older scripts do it; the pool is started and warm
  Winnow      core.scrape.Fetcher through the conveyor of core.engine, 64 and 256 downloads at once
  aiohttp     a bare loop over one session, 64 and 256 at once: the limit; and without latency: the server's own limit

Everything: core.steps.scrape through a job's context, from a URL table into a fresh home, with processor time by process
and thread; beside it each stage alone, so that one sees which of them holds up the others. Medians of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.bench.server import Prepared, Remote, whole  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve() / "data"
SETS = ("sneakers", "fashion", "porsche")
BYTES, SIDE = 60_000, 640  # of each photo; px
POOL = 50  # processes
WIDTHS = (64, 256)  # downloads at once
GOALS = {"Winnow 64 / requests": 1.6, "Winnow 256 / requests": 2.2, "Winnow 64 / aiohttp": 0.8,
         "Winnow 256 / aiohttp": 0.8}  # fmt: skip
NETWORK = "network "  # before a way: connections cost the latency too


class Photos(Prepared):
    """/0.jpg, /1.jpg ...: photos of BYTES each."""

    def __init__(self, count: int, delay: float) -> None:
        super().__init__(delay)
        paths = sorted(path for name in SETS for path in (DATA / name).rglob("*.jpg"))
        chosen = random.Random(0).sample(paths, min(count, len(paths)))
        self._all = {f"/{n}.jpg": whole(photo(chosen[n % len(chosen)], n), "image/jpeg") for n in range(count)}

    def reply(self, path: str) -> bytes:
        return self._all.get(path, b"")


def photo(path: Path, number: int) -> bytes:
    """The photo as a JPEG of SIDE px and exactly BYTES: a lower quality or a comment makes up the difference."""
    image = Image.open(path).convert("RGB")
    scale = SIDE / max(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)))
    for quality in (90, 80, 70, 55, 40, 20):
        to = io.BytesIO()
        image.save(to, "JPEG", quality=quality)
        data = to.getvalue()
        if len(data) <= BYTES - 16:
            break
    comment = f"{number:012}".encode().ljust(BYTES - len(data) - 4, b".")
    return data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]


# fetching alone: each takes the addresses and returns how many bytes came ---------------------------------------------


def one_request(url: str) -> int:
    import requests

    return len(requests.get(url, timeout=20).content)


def winnow(urls: list[str], at_once: int) -> int:
    from core.engine.local import Local
    from core.model import Candidate
    from core.scrape import Fetcher, Reach

    through = Reach(allow=("127.0.0.1",), host_rate="off")
    found = (Candidate(url, "a", "urls") for url in urls)
    size = 0
    for _, got, error in Local(at_once).map(Fetcher(through), found, need="io"):
        assert error is None, error
        size += len(got[0])
    return size


def bare(urls: list[str], at_once: int) -> int:
    return asyncio.run(_bare(urls, at_once))


async def _bare(urls: list[str], at_once: int) -> int:
    import aiohttp

    left, sizes = iter(urls), []

    async def work(session: aiohttp.ClientSession) -> None:
        for url in left:
            async with session.get(url) as answer:
                sizes.append(len(await answer.read()))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(work(session) for _ in range(at_once)))
    return sum(sizes)


def fetching(server: Remote, urls: list[str], rounds: int, latency: float, pool: Any) -> dict[str, list[float]]:
    """Way -> images/s of each round; each round begins with another way."""
    ways: dict[str, Callable[[], int]] = {"requests": lambda: sum(pool.imap_unordered(one_request, urls))}
    for at_once in WIDTHS:
        ways[f"Winnow {at_once}"] = lambda at_once=at_once: winnow(urls, at_once)
        ways[f"aiohttp {at_once}"] = lambda at_once=at_once: bare(urls, at_once)
    ways |= {f"{NETWORK}{name}": way for name, way in ways.items()}
    ways["no latency"] = lambda: bare(urls, WIDTHS[0])
    rates: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            server.ask("set_delay", 0.0 if name == "no latency" else latency, name.startswith(NETWORK))
            started = time.perf_counter()
            size = ways[name]()
            rates[name].append(len(urls) / (time.perf_counter() - started))
            assert size == len(urls) * BYTES, (name, size)
    server.ask("set_delay", latency)
    return rates


# everything -----------------------------------------------------------------------------------------------------------


def everything(urls: list[str], at_once: int, server: Remote) -> dict[str, Any]:
    """One scrape in a process of its own, in a fresh home."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        with table.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerows([("url", "label"), *((url, "a") for url in urls)])
        argv = [sys.executable, __file__, "--job", folder, "--at-once", str(at_once), "--server", str(server.pid)]
        said = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)
    assert said["fetched"] == len(urls), said
    return said


def job(folder: Path, at_once: int, server: int) -> dict[str, Any]:
    """The scrape of `folder`/table.csv, as a job's process runs it; processor time in cores, by who spent it."""
    from core.blobs import Blobs
    from core.engine import engine
    from core.settings import Settings
    from core.steps import Context, scrape
    from db import open_store

    settings = Settings(home=folder, allow_hosts=("127.0.0.1",), host_rate="off", connections=at_once)  # type: ignore[call-arg]
    store = open_store(settings.database)
    project = store.add_project("bench", ["a"])
    store.submit("scrape", {}, project.id)
    claimed = store.claim("bench", 3600)
    assert claimed is not None
    ctx = Context(store, Blobs(settings.storage), engine(settings), settings, *claimed, project)
    seen: list[tuple[float, int, dict[str, float]]] = []  # when, images, processor time since the start
    started, spent = time.perf_counter(), Spent(server)
    step = scrape(ctx, "urls", options={"table": str(folder / "table.csv")})
    while True:
        try:
            done = next(step).done
        except StopIteration as end:
            result = end.value
            break
        if done:
            seen.append((time.perf_counter(), done, spent.look()))
    (begun, first, before), (ended, last, after) = seen[0], seen[-1]
    running = max(ended - begun, 1e-9)
    return {
        "fetched": result["fetched"], "first images after, s": begun - started,
        "images/s with the start": result["fetched"] / (time.perf_counter() - started),
        "images/s": (last - first) / running,
        "cores": {who: (used - before.get(who, 0.0)) / running for who, used in after.items()},
    }  # fmt: skip


class Spent:
    """Processor time by who spent it: the threads of this process, its children, the server."""

    def __init__(self, server: int) -> None:
        self._server, self._me = psutil.Process(server), psutil.Process()
        self._names = {threading.get_native_id(): "database (main thread)"}
        self._used: dict[int, float] = {}  # thread or child -> seconds; one that has ended keeps what it used

    def look(self) -> dict[str, float]:
        self._names |= {t.native_id: name for t in threading.enumerate() if t.native_id and (name := work(t))}
        self._used |= {each.id: each.user_time + each.system_time for each in self._me.threads()}
        for child in self._me.children():
            self._names[child.pid], self._used[child.pid] = "decoding (children)", sum(child.cpu_times()[:2])
        found = dict.fromkeys([*self._names.values(), "other threads"], 0.0)
        for number, seconds in self._used.items():
            found[self._names.get(number, "other threads")] += seconds
        return found | {"the server": sum(self._server.cpu_times()[:2])}


def work(thread: threading.Thread) -> str:
    """What a thread of core.engine.conveyor does; "" for another one."""
    loop = getattr(getattr(thread, "_target", None), "__self__", None)
    kind = type(getattr(loop, "_fn", None)).__name__
    return {"Fetcher": "fetching (thread)", "_Children": "handing to the children (thread)"}.get(kind, "")


def stages(bodies: list[tuple[str, bytes]]) -> dict[str, float]:
    """Images/s of decoding and keeping alone, in the children, and of the database alone."""
    from core.engine import batches
    from core.engine.local import Local
    from core.model import Candidate
    from core.scrape.fetch import Keep, outcome
    from db import open_store

    with tempfile.TemporaryDirectory() as folder:
        kept, begun = [], 0.0
        for each in Local().map(Keep(folder), ((url, (body, "")) for url, body in bodies), need="cpu"):
            begun = begun or time.perf_counter()  # the children have started
            kept.append(outcome(*each))
        decoding = (len(kept) - 1) / (time.perf_counter() - begun)
        store = open_store(f"sqlite:///{folder}/winnow.db")
        project = store.add_project("bench", ["a"]).id
        store.submit("scrape", {}, project)
        _, claim = store.claim("bench", 3600) or (None, None)
        assert claim is not None
        begun = time.perf_counter()
        for start in range(0, len(bodies), 1000):
            found = [Candidate(url, "a", "urls") for url, _ in bodies[start : start + 1000]]
            store.add_candidates(claim, project, start, found)
        for batch in batches(kept, 200, 60.0):
            store.add_fetched(claim, project, batch)
        return {"decoding": decoding, "database": len(kept) / (time.perf_counter() - begun)}


def middle(said: list[dict[str, Any]]) -> dict[str, Any]:
    """The medians of what several runs said."""
    return {
        key: middle([each[key] for each in said]) if isinstance(value, dict)
        else round(statistics.median(each.get(key, 0.0) for each in said), 2)
        for key, value in said[0].items()
    }  # fmt: skip


def measured(args: argparse.Namespace) -> dict[str, Any]:
    os.environ["NO_PROXY"] = "127.0.0.1"  # `requests` would ask the environment's proxy
    pool = multiprocessing.get_context("fork").Pool(POOL)  # before this process has threads
    with Remote(Photos, args.images, args.latency) as server:
        urls = [f"http://127.0.0.1:{server.ask('port')}/{n}.jpg" for n in range(args.images)]
        pool.map(one_request, urls[:POOL] * 2, chunksize=1)
        bodies = [(url, _body(url)) for url in urls]
        rates = fetching(server, urls, args.rounds, args.latency, pool)
        pool.terminate()
        whole_path = {n: middle([everything(urls, n, server) for _ in range(args.whole)]) for n in WIDTHS}
    alone = stages(bodies)
    medians = {name: statistics.median(each) for name, each in rates.items()}
    times = {
        where + name: medians[where + name.partition(" / ")[0]]
        / medians[where + ("requests" if "requests" in name else name_of_limit(name))]
        for where in ("", NETWORK)
        for name in GOALS
    }
    return {
        "images": args.images, "latency": args.latency, "cores": psutil.cpu_count(),
        "images/s": {name: round(rate) for name, rate in medians.items()},
        "rounds": {name: [round(rate) for rate in each] for name, each in rates.items()},
        "times": {name: round(value, 2) for name, value in times.items()},
        "met": {name: value >= GOALS[name.removeprefix(NETWORK)] for name, value in times.items()},
        "everything": {str(n): said for n, said in whole_path.items()},
        "alone": {name: round(rate) for name, rate in alone.items()},
    }  # fmt: skip


def name_of_limit(name: str) -> str:
    """ "Winnow 64 / aiohttp" -> "aiohttp 64"."""
    return f"aiohttp {name.split()[1]}"


def _body(url: str) -> bytes:
    import requests

    return requests.get(url, timeout=20).content


def report(found: dict[str, Any]) -> None:
    print(
        f"{found['images']} photos of {BYTES} bytes, latency {found['latency'] * 1000:.0f} ms, {found['cores']} cores"
    )
    for name, rate in found["images/s"].items():
        print(f"  {name:20} {rate:6} images/s   rounds {found['rounds'][name]}")
    for name, value in found["times"].items():
        goal = GOALS[name.removeprefix(NETWORK)]
        print(f"  {name:30} {value:.2f} times  goal {goal}{'' if found['met'][name] else '  MISSED'}")
    print(f"stages alone: fetching {found['images/s'][f'Winnow {WIDTHS[0]}']}, decoding and keeping in the children "
          f"{found['alone']['decoding']}, database {found['alone']['database']} images/s")  # fmt: skip
    for at_once, said in found["everything"].items():
        print(f"everything, {at_once} at once: {said['images/s']:.0f} images/s from the first stored on (after "
              f"{said['first images after, s']:.1f} s), {said['images/s with the start']:.0f} with the start")  # fmt: skip
        for who, cores in sorted(said["cores"].items(), key=lambda item: -item[1]):
            print(f"    {cores:5.2f} cores  {who}")
        print(f"    {sum(said['cores'].values()):5.2f} of {found['cores']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5, help="of fetching alone")
    parser.add_argument("--whole", type=int, default=3, help="scrapes with everything, for each width")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--at-once", type=int, default=64, help=argparse.SUPPRESS)
    parser.add_argument("--server", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        print(json.dumps(job(args.job, args.at_once, args.server)))
        return
    if not DATA.is_dir():
        sys.exit(f"There are no real images: {DATA} is not a folder; set WINNOW_TEST_DATA.")
    found = measured(args)
    report(found)
    if args.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
