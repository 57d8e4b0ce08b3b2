"""How far a scrape is, without asking the store each time."""

from core.scrape import Tally


def test_a_tally_goes_on_from_what_an_earlier_attempt_stored():
    tally = Tally({("suv", "urls", "fetched", ""): 2, ("suv", "urls", "failed", "timeout"): 1})
    tally.found({("suv", "urls", "pending", ""): 3, ("sedan", "urls", "failed", "unknown class"): 1})
    tally.ended({("suv", "urls", "fetched", ""): 1, ("suv", "urls", "failed", "http 404"): 1}, [1000])
    assert (tally.total, tally.done) == (7, 6)
    result = tally.result()
    assert {name: result[name] for name in ("found", "fetched", "duplicate", "failed")} == {
        "found": 7, "fetched": 3, "duplicate": 0, "failed": 3}  # fmt: skip
    assert result["failures"] == {"timeout": 1, "unknown class": 1, "http 404": 1}
    assert result["classes"]["suv"] == {"fetched": 3, "duplicate": 0, "failed": 2, "pending": 1}
    assert tally.sentence() == "3 new, 0 already there, 3 failed"


def test_more_classes_than_a_page_can_show_are_summed_up():
    tally = Tally({(f"class {n}", "urls", "fetched", ""): 100 - n for n in range(80)})
    classes = tally.result()["classes"]
    assert len(classes) == 61 and classes["20 more classes"]["fetched"] == sum(100 - n for n in range(60, 80))
    assert sum(row["fetched"] for row in classes.values()) == tally.total


def test_classes_beyond_a_page_are_chosen_seldom_and_their_figures_are_those_of_now():
    tally = Tally({(f"class {n}", "urls", "pending", ""): 100 - n for n in range(80)})
    before = tally.detail()
    tally.ended({("class 0", "urls", "fetched", ""): 70, ("class 79", "urls", "failed", "http 404"): 5}, [])
    after = tally.detail()
    assert before["classes"].keys() == after["classes"].keys()
    assert after["classes"]["class 0"] == {"fetched": 70, "duplicate": 0, "failed": 0, "pending": 30}
    assert after["classes"]["20 more classes"]["failed"] == after["failed"] == 5


def test_speeds_fall_when_nothing_comes_any_more(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("core.scrape.tally.time.monotonic", lambda: now[0])
    tally = Tally({})
    for _ in range(10):
        now[0] += 1
        tally.ended({("suv", "urls", "fetched", ""): 5}, [1000] * 5)
    assert tally.detail()["images_per_second"] == 5
    now[0] += 5
    assert 1 < tally.detail()["images_per_second"] < 4
    now[0] += 20
    assert tally.detail()["images_per_second"] == tally.detail()["bytes_per_second"] == 0


def test_speeds_are_those_of_the_last_seconds():
    tally = Tally({})
    tally.ended({("suv", "urls", "fetched", ""): 50}, [2000] * 50)
    detail = tally.detail()
    assert detail["images_per_second"] > 0
    assert abs(detail["bytes_per_second"] - 2000 * detail["images_per_second"]) <= 200
