"""Findings: a check that runs again replaces its own."""

from __future__ import annotations

import pytest

from core.errors import Fenced
from tests.db.conftest import finding, operation, reject


def test_running_a_check_again_replaces_its_findings_and_no_other_checks(store, project, images, claim):
    ids = images(3)
    by = claim("clean")
    store.replace_findings(by, project.id, ["exact_duplicate"], [finding(ids[0], "exact_duplicate", 1, "g")])
    for found in ([finding(ids[0]), finding(ids[1])], [finding(ids[2])]):
        store.replace_findings(by, project.id, ["too_small"], found)
    assert store.finding_counts(project.id) == {"exact_duplicate": 1, "too_small": 1}
    store.apply(project.id, operation(reject(ids[2])))
    assert store.finding_counts(project.id, undecided=True) == {"exact_duplicate": 1}
    assert store.groups(project.id, "exact_duplicate") == {ids[0]: "g"}
    assert [f.image for f in store.findings(project.id, "too_small", batch=1)] == [ids[2]]


def test_findings_are_stored_under_the_fence(store, project, images, claim):
    (image,) = images(1)
    by = claim("clean")
    store.take_back("here")
    store.claim("there", 60)
    with pytest.raises(Fenced):
        store.replace_findings(by, project.id, ["too_small"], [finding(image)])
    assert list(store.findings(project.id)) == []


def test_all_findings_are_read_over_any_number_of_batches(store, project, images, claim):
    ids = images(7)
    found = [finding(i, kind) for i in ids for kind in ("blurred", "too_small")]
    store.replace_findings(claim("clean"), project.id, ["blurred", "too_small"], found)
    read = list(store.findings(project.id, batch=3))
    assert sorted(read, key=lambda f: (f.image, f.kind)) == found
