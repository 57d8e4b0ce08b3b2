"""Other people's labels become the project's classes."""

import time
from collections import Counter

import pytest

from core.errors import BadInput
from core.model import Candidate
from core.subset import mapped, propose, read_mapping

CARS = ["Acura CL", "Acura TL", "Maserati GranTurismo", "BMW M3", "Mercedes-Benz S-Class", "Porsche 911"]


def candidates(*labels):
    return [Candidate(f"http://h/{n}.jpg", label, "urls") for n, label in enumerate(labels)]


def test_labels_become_classes_stay_or_are_left_out():
    left_out = Counter()
    found = mapped(
        candidates("acura_cl_2003", "Boat", "suv", "boat", ""), {"acura_cl_2003": "Acura CL", "BOAT": ""}, left_out
    )
    assert [c.label for c in found] == ["Acura CL", "suv", ""]
    assert left_out == {"Boat": 1, "boat": 1}


def test_a_failure_keeps_its_reason_under_its_new_class():
    broken = Candidate("t.csv, row 1", "a", "urls", error="malformed url")
    assert [(c.label, c.error) for c in mapped([broken], {"a": "b"})] == [("b", "malformed url")]


@pytest.mark.parametrize(("label", "name"), [
    ("acura cl", "Acura CL"), ("AcuraCL", "Acura CL"), ("acura_cl_2003", "Acura CL"), ("acura_tl_type_s_2008", "Acura TL"),
    ("maserati_gran_turismo", "Maserati GranTurismo"), ("mercedes_benz_s_class_sedan_2012", "Mercedes-Benz S-Class"),
    ("granturismo", "Maserati GranTurismo"), ("Porshe 911", "Porsche 911"), ("porsche_911_carrera", "Porsche 911"),
    ("acura", ""), ("porsche 912", ""), ("911", "Porsche 911"), ("bicycle", ""), ("2003", ""), ("", ""), ("---", ""),
    ("acura_cl_acura_tl", ""),
])  # fmt: skip
def test_a_class_is_proposed_for_a_label_by_its_words(label, name):
    assert propose([label], CARS) == ({label: name} if name else {})


def test_the_class_with_most_in_common_is_proposed():
    shoes = ["Air Jordan 1", "Air Jordan 11", "Air Jordan 11 Low", "Jordan"]
    assert propose(["air_jordan_11_low_2019", "air-jordan-11", "AIR JORDAN 1 retro", "jordans"], shoes) == {
        "air_jordan_11_low_2019": "Air Jordan 11 Low", "air-jordan-11": "Air Jordan 11",
        "AIR JORDAN 1 retro": "Air Jordan 1", "jordans": "Jordan"}  # fmt: skip


def test_many_labels_and_classes_take_seconds():
    began = time.monotonic()
    classes = [f"Make{n % 500} Model{n}" for n in range(20_000)]
    labels = [f"make{n % 500}_model{n}_{1990 + n % 30}" for n in range(20_000)]
    found = propose(labels, classes)
    assert len(found) == 20_000 and found["make7_model7_1997"] == "Make7 Model7"
    assert time.monotonic() - began < 20


def table(tmp_path, text, name="map.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_mapping_is_read_from_a_table(tmp_path):
    path = table(
        tmp_path,
        'class,label\nAcura CL,acura_cl_2003\nAcura CL,acura_cl_2001\n,boat\n"A, B",x\nAcura CL,ACURA_CL_2003\n',
    )
    assert read_mapping(path) == {"acura_cl_2003": "Acura CL", "acura_cl_2001": "Acura CL", "boat": "", "x": "A, B",
                                  "ACURA_CL_2003": "Acura CL"}  # fmt: skip


def test_the_categories_of_landmarks_are_read_as_names(tmp_path):
    path = table(tmp_path, "landmark_id,category\n1,http://commons.wikimedia.org/wiki/Category:Happy_Valley_Racecourse\n"
                           "2,http://commons.wikimedia.org/wiki/Category:Schlo%C3%9F_Benrath\n")  # fmt: skip
    assert read_mapping(path) == {"1": "Happy Valley Racecourse", "2": "Schlo\u00df Benrath"}


@pytest.mark.parametrize(("text", "sentence"), [
    ("label,klass\na,b\n", "map.csv has no column 'class'; its columns are 'label', 'klass'"),
    ("label,class\na,b\nA,c\n", "map.csv, row 2: the label 'A' stands for 'c' here, and for 'b' above"),
    ("label,class\na\n", "map.csv, row 1: wrong number of fields"),
    ("label,class\n,b\n", "map.csv, row 1: there is no label beside the class 'b'"),
    ("", "no column 'label'"),
])  # fmt: skip
def test_a_mapping_that_does_not_fit_is_one_sentence(tmp_path, text, sentence):
    with pytest.raises(BadInput, match=sentence):
        read_mapping(table(tmp_path, text))


def test_a_mapping_that_is_missing_or_of_another_kind_is_named(tmp_path):
    with pytest.raises(BadInput, match="--map .*nowhere.csv' is not a file"):
        read_mapping(tmp_path / "nowhere.csv")
    with pytest.raises(BadInput, match="--map 'map.xlsx' ends in '.xlsx'"):
        read_mapping(table(tmp_path, "x", "map.xlsx"))
