"""`python -m core project`: classes written, from a file, from the car catalogue; and what is known of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.__main__ import main
from tests.providers.vpic import Vpic

Run = Callable[..., dict]
BMW = ("--vpic", "car", "--years", "2000-2001", "--makes", "BMW")


@pytest.fixture
def vpic(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vpic]:
    with Vpic() as running:
        monkeypatch.setenv("WINNOW_VPIC_URL", running.url)
        monkeypatch.setenv("WINNOW_ALLOW_HOSTS", running.allow)
        yield running


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The JSON on stdout, with `said`: the last line on stderr."""

    def run(*words: object, code: int = 0) -> dict:
        try:
            ended = main(["project", *map(str, words), "--json"])
        except SystemExit as left:  # argparse
            ended = left.code
        out, err = capsys.readouterr()
        assert ended == code, err
        assert "Traceback" not in err
        return {**(json.loads(out) if out else {}), "said": err.strip().rpartition("\n")[2]}

    return run


def test_written_classes_have_no_infos(run: Run) -> None:
    made = run("cars", "--classes", "sedan, coupe")
    assert (made["project"], made["classes"], made["infos"]) == ("cars", ["sedan", "coupe"], {})


def test_a_table_brings_what_is_known_of_each_class(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "cars.csv"
    file.write_text("class,queries,make\nM3,BMW M3|M3 coupe,BMW\nsedan,,\n")
    known = {
        "M3": {
            "queries": ["BMW M3", "M3 coupe"],
            "synonyms": [],
            "parents": {"make": "BMW"},
            "about": "",
            "examples": [],
        }
    }
    assert run("cars", "--classes-file", file)["infos"] == known
    shown = run("cars")
    assert (shown["classes"], shown["infos"]) == (["M3", "sedan"], known)


def test_a_second_file_adds_classes_and_replaces_what_is_known(run: Run, tmp_path: Path) -> None:
    for text in ("class,queries\nM3,old\n", "class,queries\nM3,new\nZ4,\n"):
        (tmp_path / "f.csv").write_text(text)
        made = run("cars", "--classes-file", tmp_path / "f.csv")
    assert made["classes"] == ["M3", "Z4"]
    assert made["infos"]["M3"]["queries"] == ["new"]


def test_a_plain_list_is_still_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"\xef\xbb\xbfsedan\r\nair jordan {1..2}\r\n")
    assert run("p", "--classes-file", tmp_path / "list")["classes"] == ["sedan", "air jordan 1", "air jordan 2"]


def test_the_catalogue_becomes_classes_with_their_years(run: Run, vpic: Vpic) -> None:
    made = run("cars", *BMW)
    assert made["classes"] == ["BMW 328i", "BMW M3"]
    assert made["infos"]["BMW 328i"] == {
        "queries": ["2000 BMW 328i", "2001 BMW 328i"],
        "synonyms": [],
        "parents": {"make": "BMW", "model": "328i", "years": "2000-2001"},
        "about": "",
        "examples": [],
    }
    assert made["infos"]["BMW M3"]["parents"]["years"] == "2001"
    assert made["catalogue"] == {"requests": 2, "failed": [], "skipped": 0}


def test_the_catalogue_is_kept_in_the_home_folder(run: Run, vpic: Vpic, home: Path) -> None:
    run("cars", *BMW)
    vpic.asked.clear()
    run("others", *BMW)
    assert vpic.asked == []
    assert len(list((home / "catalogue").iterdir())) == 3


def test_types_may_be_repeated_or_separated_by_commas(run: Run, vpic: Vpic) -> None:
    words = ("--years", "2018", "--makes", "Ford,Maserati")
    first = run("a", "--vpic", "car", "--vpic", "mpv,truck", *words)["classes"]
    assert first == run("b", "--vpic", "car,mpv,truck", *words)["classes"]
    assert first == ["Ford F-150", "Ford Mustang", "Maserati GranTurismo", "Maserati Levante", "Maserati Quattroporte"]


def test_all_makes_are_asked_for_only_where_it_is_said(run: Run, vpic: Vpic) -> None:
    refused = run("cars", "--vpic", "car", "--years", "2000-2018", code=2)
    assert "All 4 makes of --vpic car would take 76 requests to the catalogue, 76 s at one a second" in refused["said"]
    assert "--makes" in refused["said"]
    assert len(vpic.asked) == 1
    assert len(run("cars", "--vpic", "car", "--years", "2018", "--makes", "all")["classes"]) == 5


def test_a_year_that_fails_is_named_and_asked_for_again(run: Run, vpic: Vpic) -> None:
    vpic.answers["GetModelsForMakeIdYear/makeId/452/modelyear/2001/vehicletype/car"] = (500, b"")
    made = run("cars", *BMW)
    assert made["classes"] == ["BMW 328i"]
    assert made["catalogue"]["failed"][0]["about"] == "BMW 2001, passenger car"
    assert "1 of 2 requests were not answered: BMW 2001" in made["said"]
    vpic.answers.clear()
    again = run("cars", *BMW)
    assert again["classes"] == ["BMW 328i", "BMW M3"]
    assert len(again["infos"]["BMW 328i"]["queries"]) == 2


def test_a_catalogue_that_does_not_answer_is_one_sentence(run: Run, vpic: Vpic) -> None:
    vpic.answers["GetMakesForVehicleType/car"] = (200, b"<html>")
    assert run("cars", *BMW, code=1)["said"] == "The catalogue did not answer as its documentation says."
    assert run()["projects"] == []


@pytest.mark.parametrize(("words", "said"), [
    (("p", "--vpic", "car"), "--vpic wants the model years: --years 2000-2018."),
    (("p", "--vpic", "car", "--years", "18"), "'18' cannot be read"),
    (("p", "--vpic", "bus", "--years", "2018"), "'bus' is no type of vehicle"),
    (("p", "--years", "2018"), "--years and --makes go with --vpic"),
    (("p", "--makes", "BMW"), "--years and --makes go with --vpic"),
    (("p", "--vpic", "car", "--years", "2018", "--makes", "BMV"), "Did you mean BMW?"),
    (("p", "--vpic", "car", "--years", "2007", "--makes", "BMW", "--classes", "a"), "--classes and --vpic: give one"),
    (("--classes", "a"), "The project has no name"),
    (("<p>", "--vpic", "car", "--years", "2007", "--makes", "BMW"), "'<p>'"),
    (("p", "--classes-file", "/nowhere/f.csv"), "'/nowhere/f.csv' cannot be read: No such file"),
])  # fmt: skip
def test_wrong_usage_is_one_sentence_and_makes_nothing(run: Run, vpic: Vpic, words: tuple[str, ...], said: str) -> None:
    assert said in run(*words, code=2)["said"]
    assert run()["projects"] == []


def test_a_table_that_does_not_fit_names_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("class,make\nM3,BMW\nM3,BMW\n")
    assert (
        "f.csv, line 3: the class 'M3' is on line 2 already"
        in run("p", "--classes-file", tmp_path / "f.csv", code=2)["said"]
    )
