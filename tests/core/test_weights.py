"""Pretrained weights: taken from the folder first, refused where a byte is wrong, and missed in words one can act on."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.errors import BadInput, Damaged, Missing
from core.weights import known, local, tensors, timm_file, timm_network
from tests.pretrained import SMALL, drawn_by_lot, no_hub


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_hub(tmp_path / "hub", monkeypatch)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return drawn_by_lot(SMALL, tmp_path / "weights")


def test_the_first_file_that_is_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    (tmp_path / "c").touch()
    (tmp_path / "a").mkdir()
    assert local(tmp_path, "a", "b", "c") == tmp_path / "b"


def test_without_a_folder_or_a_file_there_is_none(tmp_path: Path) -> None:
    assert local(None, "a") is None and local(tmp_path, "a") is None and local(tmp_path / "no", "a") is None


def test_a_network_is_built_from_the_folder_without_its_classifier(small: Path) -> None:
    file = timm_file(SMALL, small.parent)
    net = timm_network(SMALL, file)
    assert file == small and not net.training
    assert net(torch.zeros(2, 3, 96, 96)).shape == (2, 256)
    assert torch.equal(net.get_parameter("conv_stem.weight"), load_file(small)["conv_stem.weight"])


def test_a_file_may_bear_the_name_without_the_usual_tag(small: Path) -> None:
    plain = small.rename(small.with_name("test_efficientnet.safetensors"))
    assert timm_file(SMALL, small.parent) == plain
    tagged = plain.rename(small)
    assert timm_file("test_efficientnet", small.parent) == tagged


def test_a_file_of_another_training_is_not_taken_for_this_one(tmp_path: Path) -> None:
    (tmp_path / "mobilenetv3_large_100.safetensors").touch()  # that is the tag ra_in1k
    with pytest.raises(Missing, match=r"put mobilenetv3_large_100\.miil_in21k\.safetensors into the folder"):
        timm_file("mobilenetv3_large_100.miil_in21k", tmp_path)


def test_the_sentence_says_which_file_to_put_where_and_comes_soon(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(Missing) as raised:
        timm_file("vit_small_patch14_dinov2.lvd142m", tmp_path)
    assert time.monotonic() - started < 20
    assert str(raised.value) == (
        "The weights of 'vit_small_patch14_dinov2.lvd142m' are not here and could not be downloaded: put "
        f"vit_small_patch14_dinov2.lvd142m.safetensors into the folder that WINNOW_WEIGHTS names ({tmp_path}); "
        "https://huggingface.co/timm/vit_small_patch14_dinov2.lvd142m has it as model.safetensors."
    )


def test_a_hub_that_keeps_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.weights.HUB_SECONDS", 0.3)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda *_args, **_more: time.sleep(30))
    started = time.monotonic()
    with pytest.raises(Missing):
        timm_file("mobilenetv2_100", None)
    assert time.monotonic() - started < 10


def test_offline_the_hub_is_not_asked_at_all() -> None:
    code = """
import socket
def forbidden(*args, **more): raise SystemExit("the network was asked")
socket.getaddrinfo = socket.create_connection = forbidden
from core.errors import Missing
from core.weights import timm_file
try: timm_file("mobilenetv2_100", None)
except Missing as error: print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": "/nowhere", "PATH": ""}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert "put mobilenetv2_100.safetensors into the folder" in done.stdout, done.stderr
    assert "offline" in done.stderr.lower()


def test_what_the_hub_brought_before_is_used_without_asking(small: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--timm--test_efficientnet.r160_in1k" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("1")
    kept = small.rename(snapshot / "model.safetensors")
    assert timm_file(SMALL, None) == kept


@pytest.mark.parametrize("name", ["mobilnetv2_100", "mobilenetv2_100.nothing"])
def test_an_unknown_name_is_answered_with_near_ones(name: str) -> None:
    with pytest.raises(BadInput, match=r"did you mean .*mobilenetv2_100"):
        known(name)


def test_a_file_cut_short_is_refused(small: Path) -> None:
    small.write_bytes(small.read_bytes()[:-1000])
    with pytest.raises(Damaged, match=f"{small} is no whole safetensors file"):
        timm_network(SMALL, small)


def test_a_pickle_is_refused_and_never_run(small: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "sprung",)

    small.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(Damaged, match="is no whole safetensors file"):
        timm_network(SMALL, small)
    torch.save(Trap(), small)
    with pytest.raises(Damaged, match="is no whole safetensors file"):
        tensors(small)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("change", ["gone", "more", "shape"])
def test_weights_that_do_not_fit_to_the_last_tensor_are_refused(small: Path, change: str) -> None:
    held = load_file(small)
    if change == "more":
        held["another"] = torch.zeros(1)
    else:
        was = held.pop("blocks.0.0.conv.weight")
        held |= {"blocks.0.0.conv.weight": was[:-1].contiguous()} if change == "shape" else {}
    save_file(held, small)
    with pytest.raises(
        Damaged, match=r"does not hold the weights of 'test_efficientnet.r160_in1k': .*(blocks\.0\.0|another)"
    ):
        timm_network(SMALL, small)


def test_real_weights_fit(test_data: Path) -> None:
    net = timm_network("mobilenetv2_100", timm_file("mobilenetv2_100", test_data / "weights"))
    assert net(torch.zeros(1, 3, 224, 224)).shape == (1, 1280)
