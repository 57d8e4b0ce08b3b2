"""Reading every picture once: files that changed, are gone, or come back."""

from __future__ import annotations

from core.clean.measure import Reading
from tests.scenes import jpeg, scene


def test_a_file_that_changed_is_noticed_and_the_rest_goes_on(shelf):
    whole, changed = shelf.add(*(jpeg(scene(seed)) for seed in (1, 2)))
    shelf.file(changed).write_bytes(b"other bytes")
    shelf.clean()
    assert shelf.found("corrupt").keys() == {changed}
    assert "has changed on disk" in shelf.found("corrupt")[changed].note
    assert [image for image, *_ in shelf.store.embeddings(shelf.project.id, "plain")] == [whole]


def test_a_thumbnail_that_was_lost_is_made_again(shelf):
    [one] = shelf.add(jpeg(scene(1)))
    was = shelf.file(one, "thumbs").read_bytes()
    shelf.file(one, "thumbs").unlink()
    shelf.clean()
    assert shelf.file(one, "thumbs").read_bytes() == was
    assert shelf.found("corrupt") == {}


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


def test_an_error_without_words_is_a_fault_all_the_same(shelf, monkeypatch):
    one, other = shelf.add(jpeg(scene(1)), jpeg(scene(2)))
    name = shelf.record(one).facts.sha256
    read = Reading.__call__

    def silent(self: Reading, sha256: str) -> object:
        if sha256 == name:
            raise TimeoutError
        return read(self, sha256)

    monkeypatch.setattr(Reading, "__call__", silent)
    shelf.clean()
    assert shelf.found("corrupt")[one].note == "TimeoutError"
    monkeypatch.undo()
    shelf.clean()
    assert shelf.found("corrupt") == {}


def test_what_came_while_a_picture_was_away_is_compared_with_it_once_it_is_back(shelf):
    [one] = shelf.add(jpeg(scene(1)))
    shelf.clean()
    data = shelf.file(one).read_bytes()
    shelf.file(one).unlink()
    [copy] = shelf.add(jpeg(scene(1), 40))
    shelf.clean()
    assert shelf.groups() == []
    shelf.file(one).write_bytes(data)
    shelf.clean()
    assert shelf.groups() == [{one, copy}]


def test_a_thumbnail_that_is_lost_when_a_copy_comes_is_made_again(shelf):
    [one] = shelf.add(jpeg(scene(1)))
    shelf.clean()
    shelf.file(one, "thumbs").unlink()
    [copy] = shelf.add(jpeg(scene(1), 40))
    shelf.clean()
    assert (shelf.groups(), shelf.found("corrupt")) == ([{one, copy}], {})
