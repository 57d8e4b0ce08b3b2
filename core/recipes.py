"""Recipes by name and from text: the presets, what each choice may be, and what is wrong with one.

A recipe as text is the name of a preset or of a timm network, and what is to be otherwise:
`vgg75-bn`, `mobilenetv2_100:head=bn-dropout,train=half`, `simplecnn:size=64,augment=crop+flip,optimiser=sgd`.
In the place of these a name may stand under which a project keeps a recipe of its own. In a list `%2B` stands for a plus
that is no sign of it, `%2C` for a comma.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import unquote

from core.augment import AUGMENTATIONS
from core.backbones import BACKBONES
from core.errors import BadInput
from core.model import Recipe, SavedRecipe
from core.project import name as plain_name

HEADS = {
    "linear": "one layer on top of what the network sees",
    "bn-dropout": "two layers with batch norm and dropout between them",
    "logistic": "logistic regression, solved at once; the network stays as it is",
    "nearest-mean": "nearest class mean: works with a few pictures a class",
    "knn": "nearest neighbours: the classes of the 20 most similar training pictures",
}
BASELINES = ("logistic", "nearest-mean", "knn")  # heads that are computed, not trained in epochs
TRAIN = {
    "head": "the top alone: quick, the pictures go through the network once",
    "last-block": "the top and the network's last block",
    "half": "the top and the upper half of the network",
    "all": "everything, the lower layers in smaller steps",
}
OPTIMISERS = {
    "adamw": "Adam with weight decay apart from the gradient: a good first choice",
    "adam": "steps of their own size for each weight",
    "sgd": "plain steps with momentum: wants a rate ten to a hundred times as high",
    "rmsprop": "steps divided by the recent size of the gradient",
}
SCHEDULES = {
    "cosine": "a short rise, then down to 0 along half a cosine",
    "one-cycle": "up for a third of the time, then down to 0",
    "constant": "the same throughout, after a short rise",
    "plateau": "a tenth each time validation gets no better for half the patience",
}
WATCHED = {
    "loss": "how wrong and how sure of it the model is: the steadiest",
    "accuracy": "the share of pictures named rightly",
    "macro-f1": "each class counts the same, however many pictures it has",
}
BALANCES = {
    "weights": "pictures of small classes count more in the loss",
    "sampling": "pictures of small classes are shown more often",
    "none": "each picture counts the same",
}
MOST_EPOCHS = 100_000
SHARED = (
    "size",
    "gray",
    "share",
    "balance",
    "seed",
    "deterministic",
)  # what a baseline and a head that learns both have
OF_BASELINES = ("head", "train", "epochs", *SHARED)  # all that a baseline has
SEEDS = 2**32  # seeds there are, from 0: what every generator that is fed from it takes


NO_WORDS = "none"  # an empty list, as text
OURS = Recipe("")  # what is usual for a network of our own


@dataclass(frozen=True, slots=True)
class Preset:
    """A recipe that has proved itself, to begin with; every part of it may be changed."""

    about: str
    changes: Mapping[str, Any] = field(default_factory=dict)


# What a pretrained network needs to learn well; see tests/bench/README.md for how these were chosen.
FINE_TUNED: dict[str, Any] = {
    "epochs": 20, "lr": 1e-3, "layer_decay": 0.85, "weight_decay": 0.01, "patience": 5,
}  # fmt: skip
FROZEN: dict[str, Any] = {
    "epochs": 60, "lr": 2e-3, "layer_decay": 1.0, "batch": 64, "patience": 10, "augment": (),
}  # fmt: skip

# Without batch norm the usual rate is too high: nine layers from nothing stay at chance with it (see the same file), and
# of pretrained ones torchvision's reference recipes train VGG at a tenth of what the others get.
PLAIN_RATE = {"lr": 5e-4}
PLAIN_FINE_TUNED_RATE = {"lr": 1e-4}

PRESETS: dict[str, Preset] = {
    "vgg75": Preset("seven convolutions on 75 px, without batch norm: the plain one to compare with", PLAIN_RATE),
    "vgg100": Preset("the same on 100 px: finer, and half as fast", PLAIN_RATE),
    "vgg75-bn": Preset("with batch norm: learns faster and better; the quick half of the ensemble"),
    "vgg100-bn": Preset("with batch norm on 100 px; the fine half of the ensemble"),
    "simplecnn": Preset("two convolutions on 75 px: the least that can be called a network"),
    "cnn-gray-224": Preset("three convolutions with dropout on 224 px without colour: for shapes"),
    "cnn-gray-224-deep": Preset("the same with five convolutions"),
    "mobilenetv2_100": Preset("small and pretrained: the best on a laptop"),
    "resnet18": Preset("pretrained, the classic among the small ones"),
    "resnet50": Preset("pretrained, the classic; a GPU helps"),
    "efficientnet_b0": Preset("pretrained on 224 px: more accurate than its size suggests"),
    "vgg16": Preset("pretrained, large and slow: to compare with older work", PLAIN_FINE_TUNED_RATE),
    "legacy_xception": Preset("pretrained, on 448 px: for small differences; wants a GPU", {"size": 448}),
}  # fmt: skip


Saved = TypeVar("Saved")
NONE: Mapping[str, Recipe] = MappingProxyType({})


def read(text: str, saved: Mapping[str, Recipe] = NONE, **changes: Any) -> Recipe:
    """The recipe that `text` names, with `changes` on top (None = as it is).

    `saved`: name -> recipe, of those that were kept under one. They come first, and what is not changed of them stays,
    whatever of the network learns. Raises BadInput, with near names, for a backbone, an option or a value that there is
    not.
    """
    name, _, options = (part.strip() for part in text.partition(":"))
    own, begun = _options(options), named(name, saved)
    told = own | {key: value for key, value in changes.items() if value is not None}
    head = told.get("head", begun.head if begun else "")
    if head in BASELINES and (idle := [key for key in own if key not in OF_BASELINES]):
        raise BadInput(f"{idle[0]} changes nothing with head={head}, which is computed at once: leave it out.")
    for key in ("augment", "fixed_sides"):
        if isinstance(told.get(key), str):
            told[key] = _value(key, told[key], tuple)
        elif not isinstance(told.get(key, ()), (list, tuple)):
            raise BadInput(f"{key} = {told[key]!r} does not fit: a list of words was wanted.")
    if begun:
        return _changed(begun, told)
    preset = PRESETS.get(name)
    fields: dict[str, Any] = dict(preset.changes) if preset else {}
    if name not in BACKBONES:
        _of_timm(name, saved)
        fields = FINE_TUNED | fields
        if told.get("head") == "linear":  # its own
            told["head"] = ""
        if told.get("train") == "head" or told.get("head") in BASELINES:
            fields |= FROZEN | {"train": "head"}
        if told.get("head") in BASELINES:
            told["epochs"] = 1
        if told.get("scratch"):  # nothing learned that large steps could spoil
            fields |= {"layer_decay": OURS.layer_decay, "epochs": OURS.epochs, "patience": OURS.patience}
    recipe = Recipe(name, **(fields | told))
    check(recipe)
    return recipe


def _changed(recipe: Recipe, told: dict[str, Any]) -> Recipe:
    if told.get("head") == "linear" and recipe.backbone not in BACKBONES:
        told["head"] = ""
    if told.get("head") in BASELINES:
        told = {"train": "head"} | told | {"epochs": 1}
    elif "head" in told and recipe.head in BASELINES:  # nothing of it tells how to learn
        same: dict[str, Any] = {key: getattr(recipe, key) for key in SHARED}
        return read(recipe.backbone, **({**same, "train": "head"} | told))
    now = told.get("train", recipe.train)
    if now != recipe.train and "head" in (now, recipe.train):  # what a frozen network has none of
        usual = read(recipe.backbone, train=now)
        told = {"augment": usual.augment, "layer_decay": usual.layer_decay} | told
    recipe = replace(recipe, **told)
    check(recipe)
    return recipe


def named(text: str, saved: Mapping[str, Saved]) -> Saved | None:
    """Of those saved under a name the one with whose name `text` begins, in whatever case; None where it is no such name."""
    name = text.partition(":")[0].strip().casefold()
    return next((one for own, one in saved.items() if own.casefold() == name), None)


def by_name(saved: Sequence[SavedRecipe]) -> dict[str, Recipe]:
    """What `read` wants to know of the recipes that were kept."""
    return {one.name: one.recipe for one in saved}


def own_name(written: str) -> str:
    """A name under which a recipe may be kept, as it is kept: composed (NFC), single spaces.

    Raises BadInput for one that is empty or too long, holds ":" or what no name may hold, or names a preset or a network.
    """
    name = plain_name(written, "recipe's name")
    if ":" in name:
        raise BadInput(
            f"The recipe's name {name!r} holds ':', which begins what is to be otherwise: choose another one."
        )
    key = name.casefold()
    if key in PRESETS or key in BACKBONES or (re.fullmatch(r"[a-z0-9_.]+", key) and _in_timm(key)):
        raise BadInput(f"{name!r} is what a network is called already: choose another name.")
    return name


def written(recipe: Recipe) -> str:
    """The line of text that stands for the recipe: its name, and what differs from what is usual for that."""
    usual, told = read(recipe.name), []
    for each in dataclasses.fields(Recipe):
        value = getattr(recipe, each.name)
        if value == getattr(usual, each.name):
            continue
        if isinstance(value, tuple):
            value = "+".join(map(_escaped, value)) or NO_WORDS
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        told.append(f"{each.name}={value}")
    return f"{recipe.name}{',' if ':' in recipe.name else ':'}{','.join(told)}" if told else recipe.name


def _escaped(word: str) -> str:
    """A word of a list as `_value` reads it: what ends a word or an option there, and the word that stands for none, as in
    a URL (RFC 3986)."""
    if word == NO_WORDS:
        return f"%{ord(word[0]):02X}{word[1:]}"
    return re.sub(r"[%+,]", lambda sign: f"%{ord(sign[0]):02X}", word)


NOTHING = {"size": "its own", "head": "its own", "batch": "found", "ema": "none"}  # field -> what 0 or "" stands for


def as_read(field: str, value: Any) -> str:
    """What a field of a recipe holds, as a person reads it."""
    if field in NOTHING and not value:
        return NOTHING[field]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def spelled(text: str, saved: Mapping[str, Recipe]) -> str:
    """The text of a sweep's recipe without the name of a saved one, whose epochs and seed count no more than any others
    there."""
    if named(text, saved) is None or any(f"{key}=" in text.replace(" ", "") for key in ("epochs", "seed")):
        return text
    recipe = read(text, saved)
    usual = read(recipe.name)
    return written(replace(recipe, epochs=usual.epochs, seed=usual.seed))


def check(recipe: Recipe) -> None:
    """Raises BadInput for a value that cannot be trained with, in a sentence that says what was wanted."""
    for each in dataclasses.fields(Recipe):
        _of_kind(each.name, getattr(recipe, each.name), type(each.default) if each.name != "backbone" else str)
    ours = recipe.backbone in BACKBONES
    for key, known in (
        ("train", TRAIN), ("optimiser", OPTIMISERS), ("schedule", SCHEDULES), ("watch", WATCHED), ("balance", BALANCES),
    ):  # fmt: skip
        _one_of(key, getattr(recipe, key), known)
    if not ours:
        _of_timm(recipe.backbone)
    if recipe.head:
        _one_of("head", recipe.head, HEADS)
    if (ours or recipe.scratch) and (recipe.train != "all" or recipe.head in BASELINES):
        told = f"train={recipe.train}" if recipe.train != "all" else f"head={recipe.head}"
        raise BadInput(
            f"{told} would keep layers of {recipe.backbone} that have learned nothing: it is for pretrained networks,"
            " such as mobilenetv2_100."
        )
    if recipe.head in BASELINES and recipe.train != "head":
        raise BadInput(f"head={recipe.head} is computed on a frozen network: train=head was wanted.")
    for name in recipe.augment:
        _one_of("augment", name, AUGMENTATIONS)
    if recipe.augment and recipe.train == "head":
        raise BadInput(
            f"augment = {'+'.join(recipe.augment)} changes nothing with train=head, where the network looks at each picture"
            " once, as it is: leave it out, or let more of the network learn, such as train=last-block."
        )
    if recipe.layer_decay != 1 and (ours or recipe.train == "head"):
        raise BadInput(
            f"layer_decay = {recipe.layer_decay:g} changes nothing with {recipe.name}: it is for the lower layers of a"
            " pretrained network that learn as well."
        )
    for key, most in (("epochs", MOST_EPOCHS), ("patience", MOST_EPOCHS), ("batch", 65_536)):
        if getattr(recipe, key) > most:
            raise BadInput(f"{key} = {getattr(recipe, key)} is too many: at most {most:,} was wanted.")
    for key, least in (("epochs", 1), ("patience", 1), ("size", 0), ("batch", 0)):
        if getattr(recipe, key) < least:
            raise BadInput(f"{key} = {getattr(recipe, key)} is too few: at least {least} was wanted.")
    if recipe.batch == 1:
        raise BadInput("batch = 1 is too few: at least 2 was wanted, or 0 to have it found.")
    if recipe.deterministic and not recipe.batch and recipe.head not in BASELINES:
        raise BadInput("batch = 0 is found by what is fastest just now: with deterministic=yes a number was wanted.")
    if recipe.size > 1024:
        raise BadInput(f"size = {recipe.size} is too large: at most 1024 px was wanted.")
    if not 0 <= recipe.seed < SEEDS:
        raise BadInput(f"seed = {recipe.seed} is no seed: a whole number from 0 to {SEEDS - 1} was wanted.")
    if not recipe.lr > 0:
        raise BadInput(f"lr = {recipe.lr} does not train: a learning rate above 0 was wanted, such as 0.001.")
    for key in ("layer_decay", "share"):
        if not 0 < getattr(recipe, key) <= 1:
            raise BadInput(f"{key} = {getattr(recipe, key)} does not fit: above 0, and at most 1, was wanted.")
    for key in ("ema", "label_smoothing"):
        if not 0 <= getattr(recipe, key) < 1:
            raise BadInput(f"{key} = {getattr(recipe, key)} does not fit: from 0 to less than 1 was wanted.")
    if not recipe.weight_decay >= 0:
        raise BadInput(f"weight_decay = {recipe.weight_decay} does not fit: 0 or more was wanted.")


def _in_timm(name: str) -> bool:
    from core.weights import known

    try:
        known(name)
    except BadInput:
        return False
    return True


def _of_timm(name: str, saved: Mapping[str, Recipe] = NONE) -> None:
    """Raises BadInput, with near names of both kinds, where timm has no network of that name."""
    if name in PRESETS:  # asking timm takes seconds, once
        return
    from core.weights import known

    try:
        known(name)
    except BadInput as error:
        near = difflib.get_close_matches(name, {*BACKBONES, *PRESETS, *saved}, 3, 0.4)
        if near:
            raise BadInput(f"There is no backbone {name!r}: did you mean {' or '.join(near)}?") from None
        raise BadInput(f"There is no backbone {name!r} among Winnow's own, and {error}") from None


def _options(text: str) -> dict[str, Any]:
    """`head=linear,size=96` -> the fields, each as the kind that it is."""
    fields = {field.name: field for field in dataclasses.fields(Recipe) if field.name != "backbone"}
    told: dict[str, Any] = {}
    for option in filter(None, (part.strip() for part in text.split(","))):
        key, sign, value = option.partition("=")
        key = key.strip().replace("-", "_")
        if key not in fields or not sign:
            near = difflib.get_close_matches(key, fields, 1, 0.5)
            hint = f"did you mean {near[0]}=...?" if near else f"wanted one of {', '.join(fields)}."
            raise BadInput(f"A recipe has no option {option!r}: {hint}")
        told[key] = _value(key, value.strip(), type(fields[key].default))
    return told


def _value(key: str, text: str, kind: type) -> Any:
    if kind is tuple:
        return tuple(unquote(part.strip()) for part in text.split("+") if part.strip()) if text != NO_WORDS else ()
    if kind is bool:
        words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
        if text.lower() not in words:
            raise BadInput(f"{key} = {text!r} does not fit: yes or no was wanted.")
        return words[text.lower()]
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise BadInput(f"{key} = {text!r} does not fit: {wanted} was wanted.") from None


def _of_kind(key: str, value: Any, kind: type) -> None:
    """Raises BadInput for a value that is of another kind, as a file may hold it."""
    wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "a word", tuple: "a list of words"}[
        kind
    ]
    if kind is float:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    elif kind is tuple:
        fits = all(isinstance(word, str) for word in value)
    else:
        fits = type(value) is kind
    if not fits:
        raise BadInput(f"{key} = {value!r} does not fit: {wanted} was wanted.")


def _one_of(key: str, value: str, known: Mapping[str, str] | Sequence[str]) -> None:
    if value not in known:
        near = difflib.get_close_matches(value, list(known), 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"wanted one of {', '.join(known)}."
        raise BadInput(f"{key} = {value!r} is not known: {hint}")
