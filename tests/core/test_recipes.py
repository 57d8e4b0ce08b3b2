"""A recipe is a line of text; what it cannot be is answered with what it can."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from core.errors import BadInput
from core.model import Recipe
from core.recipes import BASELINES, PRESETS, as_read, check, own_name, read, spelled, written


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_recipe_that_can_be_trained(name: str) -> None:
    recipe = read(name)
    check(recipe)
    assert recipe.backbone == name and PRESETS[name].about


def test_the_classics_stand_under_their_exact_names_and_sizes() -> None:
    assert read("legacy_xception").size == 448
    assert {"resnet18", "resnet50", "vgg16", "efficientnet_b0", "mobilenetv2_100"} <= set(PRESETS)


def test_a_bare_name_of_timm_learns_everything_with_lower_rates_below() -> None:
    recipe = read("mobilenetv2_100")
    assert (recipe.head, recipe.train, recipe.scratch) == ("", "all", False) and recipe.layer_decay < 1
    assert read("mobilenetv2_100:head=linear,train=all") == recipe


def test_options_are_read_as_the_kind_they_are() -> None:
    recipe = read("simplecnn:size=64,lr=0.01,augment=crop+flip,gray=yes,optimiser=sgd")
    assert (recipe.size, recipe.lr, recipe.augment, recipe.gray, recipe.optimiser) == (
        64, 0.01, ("crop", "flip"), True, "sgd",
    )  # fmt: skip
    assert read("simplecnn:augment=none").augment == ()


def test_what_is_given_beside_the_text_wins_and_none_leaves_it() -> None:
    assert read("vgg75-bn:epochs=5", epochs=7, lr=None).epochs == 7


@pytest.mark.parametrize("head", BASELINES)
def test_a_baseline_stands_on_a_frozen_network_and_takes_one_epoch(head: str) -> None:
    recipe = read(f"resnet18:head={head}")
    assert (recipe.train, recipe.epochs, recipe.name) == ("head", 1, f"resnet18:head={head}")


def test_the_name_tells_what_network_it_is_and_reads_back() -> None:
    for text in (
        "vgg75-bn",
        "mobilenetv2_100:head=bn-dropout,train=half",
        "simplecnn:size=96,gray=yes",
        "resnet18:scratch=yes",
        "vgg75-bn:share=0.25",
        "resnet18:head=knn,share=0.125",
    ):
        assert read(text).name == text
        assert read(read(text).name) == read(text)
    assert read("vgg75-bn:lr=0.1").name == "vgg75-bn"  # how it is trained is told elsewhere


def test_a_recipe_of_the_first_release_is_read() -> None:
    old = {
        "backbone": "vgg75-bn", "epochs": 40, "batch": 32, "lr": 2e-3, "weight_decay": 1e-4, "patience": 8,
        "label_smoothing": 0.05, "augment": True, "class_weights": True, "seed": 0,
    }  # fmt: skip
    assert Recipe.stored(old) == Recipe("vgg75-bn")
    assert Recipe.stored(old | {"augment": False, "class_weights": False}) == Recipe(
        "vgg75-bn", augment=(), balance="none"
    )


def test_written_down_and_read_it_is_the_same() -> None:
    recipe = read("mobilenetv2_100:train=half,augment=crop,fixed_sides=left+right")
    assert Recipe.stored(asdict(recipe)) == recipe and recipe.fixed_sides == ("left", "right")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vgg57-bn", r"'vgg57-bn'.*did you mean vgg75-bn"),
        ("mobilenet_v2", r"'mobilenet_v2'.*did you mean mobilenetv2_100"),
        ("qqqqq", r"no backbone 'qqqqq'"),
        ("vgg75:sice=3", r"'sice=3'.*did you mean size"),
        ("vgg75:size", r"'size'.*did you mean size="),
        ("vgg75:size=big", r"size = 'big'.*whole number"),
        ("vgg75:lr=fast", r"lr = 'fast'.*a number"),
        ("vgg75:gray=perhaps", r"gray = 'perhaps'.*yes or no"),
        ("vgg75:optimiser=adamv", r"optimiser = 'adamv'.*did you mean adam"),
        ("vgg75:augment=crop+flop", r"augment = 'flop'.*flip"),
        ("vgg75:train=half", r"train=half.*vgg75.*learned nothing"),
        ("vgg75:head=knn", r"head=knn.*vgg75.*learned nothing"),
        ("resnet18:scratch=yes,train=head", r"train=head.*resnet18.*learned nothing"),
        ("resnet18:head=round", r"head = 'round'.*linear"),
        ("resnet18:epochs=0", r"epochs = 0"),
        ("resnet18:batch=1", r"batch = 1"),
        ("resnet18:batch=0,deterministic=yes", r"batch = 0 is found"),
        ("resnet18:lr=0", r"lr = 0"),
        ("resnet18:lr=nan", r"lr = nan"),
        ("resnet18:ema=1", r"ema = 1"),
        ("resnet18:layer_decay=0", r"layer_decay = 0"),
        ("vgg75:share=0", r"share = 0.0 does not fit: above 0, and at most 1, was wanted"),
        ("vgg75:share=1.5", r"share = 1.5 does not fit"),
        ("vgg75:share=nan", r"share = nan does not fit"),
        ("resnet18:weight_decay=-1", r"weight_decay = -1"),
        ("resnet18:size=100000", r"size = 100000"),
        ("resnet18:seed=-1", r"seed = -1"),
        ("resnet18:train=head,augment=mixup", r"augment = mixup changes nothing with train=head"),
        ("resnet18:head=knn,lr=0.1", r"lr changes nothing with head=knn"),
        ("resnet18:train=head,layer_decay=0.9", r"layer_decay = 0.9 changes nothing"),
        ("vgg75:layer_decay=0.9", r"layer_decay = 0.9 changes nothing"),
        ("vgg75:epochs=9999999999", r"epochs = 9999999999 is too many"),
    ],
)
def test_what_cannot_be_is_answered_with_what_was_wanted(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read(text)


# recipes that were kept under a name --------------------------------------------------------------------------------

SAVED = {
    "mine": read("mobilenetv2_100:train=half,head=bn-dropout,lr=0.01,epochs=7"),
    "look": read("simplecnn:gray=yes"),
}


def test_a_saved_recipe_keeps_what_is_not_changed_of_it() -> None:
    assert read("mine", SAVED) == read(" mine : ", SAVED) == SAVED["mine"]
    assert read("mine:lr=0.1", SAVED, seed=3) == replace(SAVED["mine"], lr=0.1, seed=3)
    assert read("mine:train=head", SAVED) == replace(SAVED["mine"], train="head", augment=(), layer_decay=1.0)
    assert read("mine:head=linear", SAVED).head == ""
    assert read("mine:head=knn", SAVED).name == "mobilenetv2_100:head=knn"


def test_pictures_are_changed_where_more_learns_than_the_head() -> None:
    saved = {"top": read("mobilenetv2_100:train=head"), "mixed": read("mobilenetv2_100:augment=mixup")}
    assert saved["top"].augment == () == read("mobilenetv2_100:head=knn").augment
    assert read("top:train=all", saved).augment == read("mobilenetv2_100").augment != ()
    assert read("mixed:train=half", saved).augment == ("mixup",)
    assert read("top:train=half", saved) == read(
        "mobilenetv2_100:train=half", epochs=60, lr=2e-3, batch=64, patience=10
    )
    assert read("mixed:train=head", saved).augment == () == read("mixed:head=logistic", saved).augment


def test_a_baseline_has_one_epoch_whatever_is_said_for_all_recipes() -> None:
    saved = {"top": read("mobilenetv2_100:train=head")}
    assert (
        read("mobilenetv2_100:head=knn", epochs=8)
        == read("mobilenetv2_100:head=knn")
        == read("top:head=knn", saved, epochs=8)
    )


def test_a_frozen_recipe_of_an_earlier_release_is_the_same_as_todays() -> None:
    today = read("mobilenetv2_100:train=head")
    assert Recipe.stored(asdict(today) | {"augment": ["crop", "flip", "colour"]}) == today


def test_a_saved_recipe_is_found_in_whatever_case_its_name_is_written() -> None:
    assert read("MINE:lr=0.1", SAVED) == read("mine:lr=0.1", SAVED)
    assert read("straße", {"STRASSE": SAVED["look"]}) == SAVED["look"]


@pytest.mark.parametrize("train", ["head", "half"])
def test_a_saved_baseline_with_another_head_learns_as_is_usual_for_that(train: str) -> None:
    saved = {"near": read("mobilenetv2_100:head=knn,size=96")}
    usual = read(f"mobilenetv2_100:train={train},head=bn-dropout,size=96")
    assert read(f"near:train={train},head=bn-dropout", saved) == usual
    assert read("near:head=linear", saved) == read("mobilenetv2_100:train=head,size=96")
    grey = read("mobilenetv2_100:head=knn,gray=yes,seed=7,balance=none")
    assert read("grey:head=linear", {"grey": grey}) == read("mobilenetv2_100:train=head,gray=yes,seed=7,balance=none")


def test_a_number_that_no_computer_holds_is_refused() -> None:
    with pytest.raises(BadInput, match="lr = 1000.* does not fit: a number"):
        read("vgg75", lr=10**400)


def test_near_names_of_an_unknown_one_are_looked_for_among_the_saved_ones_too() -> None:
    with pytest.raises(BadInput, match="There is no backbone 'mime': did you mean mine"):
        read("mime", SAVED)
    with pytest.raises(BadInput, match=r"lr=\.\.\."):
        read("mine:lrr=1", SAVED)
    with pytest.raises(BadInput, match="There is no backbone 'mine'"):
        read("mine")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "is empty: wanted 1 to 100 characters"),
        ("   ", "is empty"),
        ("a:b", "holds ':'"),
        ("a/b", "holds '/'"),
        ("x" * 101, "has 101 characters: wanted at most 100"),
        ("vgg75-bn", "is what a network is called already"),
        ("VGG75", "is what a network is called already"),
        ("cnn-gray-224", "is what a network is called already"),
        ("convnext_tiny", "is what a network is called already"),
        ("ConvNeXt_tiny.fb_in22k", "is what a network is called already"),
    ],
)
def test_a_name_that_no_recipe_of_ones_own_can_have_is_one_sentence(name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        own_name(name)
    assert "\n" not in str(caught.value)


def test_a_name_is_kept_with_single_spaces() -> None:
    assert own_name("  quick   look ") == "quick look"
    assert own_name("vgg75, but slower") == "vgg75, but slower"


@pytest.mark.parametrize(
    "text",
    [
        "vgg75",
        "simplecnn:size=64,epochs=3,augment=crop+flip",
        "simplecnn:augment=none,fixed_sides=left+right",
        "mobilenetv2_100:head=bn-dropout,train=half,optimiser=sgd,lr=0.01",
        "mobilenetv2_100:train=head",
        "resnet18:head=knn",
        "resnet18:scratch=yes,deterministic=yes",
        "legacy_xception",
    ],
)
def test_a_recipe_is_written_as_a_line_that_reads_back(text: str) -> None:
    assert read(written(read(text))) == read(text)


@pytest.mark.parametrize("name", ["left, worn", "a+b", "none", "100%", "%2B", "a=b", "Škoda: new", "nonesuch"])
def test_a_class_is_read_back_whatever_signs_its_name_has(name: str) -> None:
    recipe = read("simplecnn", fixed_sides=[name, "other"])
    assert read(written(recipe)) == recipe
    recipe = read("simplecnn", fixed_sides=[name])
    assert read(written(recipe)) == recipe


def test_values_are_written_as_a_person_reads_them() -> None:
    told = [as_read(*each) for each in (("size", 0), ("size", 96), ("gray", False), ("lr", 0.001), ("augment", ()))]
    assert told == ["its own", "96", "no", "0.001", "none"]


def test_a_sweep_gets_what_a_saved_name_stands_for_without_its_epochs() -> None:
    assert spelled("vgg75:lr=0.1", SAVED) == "vgg75:lr=0.1"
    assert spelled("mine:batch=4", SAVED) == "mobilenetv2_100:head=bn-dropout,train=half,batch=4,lr=0.01"
    assert spelled("Look", SAVED) == "simplecnn:gray=yes"
    assert spelled("look:epochs=3", SAVED) == "look:epochs=3"  # which the sweep refuses
    assert spelled("look:seed=3", SAVED) == "look:seed=3"
    assert spelled("look", {"look": replace(SAVED["look"], seed=3)}) == "simplecnn:gray=yes"
    comma = {"a": replace(SAVED["look"], fixed_sides=("left, worn",))}
    assert read(spelled("a", comma)).fixed_sides == ("left, worn",)
