"""A folder of images: labels and parts by the folders they lie in."""

import os

import pytest

from core.errors import BadInput
from core.sources import archive, folder
from core.sources.options import Options


def read(path):
    return list(folder.read(Options(path=str(path))))


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_an_images_own_folder_is_its_label(tmp_path):
    put(tmp_path, "sedan/1.jpg", "cars/coupe/2.jpg", "sedan/front/3.jpg")
    assert {(os.path.basename(c.url), c.label, c.part) for c in read(tmp_path)} == {
        ("1.jpg", "sedan", ""), ("2.jpg", "coupe", ""), ("3.jpg", "front", "")}  # fmt: skip


@pytest.mark.parametrize(("name", "part"), [("train", "train"), ("val", "val"), ("valid", "val"), ("validation", "val"),
                                            ("test", "test"), ("Train", "train")])  # fmt: skip
def test_a_first_level_folder_may_be_a_part(tmp_path, name, part):
    put(tmp_path, f"{name}/sedan/1.jpg")
    assert [(c.label, c.part, c.error) for c in read(tmp_path)] == [("sedan", part, "")]


def test_a_folder_called_test_below_the_first_level_is_a_class(tmp_path):
    put(tmp_path, "cars/test/1.jpg")
    assert [(c.label, c.part) for c in read(tmp_path)] == [("test", "")]


@pytest.mark.parametrize(("names", "found"), [
    (["cars/train/sedan/1.jpg", "cars/test/suv/2.jpg"], [("suv", "test"), ("sedan", "train")]),
    (["cars/train/sedan/1.jpg", "cars/read.me"], [("cars", ""), ("sedan", "train")]),
    (["cars/train/sedan/1.jpg", "read.me"], [("set", ""), ("sedan", "")]),
    (["train/test/sedan/1.jpg"], [("sedan", "train")]),
    (["cars/sedan/1.jpg", "cars/suv/2.jpg"], [("sedan", ""), ("suv", "")]),
    (["cars/all/train/sedan/1.jpg"], [("sedan", "")]),
])  # fmt: skip
def test_a_single_folder_with_the_parts_in_it_stands_for_the_folder_given(tmp_path, names, found):
    put(tmp_path / "set", *names)
    assert [(c.label, c.part) for c in read(tmp_path / "set")] == found


def test_images_in_the_folder_itself_have_its_name_and_those_beside_the_classes_have_none(tmp_path):
    put(tmp_path / "suv", "1.jpg")
    assert [c.label for c in read(tmp_path / "suv")] == ["suv"]
    put(tmp_path / "set", "train/loose.jpg")
    assert [(c.label, c.error) for c in read(tmp_path / "set")] == [("", "no label")]


def test_hidden_files_are_passed_over_and_others_are_not(tmp_path):
    put(tmp_path, "a/1.jpg", "a/.DS_Store", ".git/2.jpg", "a/notes.txt", "a/.hidden/3.jpg")
    assert [os.path.basename(c.url) for c in read(tmp_path)] == ["1.jpg", "notes.txt"]


def test_links_that_leave_the_folder_are_failures_and_loops_end(tmp_path):
    put(tmp_path, "set/a/1.jpg", "secret/2.jpg", "set-too/3.jpg")
    a = tmp_path / "set" / "a"
    (a / "file").symlink_to(tmp_path / "secret" / "2.jpg")
    (a / "sibling").symlink_to(tmp_path / "set-too" / "3.jpg")  # shares the beginning of its name
    (a / "folder").symlink_to(tmp_path / "secret")
    (a / "loop").symlink_to(a)
    (a / "self").symlink_to(a / "self")
    (a / "twin.jpg").symlink_to(a / "1.jpg")
    found = {os.path.basename(c.url): c.error for c in read(tmp_path / "set")}
    assert found == {"1.jpg": "", "twin.jpg": "", "self": "", "loop": "link to a folder",
                     "file": "link out of the folder", "sibling": "link out of the folder",
                     "folder": "link out of the folder"}  # fmt: skip


def test_the_order_is_the_same_each_time_and_by_name(tmp_path):
    put(tmp_path, *(f"{c}/{n}.jpg" for c in "cab" for n in (3, 1, 2)))
    found = [c.url for c in read(tmp_path)]
    assert found == sorted(found) == [c.url for c in read(tmp_path)]


def test_a_name_in_another_encoding_is_a_failure_that_a_database_can_keep(tmp_path):
    try:
        os.makedirs(os.fsencode(tmp_path) + b"/caf\xe9")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    open(os.fsencode(tmp_path) + b"/caf\xe9/1.jpg", "wb").close()
    (found,) = read(tmp_path)
    assert found.error == "file name is not UTF-8"
    assert (found.url + found.label).encode()


def test_labels_are_composed(tmp_path):
    put(tmp_path, "cafe\u0301/1.jpg")
    assert [c.label for c in read(tmp_path)] == ["caf\u00e9"]


def test_folders_nested_deeper_than_pythons_recursion_are_read(tmp_path):
    depth, start = 1200, os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(depth):
            os.mkdir("a")
            os.chdir("a")
        open("1.jpg", "w").close()
        found = read(tmp_path)
        os.remove("1.jpg")
        for _ in range(depth):  # pytest could not take it away: shutil.rmtree recurses
            os.chdir("..")
            os.rmdir("a")
    finally:
        os.chdir(start)
    assert [c.label for c in found] == ["a"]


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_a_path_that_is_no_folder_is_named(tmp_path, name):
    put(tmp_path, "file.txt")
    with pytest.raises(BadInput, match=name):
        read(tmp_path / name)


def test_an_empty_folder_has_nothing(tmp_path):
    assert read(tmp_path) == []


@pytest.mark.parametrize("source", [folder, archive])
def test_a_licence_cannot_be_asked_for_where_none_is_named(tmp_path, source):
    put(tmp_path, "sedan/1.jpg", "cars.zip")
    path = tmp_path / "cars.zip" if source is archive else tmp_path
    source.check(Options(path=str(path)))
    with pytest.raises(BadInput, match=r"names no licences, so none of its pictures passes --licence known: leave"):
        source.check(Options(path=str(path), licence="known"))
