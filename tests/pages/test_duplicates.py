"""Groups of copies: what is said of them, and what a press decides. No browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.model import DUPLICATE, Candidate, Decision, Finding, ImageFacts, ImageRecord, Link, Measure, Origin
from core.review import undo
from db.store.groups import CONFLICT, EXACT, NEAR, Member
from pages.parts import copies
from tests.db.conftest import operation
from tests.pages import filled
from tests.pages.conftest import button, plain


def image(number: int, width: int = 400, label: str = "suv", pixels: str = "", **more) -> ImageRecord:
    facts = ImageFacts(str(number), pixels or str(number), width, 300, "JPEG", more.pop("size", 1000), (0,) * 8)
    return ImageRecord(number, facts, "", label, label, "", more.pop("verdict", "undecided"), "", 0)


def member(one: ImageRecord, likeness: float = 0.95, *came: tuple[str, str, str]) -> Member:
    """`came`: (url, label, licence) ..."""
    return Member(
        one, likeness, tuple(Origin(Candidate(u, label, "urls", licence=lic), None) for u, label, lic in came)
    )


# the words ----------------------------------------------------------------------------------------------------------


def test_the_reasons_are_those_that_decided_for_the_copy_in_the_order_they_were_asked() -> None:
    large, small = image(1, 1600), image(2, 400)
    assert copies.propose([member(small), member(large)], {}).why == "the largest"
    assert copies.propose([member(image(1)), member(image(2))], {1: Measure(1, {"blurred": 0.9})}).why == "the sharpest"
    known = member(image(2), 0.95, ("https://a.example/1", "suv", "CC BY 4.0"))
    assert copies.propose([member(image(1)), known], {}) == copies.Proposal(2, "its licence is known")
    three = [member(image(1, label="coupe")), member(image(2)), member(image(3, 800))]
    assert copies.propose(three, {}).why == "in the class most copies have, the largest"
    assert copies.propose([member(image(1)), member(image(2))], {}).why == "all are equally good, and it came first"


def test_likeness_licence_and_host_are_said_in_words() -> None:
    chosen = image(1, pixels="p")
    same, copy, sure, perhaps = (member(image(2, pixels=p), like) for p, like in (
        ("p", 0.91), ("q", 0.98), ("q", 0.92), ("q", 0.7)))  # fmt: skip
    assert [copies.likeness(one, chosen) for one in (same, copy, sure, perhaps)] == [
        "the same pixels", "the same photo, saved again", "surely the same photo", "looks alike"]  # fmt: skip
    came = (
        ("https://a.example/x", "suv", "unknown"),
        ("/home/me/x.jpg", "suv", "CC0"),
        ("https://a.example/y", "", ""),
    )
    assert copies.host(member(chosen, 1, *came)) == "a.example and 1 more"
    assert (copies.licence(member(chosen, 1, *came)), copies.licence(member(chosen))) == ("CC0", "")


def test_a_conflict_offers_the_classes_its_copies_carry_the_most_frequent_first() -> None:
    torn = member(image(3, label="coupe"), 1, ("a", "coupe", ""), ("b", "truck", ""), ("c", "no class", ""))
    members = [member(image(1)), member(image(2)), torn]
    assert copies.classes(members, ("coupe", "suv", "truck")) == ["suv", "coupe", "truck"]
    settled = replace(torn, image=replace(torn.image, verdict="keep"))
    assert copies.classes([members[0], settled], ("coupe", "suv", "truck")) == ["coupe", "suv"]


def test_a_press_rejects_the_others_with_the_versions_seen_and_decides_on_the_kept_one_only_with_a_class() -> None:
    one, other = image(1), replace(image(2), version=3)
    assert copies.keep_one([one, other], 1) == (Decision(2, "reject", DUPLICATE, version=3),)
    assert copies.keep_one([one, other], 2, "coupe") == (
        Decision(1, "reject", DUPLICATE, version=0), Decision(2, "keep", DUPLICATE, "coupe", 3))  # fmt: skip
    assert copies.keep_all([one, replace(other, verdict="keep")]) == (Decision(1, "keep", DUPLICATE, version=0),)


# the page -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cars(store, home: Path):
    """36 pictures: two in different classes, three near copies, and two groups of exact ones."""
    project = filled.scraped(store, home)
    ids = [record.id for record in store.images(project.id)]
    suvs, coupes = ids[2::3], ids[1::3]
    found(store, project, (NEAR, [suvs[0], coupes[0]]), (NEAR, suvs[1:4]), (EXACT, suvs[4:6]), (EXACT, suvs[6:9]))
    return project, suvs, coupes


def found(store, project, *groups: tuple[str, Sequence[int]], like: float = 0.95) -> None:
    _, claim = filled.begin(store, project, "clean")
    every = [Finding(i, kind, like, "pixels", f"{kind}-{ids[0]}") for kind, ids in groups for i in ids]
    filled.measured(store, claim, project)
    store.replace_findings(claim, project.id, [NEAR, EXACT], every)
    store.finish(claim, "done", {})


def verdicts(store, project) -> Counter:
    return Counter((one.verdict, one.reason) for one in store.images(project.id))


def labels(shown) -> list[str]:
    return [each.label for each in shown.button]


def test_a_project_that_was_never_cleaned_is_sent_to_clean(screen, store, home) -> None:
    filled.scraped(store, home)
    assert "Nobody has looked for copies yet: do that on the page Clean" in plain(screen("duplicates", project="cars"))


def test_where_nothing_was_found_the_page_says_so(screen, store, home) -> None:
    found(store, filled.scraped(store, home))
    said = plain(screen("duplicates", project="cars"))
    assert "No photo is here twice: all 36 pictures were compared." in said


def test_groups_are_counted_and_stand_in_order_with_what_may_be_pressed(screen, cars) -> None:
    shown = screen("duplicates", project="cars")
    said = plain(shown)
    assert shown.segmented_control(key="kind").options == [
        "All · 4", "Different classes · 1", "Near copies · 1", "Exact copies · 2"]  # fmt: skip
    titles = ["In different classes: coupe, suv", "Near copies", "Exact copies"]
    assert sorted(titles, key=said.index) == titles
    assert "Of 2 groups of equal pictures the best copy stays. One Undo brings the others back." in said
    assert {"Keep as coupe, reject the other one", "Keep as suv, reject the other one", "Take out all 3 exact copies at once",
            "Keep this copy, reject the other 2", "These are different photos"} <= set(labels(shown))  # fmt: skip


def test_one_press_rejects_the_other_copies_and_one_undo_brings_them_back(screen, store, cars) -> None:
    project, suvs, _ = cars
    shown = screen("duplicates", project="cars")
    shown.button(key=f"one-{NEAR}-{suvs[1]}").click().run()
    assert "One copy stays; 2 copies were rejected." in plain(shown)
    assert verdicts(store, project) == {("undecided", ""): 34, ("reject", DUPLICATE): 2}
    assert shown.segmented_control(key="kind").options[2] == "Near copies · 0"
    shown.button(key=f"undo-{NEAR}-{suvs[1]}").click().run()
    assert verdicts(store, project) == {("undecided", ""): 36}
    assert f"one-{NEAR}-{suvs[1]}" in [each.key for each in shown.button]


def test_another_copy_may_be_chosen_to_stay(screen, store, cars) -> None:
    project, suvs, _ = cars
    shown = screen("duplicates", project="cars")
    other = next(
        each for each in shown.button if each.label == "Keep this one instead" and f"{NEAR}-{suvs[1]}-" in str(each.key)
    )
    other.click().run()
    shown.button(key=f"one-{NEAR}-{suvs[1]}").click().run()
    stays = int(str(other.key).rsplit("-", 1)[1])
    assert [one.id for one in store.images_by_id(project.id, suvs[1:4]) if one.verdict != "reject"] == [stays]


def test_in_a_label_conflict_the_class_is_chosen_with_the_press(screen, store, cars) -> None:
    project, suvs, coupes = cars
    shown = screen("duplicates", project="cars")
    button(shown, "Keep as coupe, reject the other one").click().run()
    assert "Kept as coupe; 1 copy was rejected." in plain(shown)
    one, other = sorted(store.images_by_id(project.id, [suvs[0], coupes[0]]), key=lambda one: one.verdict)
    assert (one.verdict, one.label, other.verdict, other.reason) == ("keep", "coupe", "reject", DUPLICATE)


def test_different_photos_all_stay_and_their_group_does_not_come_back(screen, store, cars) -> None:
    project, suvs, _ = cars
    shown = screen("duplicates", project="cars", kind=NEAR)
    shown.button(key=f"all-{NEAR}-{suvs[1]}").click().run()
    assert verdicts(store, project) == {("undecided", ""): 33, ("keep", DUPLICATE): 3}
    again = screen("duplicates", project="cars", kind=NEAR)
    assert "Nothing is left of near copies. Choose All to see the other groups." in plain(again)


def test_exact_copies_within_near_ones_can_be_taken_out_at_once(screen, store, home) -> None:
    project = filled.scraped(store, home)
    _, claim = filled.begin(store, project, "clean")
    ids = [record.id for record in store.images(project.id) if record.label == "sedan"]
    copies = {"near_duplicate": ids[:3], "exact_duplicate": ids[:2]}
    found = [Finding(i, kind, 1.0, "x", f"{kind}-1") for kind, some in copies.items() for i in some]
    store.replace_findings(claim, project.id, list(copies), found)
    filled.measured(store, claim, project)
    store.finish(claim, "done")
    shown = screen("duplicates", project="cars", kind="exact_duplicate")
    assert "The exact copies that are left stand within near copies." in plain(shown)
    button(shown, "Take out the one exact copy").click().run()
    assert [record.verdict for record in store.images_by_id(project.id, ids[:3])].count("reject") == 1
    assert "Nothing is left of exact copies." in plain(shown)


def test_all_exact_copies_go_at_once_and_come_back_at_once_also_after_a_reload(screen, store, cars) -> None:
    project, _, _ = cars
    shown = screen("duplicates", project="cars")
    shown.button(key="take-all").click().run()
    assert "Your last step. Exact copies of 2 groups: 3 copies were rejected." in plain(shown)
    assert verdicts(store, project) == {("undecided", ""): 33, ("reject", DUPLICATE): 3}
    again = screen("duplicates", project="cars")
    assert "Your last step. 3 copies were rejected." in plain(again)
    again.button(key="undo-last").click().run()
    assert verdicts(store, project) == {("undecided", ""): 36}
    assert "Your last step" not in plain(again)


def test_a_step_made_on_another_page_is_not_offered_for_undo_here(screen, store, cars) -> None:
    project, suvs, _ = cars
    shown = screen("duplicates", project="cars")
    store.apply(
        project.id, operation(Decision(suvs[9], "reject", "interior"), who=shown.text_input(key="reviewer").value)
    )
    assert "Your last step" not in plain(shown.run())


def test_a_second_press_on_the_same_button_is_the_same_step(store, home, cars) -> None:
    from pages.parts import grouped

    project, suvs, _ = cars
    decisions = copies.keep_one(store.images_by_id(project.id, suvs[1:4]), suvs[1])
    for _ in range(2):
        grouped.settle(project, "some group", decisions, "Ann", "Done.")
    assert store.decision_count(project.id) == 2


def test_what_someone_else_decided_meanwhile_is_left_as_it_is_and_said(screen, store, cars) -> None:
    project, suvs, _ = cars
    shown = screen("duplicates", project="cars")
    store.apply(project.id, operation(*(Decision(i, "keep") for i in suvs[1:4]), who="Ben"))
    shown.button(key=f"one-{NEAR}-{suvs[1]}").click().run()
    assert "2 pictures were left unchanged: someone else decided meanwhile." in shown.toast[0].value.replace("\\", "")
    assert "This group was settled meanwhile." in plain(shown)
    assert verdicts(store, project) == {("undecided", ""): 33, ("keep", ""): 3}


def test_once_all_is_settled_the_page_says_so(screen, store, cars) -> None:
    project, _, _ = cars
    store.apply(project.id, operation(*(Decision(one.id, "keep") for one in store.images(project.id))))
    assert "All settled: 4 groups of copies, and none of them waits for you." in plain(
        screen("duplicates", project="cars")
    )


def test_the_next_groups_come_when_they_are_asked_for(screen, store, home) -> None:
    project = filled.scraped(store, home)
    ids = [record.id for record in store.images(project.id)]
    found(store, project, *((NEAR, [ids[n], ids[n + 3]]) for n in (0, 1, 2, 6, 7, 8, 12, 13, 14, 18, 19, 20)))
    shown = screen("duplicates", project="cars")
    first = shown.button(key=f"one-{NEAR}-{ids[0]}")
    assert len([label for label in labels(shown) if label.startswith("Keep this copy")]) == 10
    first.click().run()
    assert len([label for label in labels(shown) if label.startswith("Keep this copy")]) == 9
    button(shown, "Next groups").click().run()
    assert len([label for label in labels(shown) if label.startswith("Keep this copy")]) == 2
    assert "These are the last ones." in plain(shown)
    button(shown, "Previous").click().run()
    assert len([label for label in labels(shown) if label.startswith("Keep this copy")]) == 10


def test_sharpness_comes_from_what_cleaning_measured(screen, store, home) -> None:
    project = filled.scraped(store, home)
    a, b = [record.id for record in store.images(project.id)][:6:3]
    found(store, project, (NEAR, [a, b]))
    _, claim = filled.begin(store, project, "clean")
    store.add_measures(claim, project.id, 1, [Measure(a, {"blurred": 0.9}), Measure(b, {"blurred": 0.1})])
    store.finish(claim, "done", {})
    shown = screen("duplicates", project="cars")
    assert "Proposed: the sharpest" in "".join(each.proto.body for each in shown.get("html"))
    button(shown, "Keep this copy, reject the other one").click().run()
    assert [one.verdict for one in store.images_by_id(project.id, [a, b])] == ["reject", "undecided"]


# the limit ----------------------------------------------------------------------------------------------------------


def unfolded(screen, store, project, links: Sequence[Link]):
    _, claim = filled.begin(store, project, "clean")
    store.add_links(claim, project.id, links, [])
    store.finish(claim, "done", {})
    shown = screen("duplicates", project="cars")
    shown.session_state["alike"] = True
    return shown.run()


def test_the_limit_shows_its_figures_and_pairs_from_both_sides(screen, store, cars) -> None:
    project, (a, b, c, d, *_), _ = cars
    shown = unfolded(screen, store, project, [Link(a, b, 0.95, "x"), Link(b, c, 0.86, "x"), Link(c, d, 0.62, "x")])
    slider = shown.select_slider(key=f"like-{project.id}")
    assert (slider.value, slider.options[0], slider.options[-1]) == (90, "98 %", "62 %")
    assert "At 90 %: **1 group of 2 pictures** beside the exact copies." in plain(shown)
    slider.set_value(80).run()
    assert "At 80 %: **1 group of 3 pictures** beside the exact copies. Now, at 90 %: 1 group of 2 pictures." in plain(
        shown
    )
    pairs = [each.proto.body.count("<figure>") for each in shown.get("html") if 'class="pairs"' in each.proto.body]
    assert pairs == [2, 1]
    assert "86.0 % alike" in "".join(each.proto.body for each in shown.get("html"))


def test_another_limit_is_kept_with_the_project_and_cleaned_by(screen, store, cars, workers) -> None:
    project, (a, b, *_), _ = cars
    shown = unfolded(screen, store, project, [Link(a, b, 0.86, "x")])
    assert shown.button(key="use").disabled
    shown.select_slider(key=f"like-{project.id}").set_value(85).run()
    shown.button(key="use").click().run()
    [job] = store.jobs(project.id, "clean", limit=1)
    assert (job.status, job.params) == ("queued", {"likeness": 0.85})
    assert workers


def test_without_anything_to_compare_there_is_no_limit_to_choose(screen, store, cars) -> None:
    project, _, _ = cars
    assert "so there is no limit to choose yet" in plain(unfolded(screen, store, project, []))


def test_where_nothing_was_ever_compared_the_limit_sends_to_clean(screen, store, home) -> None:
    project = filled.scraped(store, home)
    of_before = [Finding(r.id, NEAR, 0.95, "pixels", "near") for r in list(store.images(project.id))[:2]]
    _, claim = filled.begin(store, project, "clean")  # of a version that kept no links
    store.replace_findings(claim, project.id, [NEAR], of_before)
    store.finish(claim, "done", {})
    shown = unfolded(screen, store, project, [])
    assert "There are pictures that were never compared" in plain(shown)


def test_undoing_an_undone_step_changes_nothing(store, cars) -> None:
    from pages.parts import grouped

    project, suvs, _ = cars
    done = operation(Decision(suvs[0], "reject", DUPLICATE))
    store.apply(project.id, done)
    for _ in range(2):
        grouped.take_back(project, done.id, "Ann")
    assert store.decision_count(project.id) == 2
    assert store.apply(project.id, undo(done.id, "Ann")).conflicts == (suvs[0],)


def test_one_picture_found_under_two_classes_is_given_one_of_them(screen, store, home) -> None:
    project = filled.scraped(store, home)
    one = next(iter(store.images(project.id)))
    _, claim = filled.begin(store, project, "scrape")
    store.add_candidates(claim, project.id, 0, [Candidate("/elsewhere/0.jpg", "coupe", "folder")])
    store.add_fetched(claim, project.id, [("/elsewhere/0.jpg", one.facts, "")])
    store.finish(claim, "done", {})
    found(store, project, (EXACT, [one.id]))
    shown = screen("duplicates", project="cars")
    assert shown.segmented_control(key="kind").options[1] == f"{copies.TITLES[CONFLICT]} · 1"
    assert "Found in different classes: coupe, sedan" in plain(shown)
    button(shown, "Keep as coupe").click().run()
    assert "Kept as coupe." in plain(shown)
    assert [(r.verdict, r.label) for r in store.images_by_id(project.id, [one.id])] == [("keep", "coupe")]
