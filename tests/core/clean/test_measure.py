"""Reading every picture once: files that changed, are gone, or come back."""

from __future__ import annotations

from tests.scenes import jpeg, scene


def test_a_file_that_changed_or_lost_its_thumbnail_is_noticed_and_the_rest_goes_on(shelf):
    whole, changed, bare = shelf.add(*(jpeg(scene(seed)) for seed in (1, 2, 3)))
    shelf.file(changed).write_bytes(b"other bytes")
    shelf.file(bare, "thumbs").unlink()
    shelf.clean()
    found = shelf.found("corrupt")
    assert found.keys() == {changed, bare}
    assert "has changed on disk" in found[changed].note
    assert "is not in" in found[bare].note
    assert [image for image, *_ in shelf.store.embeddings(shelf.project.id, "plain")] == [whole]


def test_a_file_that_is_gone_after_it_was_measured_is_noticed_and_when_it_comes_back_all_is_well(shelf):
    [one, other] = shelf.add(jpeg(scene(1)), jpeg(scene(2)))
    shelf.clean()
    assert shelf.found("corrupt") == {}
    data = shelf.file(one).read_bytes()
    shelf.file(one).unlink()
    shelf.clean()
    assert shelf.found("corrupt").keys() == {one}
    shelf.file(one).write_bytes(data)
    shelf.clean()
    assert shelf.found("corrupt") == {}
    assert len(list(shelf.store.measures(shelf.project.id))) == 2


def test_a_file_that_was_cut_short_after_it_was_measured_is_noticed(shelf):
    [one] = shelf.add(jpeg(scene(1)))
    shelf.clean()
    shelf.file(one).write_bytes(shelf.file(one).read_bytes()[:-100])
    shelf.clean()
    assert "has changed on disk" in shelf.found("corrupt")[one].note


def test_a_picture_whose_thumbnail_is_lost_later_is_no_end_of_the_comparison(shelf):
    first = shelf.add(jpeg(scene(1)), jpeg(scene(2)))
    shelf.clean()
    shelf.file(first[0], "thumbs").unlink()
    [copy] = shelf.add(jpeg(scene(1), 40))
    shelf.clean()
    assert shelf.groups() == []
    assert "is not in" in shelf.found("corrupt")[first[0]].note
    assert copy not in shelf.found("corrupt")
