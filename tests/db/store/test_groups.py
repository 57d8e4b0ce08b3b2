"""Groups of copies: which are open, in which order, and what each member brings along."""

from __future__ import annotations

import pytest

from core.model import DUPLICATE, Decision, Finding, Link
from db.store.groups import CONFLICT, EXACT, NEAR, Count
from tests.db.conftest import candidate, facts, operation, reject


@pytest.fixture
def group(store, project, claim):
    """`group(kind, ids)`: put these into a group, beside the groups there are."""
    found: list[Finding] = []

    def group(kind: str, ids: list[int], score: float = 0.95) -> str:
        name = f"{kind}-{min(ids)}"
        found.extend(Finding(i, kind, score, "pixels", name) for i in ids)
        store.replace_findings(claim("clean"), project.id, [NEAR, EXACT], found)
        return name

    return group


def named(store, project, **more) -> list[tuple[str, str]]:
    return [(each.kind, each.name) for each in store.open_groups(project.id, **more)]


def test_label_conflicts_come_first_then_near_copies_then_exact_ones(store, project, images, group):
    sedans, coupes = images(6), images(1, "coupe")
    exact, near = group(EXACT, sedans[:2]), group(NEAR, sedans[2:5])
    torn = group(EXACT, [sedans[5], *coupes])
    assert named(store, project) == [(CONFLICT, torn), (NEAR, near), (EXACT, exact)]
    assert named(store, project, kind=EXACT) == [(EXACT, exact)]
    assert store.group_counts(project.id) == ({CONFLICT: Count(1, 1), NEAR: Count(1, 2), EXACT: Count(1, 1)}, 0)
    assert store.open_counts(project.id) == {CONFLICT: 1, NEAR: 1, EXACT: 2}, "the torn one is of equal pictures"
    assert [each.pictures for each in store.open_groups(project.id)] == [2, 3, 2]


def test_a_near_group_holds_the_exact_copies_of_its_members_so_their_own_group_is_not_shown(
    store, project, images, group
):
    ids = images(3)
    group(EXACT, ids[:2])
    near = group(NEAR, ids)
    assert named(store, project) == [(NEAR, near)]
    assert store.open_counts(project.id) == {CONFLICT: 0, NEAR: 1, EXACT: 1}, "it waits for a person all the same"
    assert [[one.id for one in some] for some in store.exact_copies(project.id).values()] == [ids[:2]]
    assert store.exact_count(project.id) == Count(1, 1), "and all exact copies can be taken out at once"


def test_a_group_is_settled_once_one_member_is_left_or_a_person_kept_all_that_are(store, project, images, group):
    a, b, c = images(3)
    near = group(NEAR, [a, b, c])
    store.apply(project.id, operation(Decision(a, "keep"), Decision(b, "keep")))
    assert named(store, project) == [(NEAR, near)]
    done = operation(Decision(c, "keep"))
    store.apply(project.id, done)
    assert store.group_counts(project.id) == ({CONFLICT: Count(), NEAR: Count(), EXACT: Count()}, 1)
    assert store.open_counts(project.id) == {CONFLICT: 0}
    store.apply(project.id, operation(undoes=done.id))
    assert named(store, project) == [(NEAR, near)]
    store.apply(project.id, operation(reject(b), reject(c)))
    assert named(store, project) == []


def test_copies_that_were_given_one_class_are_no_conflict_any_more(store, project, images, group):
    sedan, coupe = images(1)[0], images(1, "coupe")[0]
    name = group(NEAR, [sedan, coupe])
    assert named(store, project) == [(CONFLICT, name)]
    store.apply(project.id, operation(Decision(sedan, "keep", label="coupe")))
    assert named(store, project) == [(NEAR, name)]


def test_one_picture_found_under_two_classes_waits_until_a_person_chose(store, project, claim, group):
    by = claim()
    store.add_candidates(by, project.id, 0, [candidate("http://a/1", "sedan"), candidate("http://b/1", "coupe")])
    store.add_fetched(by, project.id, [("http://a/1", facts("one"), ""), ("http://b/1", facts("one"), "")])
    (one,) = store.images(project.id)
    name = group(EXACT, [one.id])
    assert named(store, project) == [(CONFLICT, name)]
    (member,) = store.group_members(project.id, [name])[name]
    assert [each.candidate.label for each in member.origins] == ["sedan", "coupe"]
    chosen = operation(Decision(one.id, "keep", label="coupe"))
    store.apply(project.id, chosen)
    assert named(store, project) == []
    store.apply(project.id, operation(undoes=chosen.id))
    assert named(store, project) == [(CONFLICT, name)]


