"""The car catalogue: what is asked of it, what is made of its answers, and what happens when it errs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from core import catalogue
from core.catalogue import Answers, Entry, Make
from core.catalogue.answers import BASE, FRESH
from core.catalogue.naming import readable, span
from core.errors import BadInput, Refused
from core.model import ClassInfo, Progress
from core.project import name
from core.web import Web, blocking
from tests.providers.vpic import Vpic

CARS = "GetMakesForVehicleType/car"


@pytest.fixture
def vpic() -> Iterator[Vpic]:
    with Vpic() as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "catalogue"


def steps(vpic: Vpic, cache: Path, **params: Any) -> tuple[list[Progress], dict[str, Any]]:
    shown = []
    with blocking(Web((vpic.allow,))) as get:
        step = catalogue.look(params, get, cache, vpic.url)
        try:
            while True:
                shown.append(next(step))
        except StopIteration as end:
            return shown, end.value


def look(vpic: Vpic, cache: Path, **params: Any) -> dict[str, Any]:
    return steps(vpic, cache, **params)[1]


def models(make: int, year: int, kind: str = "car") -> str:
    return f"GetModelsForMakeIdYear/makeId/{make}/modelyear/{year}/vehicletype/{kind}"


# what it answers ----------------------------------------------------------------------------------------------------


def test_the_makes_of_all_types_are_asked_for_once_each_and_carry_their_types(vpic: Vpic, cache: Path) -> None:
    found = look(vpic, cache, types=["car", "truck", "mpv"])
    assert vpic.asked == [CARS, "GetMakesForVehicleType/truck", "GetMakesForVehicleType/mpv"]
    assert [(make["name"], make["types"]) for make in found["makes"]] == [
        ("BMW", ("car",)), ("Ford", ("car", "truck")), ("Maserati", ("car", "mpv")), ("Mercedes-Benz", ("car",))]  # fmt: skip
    assert (found["failed"], found["skipped"]) == ([], 0)


def test_models_are_merged_over_their_years(vpic: Vpic, cache: Path) -> None:
    found = look(vpic, cache, types=["car"], years=[2007, 2008, 2009], makes=["maserati"])
    assert found == {
        "entries": [
            {"make": "Maserati", "model": "GranTurismo", "years": (2008, 2009)},
            {"make": "Maserati", "model": "Quattroporte", "years": (2007, 2008, 2009)},
        ],
        "requests": 3,
        "skipped": 0,
        "failed": [],
    }
    assert vpic.asked == [CARS, models(442, 2007), models(442, 2008), models(442, 2009)]


def test_a_make_is_asked_only_for_the_types_it_has(vpic: Vpic, cache: Path) -> None:
    look(vpic, cache, types=["car", "truck"], years=[2010], makes=["Ford", "BMW"])
    assert vpic.asked[2:] == [models(460, 2010), models(460, 2010, "truck"), models(452, 2010)]


def test_all_makes_can_be_asked_for(vpic: Vpic, cache: Path) -> None:
    found = look(vpic, cache, types=["car"], years=[2018], makes=["all"])
    assert {each["make"] for each in found["entries"]} == {"BMW", "Ford", "Maserati", "Mercedes-Benz"}


def test_progress_counts_the_requests_and_says_what_is_asked_for(vpic: Vpic, cache: Path) -> None:
    shown, _ = steps(vpic, cache, types=["car"], years=[2008, 2009], makes=["BMW"])
    assert [(each.done, each.total) for each in shown] == [(0, 1), (1, 1), (0, 2), (1, 2), (2, 2)]
    assert shown[3].note == "asking the catalogue for BMW 2009, passenger car"


def test_the_public_address_is_the_usual_one_and_another_may_end_in_a_slash(tmp_path: Path) -> None:
    assert (
        Answers(tmp_path)._url("x")
        == f"{BASE}/x?format=json"
        == "https://vpic.nhtsa.dot.gov/api/vehicles/x?format=json"
    )
    assert Answers(tmp_path, "http://h/api/")._url("x") == "http://h/api/x?format=json"


# what is kept -------------------------------------------------------------------------------------------------------


def test_looking_again_asks_nobody(vpic: Vpic, cache: Path) -> None:
    first = look(vpic, cache, types=["car"], years=[2008], makes=["BMW"])
    vpic.asked.clear()
    assert look(vpic, cache, types=["car"], years=[2008], makes=["BMW"]) == first
    assert vpic.asked == []
    assert len(list(cache.iterdir())) == 2  # and nothing half written


def test_an_answer_is_asked_for_again_after_a_month(vpic: Vpic, cache: Path) -> None:
    look(vpic, cache, types=["car"])
    (file,) = cache.iterdir()
    for age, asked in ((FRESH - 60, 1), (FRESH + 60, 2)):
        os.utime(file, (time.time() - age,) * 2)
        look(vpic, cache, types=["car"])
        assert len(vpic.asked) == asked


def test_a_damaged_file_is_asked_for_again(vpic: Vpic, cache: Path) -> None:
    first = look(vpic, cache, types=["car"])
    (file,) = cache.iterdir()
    file.write_bytes(file.read_bytes()[:40])
    assert look(vpic, cache, types=["car"]) == first
    assert len(vpic.asked) == 2


def test_a_mirror_has_answers_of_its_own(vpic: Vpic, cache: Path) -> None:
    look(vpic, cache, types=["car"])
    assert Answers(cache, vpic.url).known(CARS)
    assert not Answers(cache).known(CARS)


def test_a_failure_is_not_kept(vpic: Vpic, cache: Path) -> None:
    vpic.answers[models(452, 2008)] = (500, b"")
    assert look(vpic, cache, types=["car"], years=[2007, 2008], makes=["BMW"])["failed"]
    vpic.answers.clear()
    assert look(vpic, cache, types=["car"], years=[2007, 2008], makes=["BMW"])["failed"] == []


# when it errs -------------------------------------------------------------------------------------------------------

MALFORMED = [b"", b"<Response/>", b"[]", b"{}", b'{"Results": 5}', b'{"Results": null}', b"[" * 100_000, b"\xff\xfe"]


@pytest.mark.parametrize("body", MALFORMED)
def test_a_malformed_answer_is_one_sentence(vpic: Vpic, cache: Path, body: bytes) -> None:
    vpic.answers[CARS] = (200, body)
    with pytest.raises(Refused) as caught:
        look(vpic, cache, types=["car"])
    assert caught.value.reason == "malformed answer"
    assert str(caught.value) == "The catalogue did not answer as its documentation says."
    assert not list(cache.glob("*"))


@pytest.mark.parametrize("given", [(500, b""), (404, b""), *((200, body) for body in MALFORMED[:3])])
def test_a_year_that_fails_is_named_and_the_rest_goes_on(vpic: Vpic, cache: Path, given: tuple[int, bytes]) -> None:
    vpic.answers[models(452, 2008)] = given
    shown, found = steps(vpic, cache, types=["car"], years=[2007, 2008, 2009], makes=["BMW"])
    assert [each["about"] for each in found["failed"]] == ["BMW 2008, passenger car"]
    assert found["entries"][0] == {"make": "BMW", "model": "328i", "years": (2007, 2009)}
    assert "1 of 3 requests were not answered: BMW 2008, passenger car" in shown[-1].note


def test_a_type_that_fails_is_named_and_the_makes_of_the_others_are_there(vpic: Vpic, cache: Path) -> None:
    vpic.answers["GetMakesForVehicleType/truck"] = (500, b"")
    found = look(vpic, cache, types=["car", "truck"])
    assert [each["about"] for each in found["failed"]] == ["all makes, truck"]
    assert len(found["makes"]) == 4


def test_where_nothing_is_answered_the_first_sentence_is_raised(vpic: Vpic, cache: Path) -> None:
    vpic.answers = {models(452, year): (500, b"") for year in (2007, 2008)}
    with pytest.raises(Refused, match="error 500"):
        look(vpic, cache, types=["car"], years=[2007, 2008], makes=["BMW"])


def test_a_catalogue_that_wants_to_be_left_alone_is_not_asked_on(vpic: Vpic, cache: Path) -> None:
    refused = [0]

    def get(url: str, **_: Any) -> Any:
        refused[0] += "modelyear" in url
        raise Refused("asked for a pause", "vpic asked for a pause of 40 minutes more: try later.")

    look(vpic, cache, types=["car"])
    step = catalogue.look({"types": ["car"], "years": range(2000, 2019), "makes": ["BMW"]}, get, cache, vpic.url)
    with pytest.raises(Refused, match=r"pause of 40 minutes.*What the catalogue answered before is kept"):
        list(step)
    assert refused == [5]


def test_no_results_are_no_models_and_no_failure(vpic: Vpic, cache: Path) -> None:
    vpic.answers[models(452, 2008)] = (200, Vpic.body([]))
    found = look(vpic, cache, types=["car"], years=[2008], makes=["BMW"])
    assert (found["entries"], found["failed"], found["skipped"]) == ([], [], 0)


BROKEN = [None, 7, "text", [], {}, {"Model_Name": None}, {"Model_Name": 5}, {"Model_Name": " "},
          {"Model_Name": "a\x00b"}, {"Model_Name": "a\u202eb"}, {"Model_Name": "a\ud800"}, {"Model_Name": "x" * 5000}]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_a_model_without_a_name_is_counted_and_the_rest_goes_on(vpic: Vpic, cache: Path, broken: Any) -> None:
    vpic.answers[models(452, 2008)] = (200, Vpic.body([{"Model_Name": "M3"}, broken, {"Model_Name": "Z4"}]))
    found = look(vpic, cache, types=["car"], years=[2008], makes=["BMW"])
    assert [each["model"] for each in found["entries"]] == ["M3", "Z4"]
    assert found["skipped"] == 1


@pytest.mark.parametrize("broken", [
    None, 7, [], {}, {"MakeId": "452", "MakeName": "BMW"}, {"MakeId": True, "MakeName": "BMW"}, {"MakeId": 452},
    {"MakeId": -1, "MakeName": "BMW"}, {"MakeId": 452, "MakeName": None}, {"MakeName": "BMW"},
    {"MakeId": 10**400, "MakeName": "BMW"},
])  # fmt: skip
def test_a_make_without_a_number_or_a_name_is_counted(vpic: Vpic, cache: Path, broken: Any) -> None:
    vpic.answers[CARS] = (200, Vpic.body([broken, {"MakeId": 1, "MakeName": "KIA"}]))
    found = look(vpic, cache, types=["car"])
    assert ([make["name"] for make in found["makes"]], found["skipped"]) == (["Kia"], 1)


# what may be asked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("params", "said"), [
    ({"types": ["bus"]}, "'bus' is no type of vehicle in the catalogue: wanted car, truck, mpv."),
    ({"types": []}, "There is no type of vehicle"),
    ({"types": ["car"], "makes": ["BMW"], "years": []}, "There is no model year"),
    ({"types": ["car"], "makes": ["BMW"], "years": [1950]}, "no model year 1950"),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused_before_anything_is(
    vpic: Vpic, cache: Path, params: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput) as refused:
        look(vpic, cache, **params)
    assert said in str(refused.value)
    assert vpic.asked == []


def test_an_unknown_make_is_refused_with_the_nearest_name(vpic: Vpic, cache: Path) -> None:
    with pytest.raises(BadInput, match=r"no make 'Mazerati' of this type in the catalogue. Did you mean Maserati\?"):
        look(vpic, cache, types=["car"], years=[2008], makes=["Mazerati"])


@pytest.mark.parametrize(("text", "found"), [
    ("2000-2003", (2000, 2001, 2002, 2003)), ("2008", (2008,)), ("2010, 2008-2009,2008", (2008, 2009, 2010)),
    (" 2000 \u2013 2001 ", (2000, 2001)),
])  # fmt: skip
def test_years_are_read_as_people_write_them(text: str, found: tuple[int, ...]) -> None:
    assert catalogue.years(text) == found


@pytest.mark.parametrize("text", ["", "2018-2000", "20", "2000-", "year", "2000 2001", "1900-2018", "2000-9999", "-5"])
def test_years_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        catalogue.years(text)
    assert "2000-2018" in str(refused.value) or "wanted 1996 to" in str(refused.value)


def test_the_number_of_requests_is_known_before_they_are_made() -> None:
    makes = [Make(1, "BMW", ("car",)), Make(2, "Ford", ("car", "truck"))]
    assert len(catalogue.asks(makes, range(2000, 2019), ["car", "truck"])) == 3 * 19
    assert len(catalogue.asks(makes, [2008], ["mpv"])) == 0


# what becomes of it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "read"), [
    ("MASERATI", "Maserati"), ("MERCEDES-BENZ", "Mercedes-Benz"), ("BMW", "BMW"), ("ALFA ROMEO", "Alfa Romeo"),
    ("ROLLS-ROYCE", "Rolls-Royce"), ("GMC", "GMC"), ("KIA", "Kia"), ("RAM", "Ram"), ("MCLAREN", "McLaren"),
    ("AM GENERAL", "AM General"), ("BURKETT'S AUTORAMA", "Burkett's Autorama"), ("Freightliner", "Freightliner"),
    ("SMART", "smart"), ("  LAND   ROVER ", "Land Rover"), ("CITRO\u00cbN", "Citro\u00ebn"), ("", ""),
])  # fmt: skip
def test_makes_are_written_as_people_write_them(written: str, read: str) -> None:
    assert readable(written) == read


def test_an_entry_becomes_a_class_searched_for_year_by_year() -> None:
    made, refused = catalogue.classes([Entry("Maserati", "GranTurismo", (2008, 2009))])
    assert made == {
        "Maserati GranTurismo": ClassInfo(
            queries=("2008 Maserati GranTurismo", "2009 Maserati GranTurismo"),
            parents={"make": "Maserati", "model": "GranTurismo", "years": "2008-2009"},
        )
    }
    assert refused == []


def test_a_name_that_no_class_can_bear_is_made_one_or_counted() -> None:
    made, refused = catalogue.classes([
        Entry("Ford", "F-150 / Raptor", (2010,)), Entry("Ford", "F-150-Raptor", (2011,)), Entry("Ford", "x" * 200, (2010,)),
        Entry("Mini", "Mini Cooper", (2010,)), Entry("Mini", "Minivan", (2010,)), Entry("Ford", "<" * 199, (2010,)),
    ])  # fmt: skip
    assert list(made) == ["Ford F-150-Raptor", "Mini Cooper", "Mini Minivan"]
    assert made["Ford F-150-Raptor"].queries == ("2010 Ford F-150 / Raptor", "2011 Ford F-150 / Raptor")
    assert len(refused) == 2
    assert all(label == name(label, "class name") for label in made)


def test_entries_come_back_from_a_job_as_they_went_in() -> None:
    import json

    entry = Entry("BMW", "M3", (2001, 2003))
    assert list(catalogue.entries(json.loads(json.dumps([asdict(entry)])))) == [entry]


def test_a_span_names_its_gaps() -> None:
    assert span((2000, 2001, 2002, 2005, 2007, 2008)) == "2000-2002, 2005, 2007-2008"
