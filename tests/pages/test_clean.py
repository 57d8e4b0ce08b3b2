"""The page Clean: how it is cleaned, what was noticed, where lines are drawn."""

from __future__ import annotations

import io
import json
from urllib.parse import parse_qs

import pytest
from PIL import Image

from core.clean import KINDS
from core.model import DUPLICATE, ClassInfo, Cleaning, Cropping, Decision, Finding, Measure
from pages.parts import cleaning, house, noticed
from tests.db.conftest import operation
from tests.pages import filled
from tests.pages.conftest import button, plain


def cleaned(store, project, found, borders=None):
    _, claim = filled.begin(store, project, "clean")
    records = [r.id for r in store.images(project.id)]
    store.add_measures(claim, project.id, 1, [Measure(i, {"dark": n / 40}, bytes(108)) for n, i in enumerate(records)])
    store.replace_findings(claim, project.id, [f.kind for f in found], found)
    store.set_cleaning(project.id, Cleaning(checked=store.newest_image(project.id)))
    result = {"borders": borders or {}, "about": "Pictures are compared by their colours.", "left_out": {}}
    store.finish(claim, "done", result)
    return records


def below(shown):
    """What stands below the pictures."""
    found = [one.caption for kind in ("imgs", "image") for images in shown.get(kind) for one in images.proto.imgs]
    return [caption.replace("\\", "") for caption in found]


def test_each_kind_stands_under_its_heading_with_its_number_and_a_way_to_the_review(screen, store, home):
    project = filled.scraped(store, home)
    ids = [r.id for r in store.images(project.id)]
    cleaned(store, project, [
        Finding(ids[0], "dark", 0.7, "measure"), Finding(ids[1], "label_issue", 0.9, "embedding", note="looks more like suv (80%) than coupe"),
        Finding(ids[2], "near_duplicate", 0.95, "x", "g"), Finding(ids[3], "near_duplicate", 0.95, "x", "g"),
    ])  # fmt: skip
    shown = screen("clean", project="cars")
    said = plain(shown)
    assert [heading.value for heading in shown.subheader] == ["Copies", "Classes", "The picture itself"]
    for words in ("Near copies** · 2 pictures, 1 group open", "Perhaps another class** · 1 picture, 1 undecided",
                  "Dark** · 1 picture, 1 undecided"):  # fmt: skip
        assert words in said
    assert "Pictures are compared by their colours." in said


def test_what_the_clean_of_a_split_said_is_shown_however_many_cleans_were_stopped_since(screen, store, home):
    project = filled.scraped(store, home)
    _, claim = filled.begin(store, project, "split")
    said = {"borders": {}, "about": "Colours and edges alone.", "left_out": {"suv": "Class 'suv' has only 2 photos."}}
    store.replace_findings(
        claim, project.id, ["dark"], [Finding(store.newest_image(project.id), "dark", 0.7, "measure")]
    )
    store.finish(claim, "done", {"split": 1, "left_out": {}, "clean": said})
    for _ in range(6):
        store.finish(filled.begin(store, project, "clean")[1], "stopped")
    shown = plain(screen("clean", project="cars"))
    assert "Colours and edges alone." in shown and "Class 'suv' has only 2 photos." in shown


def test_one_file_in_two_classes_is_shown_with_both(screen, store, home):
    project = filled.scraped(store, home)
    ids = [r.id for r in store.images(project.id)]
    cleaned(store, project, [
        Finding(ids[0], "label_conflict", 1.0, "x", "g", "the same photo is in coupe, sedan"),
        *(Finding(image, "label_conflict", 1.0, "x", "h", "the same photo is in coupe, sedan") for image in ids[1:3]),
    ])  # fmt: skip
    shown = screen("clean", project="cars")
    labels = {record.id: record.label for record in store.images(project.id)}
    assert sorted(below(shown)) == sorted(["coupe, sedan", labels[ids[1]], labels[ids[2]]])


