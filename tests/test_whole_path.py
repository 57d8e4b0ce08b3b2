"""From class names to a prediction on real steps, in one process: what every room promises the next one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from core import runs, steps
from core.blobs import Blobs
from core.clean import cleaned
from core.demo import draw
from core.engine.serial import Serial
from core.errors import BadInput, Damaged
from core.model import Decision, Operation, Project
from core.predict import Predictor
from core.settings import load
from db.store import Store
from tests.scenes import jpeg, scene


class Path_:
    """Runs steps the way a worker does, without the processes."""

    def __init__(self, store: Store, classes: tuple[str, ...]) -> None:
        self.store, self.settings = store, load()
        self.project: Project = store.add_project("cars", classes)
        self.blobs = Blobs(self.settings.storage)

    def __call__(self, verb: str, **params: Any) -> Mapping[str, Any]:
        return self.go_on(self.store.submit(verb, params, self.project.id).id)

    def go_on(self, job: int) -> Mapping[str, Any]:
        """Another attempt of a queued job."""
        taken = self.store.claim("here", 3600)
        assert taken is not None and taken[0].id == job
        ctx = steps.Context(self.store, self.blobs, Serial(), self.settings, *taken, self.project)
        step = steps.STEPS[taken[0].verb](ctx, **taken[0].params)
        while True:
            try:
                next(step)
            except StopIteration as done:
                self.store.finish(taken[1], "done", done.value)
                return done.value


@pytest.fixture
def path(store: Store) -> Path_:
    return Path_(store, draw.CLASSES)


@pytest.mark.slow
def test_the_demo_goes_from_names_to_a_prediction(path: Path_) -> None:
    store, project = path.store, path.project
    result = path("demo")
    truth = [item.kind for item in draw.every()]
    assert result["found"] == result["fetched"] + result["duplicate"] + result["failed"] == len(truth)
    assert result["duplicate"] == truth.count("duplicate")
    assert result["findings"]["near_duplicate"] > 0

    # a person rejects the junk; here the truth says which it is
    junk = {item.id for item in draw.every() if item.kind in ("interior", "poster", "wrong_class", "tiny", "pixel")}
    rejected = [r for r in store.images(project.id) if Path(r.origin).stem in junk]
    assert rejected
    decisions = tuple(Decision(r.id, "reject", "other", "", r.version) for r in rejected)
    assert store.apply(project.id, Operation("00000000-0000-0000-0000-000000000001", "me", decisions)).stored == len(
        rejected
    )

    split = path("split", min_per_class=20)
    assert split["leak"] == 0
    assert split["train"] + split["val"] + split["test"] == store.funnel(project.id).kept
    recipes = [{"backbone": "vgg75-bn", "epochs": 3}, {"backbone": "vgg100-bn", "epochs": 2}]
    trained = path("train", recipes=recipes)["runs"]
    assert [run["recipe"] for run in trained] == ["vgg75-bn", "vgg100-bn"]
    assert [row["epoch"] for row in store.run(project.id, trained[0]["run"]).epochs] == [1, 2, 3]

    for part in ("val", "test"):
        scored = path("evaluate", part=part)
        assert set(scored["models"]) == {"vgg75-bn", "vgg100-bn", "average", "priority", "weighted"}
        for score in scored["models"].values():
            low, high = score["accuracy_interval"]
            assert low <= score["accuracy"] <= high
            assert sum(map(sum, score["confusion"])) == split[part]
        cell = store.predicted(scored["evaluation"], "average", "truck", "truck")
        row, column = scored["classes"].index("truck"), scored["classes"].index("truck")
        assert len(cell) == scored["models"]["average"]["confusion"][row][column]
    assert store.openings(project.id) == 1

    models = runs.load_models(path.settings, runs.choose(store, project.id))
    first = next(r for r in store.images(project.id, ("undecided",)) if r.label == "truck")
    said = Predictor(models).predict(path.blobs.get(first.facts.sha256))
    assert sum(said.probabilities.values()) == pytest.approx(1)
    assert said.confidence == max(said.probabilities.values())

    [weights] = runs.run_folder(path.settings, trained[0]["run"]).glob("model-*.safetensors")
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    with pytest.raises(Damaged, match=weights.name):
        runs.load_models(path.settings, runs.choose(store, project.id))


def test_a_step_with_nothing_to_work_on_says_what_to_do(path: Path_) -> None:
    for verb, params, said in (
        ("split", {}, "fetch images first"),
        ("train", {"recipes": [{"backbone": "vgg75"}]}, "no split yet"),
        ("evaluate", {}, "train one"),
    ):
        with pytest.raises(BadInput, match=said):
            path(verb, **params)
    cleaned = path("clean")
    assert (cleaned["images"], cleaned["findings"], cleaned["groups"]) == (0, {}, 0)


def test_a_split_looks_for_duplicates_first_where_nobody_has(path: Path_, tmp_path: Path) -> None:
    for label in ("sedan", "truck"):
        (tmp_path / "cars" / label).mkdir(parents=True)
        for number in range(10):
            image = scene(number + 100 * (label == "truck"))
            (tmp_path / "cars" / label / f"{number}.jpg").write_bytes(jpeg(image))
            (tmp_path / "cars" / label / f"{number}-small.jpg").write_bytes(jpeg(image.resize((240, 165))))
    assert path("scrape", source="folder", options={"path": str(tmp_path / "cars")})["fetched"] == 40
    assert not cleaned(path.store, path.store.project(path.project.name))
    assert path("split", min_per_class=2, parts="60/20/20")["leak"] == 0
    part_of = {image: part for part, members in path.store.split(path.project.id).parts.items() for image, _ in members}
    pairs: dict[str, set[str]] = {}
    for image, group in path.store.groups(path.project.id, "near_duplicate").items():
        pairs.setdefault(group, set()).add(part_of[image])
    assert len(pairs) == 20 and all(len(parts) == 1 for parts in pairs.values())
    assert cleaned(path.store, path.store.project(path.project.name))
    path("scrape", source="folder", options={"path": str(tmp_path / "cars")})
    assert not cleaned(path.store, path.store.project(path.project.name)), "what came since was not looked at"