def test_pages_go_on_behind_the_last_group_whatever_was_settled_in_between(store, project, images, group):
    ids = images(20)
    names = [group(NEAR if n % 2 else EXACT, ids[2 * n : 2 * n + 2]) for n in range(10)]
    near, exact = names[1::2], names[0::2]
    first = store.open_groups(project.id, limit=4)
    assert [each.name for each in first] == near[:4]
    store.apply(project.id, operation(*(reject(i) for i in ids[2:16])))
    after = (first[-1].kind, first[-1].first)
    assert named(store, project, after=after) == [(NEAR, near[4]), (EXACT, exact[0]), (EXACT, exact[4])]
    assert named(store, project, after=(EXACT, ids[16])) == []


def test_members_come_with_their_facts_their_likeness_and_where_they_came_from(store, project, images, group):
    a, b, c = images(3)
    name = group(NEAR, [a, b, c], 0.93)
    store.apply(project.id, operation(reject(b, reason=DUPLICATE)))
    members = store.group_members(project.id, [name, "near_duplicate-99"])
    assert members["near_duplicate-99"] == []
    assert [(m.image.id, m.likeness, m.origins[0].candidate.url) for m in members[name]] == [
        (a, 0.93, "http://host/picture/sedan/0"), (c, 0.93, "http://host/picture/sedan/2"),
    ]  # fmt: skip


def test_exact_copies_are_those_of_one_label_that_nobody_rejected(store, project, images, group):
    sedans, coupes = images(5), images(1, "coupe")
    name = group(EXACT, sedans[:3])
    group(EXACT, [sedans[3], *coupes])
    store.apply(project.id, operation(reject(sedans[0])))
    assert {k: [one.id for one in m] for k, m in store.exact_copies(project.id).items()} == {name: sedans[1:3]}


def test_the_least_likeness_is_that_of_the_loosest_link(store, project, images, claim):
    a, b, c = images(3)
    assert store.least_likeness(project.id) is None
    store.add_links(claim("clean"), project.id, [Link(a, b, 0.97, "x"), Link(b, c, 0.61, "x")], [])
    assert store.least_likeness(project.id) == 0.61


def test_another_projects_groups_are_not_shown(store, project, images, group):
    group(NEAR, images(2))
    other = store.add_project("boats", ["sail"])
    assert store.open_groups(other.id) == []
    assert store.group_counts(other.id)[1] == 0


def test_of_some_groups_those_that_are_open_are_told_by_name(store, project, images, group):
    ids = images(6)
    near, done, _ = group(NEAR, ids[:2]), group(EXACT, ids[2:4]), group(EXACT, ids[4:])
    store.apply(project.id, operation(reject(ids[2])))
    assert list(store.groups_named(project.id, [near, done, "near_duplicate-99"])) == [near]
    assert store.groups_named(project.id, []) == {}


def test_waiting_copies_are_the_undecided_ones_of_a_group_under_the_same_class(store, project, images, group):
    a, b, c, d, alone = images(5)
    coupe, other = images(2, "coupe")
    group(NEAR, [a, b, c, coupe, other])
    group(EXACT, [d])
    assert store.waiting_copies(project.id, [a, b, coupe, d, alone]) == {a: [b, c], b: [a, c], coupe: [other]}
    store.apply(project.id, operation(Decision(b, "keep"), Decision(other, "reject", DUPLICATE)))
    assert store.waiting_copies(project.id, [a, b, coupe]) == {a: [c]}
    store.apply(project.id, operation(Decision(c, "keep", label="coupe")))
    assert store.waiting_copies(project.id, [a, coupe]) == {}


def test_waiting_copies_are_those_of_the_near_group_where_an_exact_one_is_within_it(store, project, images, group):
    a, b, c = images(3)
    group(EXACT, [a, b])
    group(NEAR, [a, b, c])
    assert store.waiting_copies(project.id, [b]) == {b: [a, c]}


def test_what_only_looks_alike_is_no_waiting_copy(store, project, images, group):
    *some, third, fourth = images(4)
    others = [third, fourth]
    group(NEAR, some, score=0.85)
    group(NEAR, others, score=0.93)
    assert store.waiting_copies(project.id, [*some, *others], 0.9) == {others[0]: [others[1]], others[1]: [others[0]]}