def test_one_file_at_several_addresses_says_so_among_groups_too(screen, store, home):
    project = filled.scraped(store, home)
    ids = [r.id for r in store.images(project.id)]
    cleaned(store, project, [
        Finding(ids[0], "exact_duplicate", 1.0, "x", "g", "the best copy; at 3 addresses"),
        *(Finding(image, "exact_duplicate", 1.0, "x", "h") for image in ids[1:3]),
    ])  # fmt: skip
    labels = {record.id: record.label for record in store.images(project.id)}
    assert sorted(below(screen("clean", project="cars"))) == sorted(["at 3 addresses", labels[ids[1]], labels[ids[2]]])


def test_copies_say_which_of_their_groups_stand_under_another_kind_and_lead_to_the_rest(screen, store, home):
    project = filled.scraped(store, home)
    of: dict[str, list[int]] = {}
    for record in store.images(project.id):
        of.setdefault(record.label, []).append(record.id)
    (one, *ones), (other, *_) = of["sedan"], of["coupe"]
    copies = {
        ("near_duplicate", "torn"): [one, other],
        ("near_duplicate", "near"): ones[:3],
        ("exact_duplicate", "in it"): ones[:2],
    }
    cleaned(store, project, [Finding(i, kind, 1.0, "x", name) for (kind, name), some in copies.items() for i in some])
    shown = screen("clean", project="cars")
    said = plain(shown)
    assert "Near copies** · 5 pictures, 2 groups open, 1 of them in different classes" in said
    assert "Exact copies** · 2 pictures, 1 group open, in different classes or near copies" in said
    links = [parse_qs(one.proto.query_string) for one in shown.get("page_link") if one.proto.label == "Side by side"]
    assert [link.get("kind") for link in links] == [None, ["near_duplicate"]], (
        "the exact ones stand within a near group"
    )


def test_what_was_decided_is_settled(screen, store, home):
    project = filled.scraped(store, home)
    ids = [r.id for r in store.images(project.id)]
    cleaned(store, project, [
        *(Finding(i, "near_duplicate", 0.95, "x", "g") for i in ids[:2]), *(Finding(i, "dark", 0.7, "measure") for i in ids[2:5]),
        Finding(ids[5], "blurred", 0.7, "measure"),
    ])  # fmt: skip
    decisions = [Decision(ids[1], "reject", DUPLICATE), Decision(ids[2], "keep"), Decision(ids[5], "reject", "other")]
    store.apply(project.id, operation(*decisions))
    said = plain(screen("clean", project="cars"))
    for words in ("Near copies** · 2 pictures, :material/check: all settled", "Dark** · 3 pictures, 2 undecided",
                  "Blurred** · 1 picture, :material/check: all settled"):  # fmt: skip
        assert words in said


def test_the_pictures_on_either_side_of_a_line_are_shown_with_their_scores(screen, store, home):
    project = filled.scraped(store, home)
    ids = [r.id for r in store.images(project.id)]
    border = {"threshold": 0.6, "over": [ids[25]], "under": [ids[20], ids[19]]}
    cleaned(store, project, [Finding(ids[25], "dark", 0.625, "measure")], {"dark": border})
    shown = screen("clean", project="cars")
    said = plain(shown)
    assert "Where the line is drawn: from 0.60 on" in [panel.label for panel in shown.expander]
    assert "How dark its brightest spots are: 1 is black." in said
    assert "Just over 0.60: noticed" in said and "Just under 0.60: let pass" in said


