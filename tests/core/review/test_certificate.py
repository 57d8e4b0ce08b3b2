"""That a review may stop, and what is missing until then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import BadInput
from core.model import DUPLICATE, Decision, Showing
from core.review.certificate import certify, export, missing, sentence, standing
from tests.db.conftest import claim, images, operation, project, reject  # noqa: F401, fixtures


def drawn(store, project, number: int, *rejected: int) -> None:  # noqa: F811
    """So many pictures are drawn at random, and decided."""
    noted = store.show(project.id, "ann", [], number, lambda n: 0)
    made = [reject(one.image) if k in rejected else Decision(one.image, "keep") for k, one in enumerate(noted)]
    store.apply(project.id, operation(*made))


def test_before_the_first_random_picture_nothing_is_known(store, project, images):  # noqa: F811
    images(20)
    now = standing(store, project)
    assert (now["left"], now["bad"], now["high"], now["done"]) == (20, None, 20, False)
    assert "Too early to say how many of the 20" in sentence(now) and "more random ones" in missing(now)


def test_random_pictures_without_a_bad_one_make_it_green_in_the_end(store, project, images):  # noqa: F811
    images(600)
    drawn(store, project, 200)
    now = standing(store, project)
    assert not now["done"] and now["draws"] == 200 and 0 < now["high"] < 30
    with pytest.raises(BadInput, match=r"There is no certificate yet\. At most 1\.0% .* about \d+ more random ones"):
        certify(store, project, "ann")
    assert store.certificate(project.id) is None
    drawn(store, project, now["needed"])
    now = standing(store, project)
    assert now["done"] and now["high"] <= now["rate"] * now["left"] and missing(now) == ""


def test_a_certificate_says_who_how_many_and_by_which_method_and_is_kept(store, project, images):  # noqa: F811
    ids = images(8)
    store.apply(project.id, operation(*(Decision(i, "keep") for i in ids[2:]), reject(ids[0])))
    store.apply(project.id, operation(Decision(ids[1], "reject", DUPLICATE)))
    made = certify(store, project, "ann")
    assert made == store.certificate(project.id) and made.reviewer == "ann" and made.newest == ids[-1]
    of = made.result
    assert (of["left"], of["high"], of["looked"], of["found"]) == (0, 0, 7, 1)
    assert of["counts"] == {"kept": 6, "undecided": 0, "unique": 8}
    assert of["reviewers"] == {"ann": 8} and of["model"] == "" and "Ville 1939" in of["method"]
    assert sentence(of) == "Every picture was looked at."


def test_what_was_taken_back_is_left_again(store, project, images):  # noqa: F811
    ids = images(3)
    store.apply(project.id, operation(*(Decision(i, "keep") for i in ids[1:])))
    wrong = operation(Decision(ids[0], "keep"))
    store.apply(project.id, wrong)
    assert standing(store, project)["done"]
    store.apply(project.id, operation(undoes=wrong.id))
    now = standing(store, project)
    assert (now["done"], now["left"], now["open"]) == (False, 1, 1)


def test_a_rate_that_is_none_is_refused(store, project, images):  # noqa: F811
    images(2)
    with pytest.raises(BadInput, match="rate 2"):
        standing(store, project, 2)


def test_it_goes_with_an_export_and_says_whether_pictures_came_since(store, project, images, tmp_path):  # noqa: F811
    (image,) = images(1)
    assert export(store, project, tmp_path) == []
    store.apply(project.id, operation(Decision(image, "keep")))
    certify(store, project, "ann")
    (file,) = export(store, project, tmp_path)
    said = json.loads(Path(file).read_text())
    assert (said["signed_by"], said["looked"], said["pictures_came_since"]) == ("ann", 1, False)
    images(1, name="another")
    export(store, project, tmp_path)
    assert json.loads(Path(file).read_text())["pictures_came_since"]
    with pytest.raises(BadInput, match="The certificate cannot be written to"):
        export(store, project, tmp_path / "nowhere")


def test_it_says_how_far_two_people_agree_where_two_looked(store, project, images):  # noqa: F811
    ids = images(20)
    store.apply(project.id, operation(*(Decision(i, "keep") for i in ids[:19]), reject(ids[19])))
    assert "agreement" not in certify(store, project, "ann").result
    store.show_again(project.id, "ben", [Showing(i) for i in ids])
    store.apply(project.id, operation(*(Decision(i, "keep") for i in ids), who="ben"))
    (of,) = certify(store, project, "ann").result["agreement"]
    assert (of["reviewers"], of["pictures"], of["agreed"], of["kappa"]) == (["ann", "ben"], 20, 19, 0)