def test_what_came_nearest_to_a_line_that_nothing_crossed_is_shown(screen, store, home):
    project = filled.scraped(store, home)
    ids = [r.id for r in store.images(project.id)]
    border = {"threshold": 0.95, "over": [], "under": [ids[30], ids[29]]}
    cleaned(store, project, [], {"dark": border})
    shown = screen("clean", project="cars")
    assert "Looked for and not found: dark" in [panel.label for panel in shown.expander]
    assert "Nearest to 0.95, from which on it is noticed" in plain(shown)
    assert set(below(shown)) == {"0.75", "0.72"}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_leads_into_the_review_with_its_own_filter(screen, store, home, kind):
    project = filled.scraped(store, home)
    ids = [r.id for r in store.images(project.id)]
    found = [Finding(i, kind, 0.97, "measure", "g" if kind in noticed.CHAPTERS["Copies"] else "") for i in ids[3:5]]
    cleaned(store, project, found)
    shown = screen("clean", project="cars")
    links = [parse_qs(link.proto.query_string) for link in shown.get("page_link")]
    [there] = [link for link in links if link.get("finding") == [kind]]
    filtered = screen("review", **{name: value for name, [value] in there.items()})
    grid = json.loads(filtered.get("bidi_component")[0].proto.json)
    assert grid["pages"]["0"]["ids"] == ids[3:5]


def test_on_examples_of_crops_what_lies_outside_is_dimmed():
    thumb = io.BytesIO()
    Image.new("RGB", (100, 50), (200, 0, 0)).save(thumb, "PNG")
    shown = house._cropped(thumb.getvalue(), 400, (0, 0, 200, 200))
    assert shown.size == (100, 50)
    assert shown.getpixel((10, 25)) == (200, 0, 0)
    assert shown.getpixel((90, 25)) != (200, 0, 0)


def test_what_nothing_was_found_of_is_not_a_heading():
    assert noticed.chapters({"dark": 2, "no_box": 1}) == [("Crops", ["no_box"]), ("The picture itself", ["dark"])]
    assert noticed.chapters({}) == []


def test_a_caption_says_what_fits_below_a_small_picture():
    issue = Finding(1, "label_issue", 0.9, "", note="looks more like suv (80%) than coupe (5%); 7 of the 10 are suv")
    assert noticed.caption(issue, "coupe") == "looks more like suv (80%)"
    assert noticed.caption(Finding(1, "dark", 0.7, ""), "coupe") == "0.70"
    assert noticed.caption(Finding(1, "no_box", 0.7, ""), "coupe") == "coupe"


def test_a_class_is_read_with_what_stands_above_it(store):
    project = store.add_project("cars", ["M3"], {"M3": ClassInfo(parents={"make": "BMW"})})
    assert cleaning.named(project, "M3") == "BMW M3"


def test_without_its_weights_a_detector_is_offered_but_not_chosen(screen, store, home):
    filled.scraped(store, home)
    shown = screen("clean", project="cars")
    assert shown.selectbox(key="detector-1").value == "none"
    assert "By their names, the classes should show: car, truck, bus. Its weights (6 MB) are downloaded" in plain(shown)
    button(shown, "Look for duplicates and faults").click().run()
    assert store.jobs(verb="clean")[0].params == {"embedder": "auto", "detector": "none"}


def test_with_its_weights_at_hand_a_detector_is_proposed_until_somebody_chose(screen, store, home):
    (home / "weights").mkdir()
    (home / "weights" / "yolov8n.pt").write_bytes(b"there")
    project = filled.scraped(store, home)
    shown = screen("clean", project="cars")
    assert shown.selectbox(key="detector-1").value == "yolo"
    assert shown.multiselect(key="want-1").value == ["car", "truck", "bus"]
    cleaned(store, project, [])
    assert screen("clean", project="cars").selectbox(key="detector-1").value == "none"
    store.set_cleaning(project.id, Cleaning(crop=Cropping("yolo", ("car",), 0.1)))
    again = screen("clean", project="cars")
    assert (again.multiselect(key="want-1").value, again.slider(key="margin-1").value) == (["car"], 10)


def test_a_detector_with_nothing_to_look_for_cannot_be_started(screen, store, home):
    project = filled.scraped(store, home)
    store.set_cleaning(project.id, Cleaning(crop=Cropping("yolo", ("car",))))
    shown = screen("clean", project="cars")
    shown.multiselect(key="want-1").set_value([]).run()
    assert button(shown, "Look for duplicates and faults").disabled
    assert "Name something that the detector shall look for, or choose none." in plain(shown)
