"""YOLO: it finds the car, it leaves no trace on the machine, and a file that is a program is never run."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.detectors.names import NAMES
from core.detectors.yolo import FILE, Yolo, check
from core.errors import Damaged
from tests.core.detectors.hostile import Evil, archive

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def weights(folder: Callable[[str], Path]) -> Path:
    return folder("yolo")


def test_it_finds_the_car_where_it_stands(weights: Path, test_data: Path) -> None:
    photo = Image.open(test_data / "data" / "seat" / "seat_arona" / "seat_arona_007.jpg").convert("RGB")
    (car, *others), *_ = Yolo(weights, CPU, 1).detect([np.array(photo)])
    left, top, right, bottom = (at / side for at, side in zip(car.box, photo.size * 2, strict=True))
    assert (car.label, others) == ("car", []) and car.score > 0.8
    assert (left, top, right, bottom) == pytest.approx((0.1, 0.16, 0.92, 0.87), abs=0.05)


def test_the_names_are_those_of_the_network(weights: Path) -> None:
    assert tuple(Yolo(weights, CPU, 1)._net.names.values()) == tuple(NAMES)


def test_half_precision_moves_no_box(weights: Path, test_data: Path) -> None:
    files = sorted((test_data / "data" / "seat" / "seat_arona").glob("*.jpg"))[:6]
    photos = [np.array(Image.open(file).convert("RGB")) for file in files]
    sees = Yolo(weights, CPU, 1)
    answers = []
    for sees._half in (None, torch.bfloat16):
        answers.append([found[0] for found in sees.detect(photos)])
    for whole, half in zip(*answers, strict=True):
        assert half.box == pytest.approx(whole.box, abs=5)
        assert half.score == pytest.approx(whole.score, abs=0.03)


def test_it_writes_nothing_says_nothing_asks_nobody_and_changes_no_setting(weights: Path, tmp_path: Path) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    script = textwrap.dedent("""
        import logging, os, socket, subprocess, sys, threading
        from pathlib import Path
        import numpy as np, torch
        from PIL import Image

        def nobody(*args, **kwargs):
            os.write(2, b"asked the network, or started a program")
            os._exit(3)

        socket.socket.connect = socket.getaddrinfo = subprocess.Popen = os.system = nobody

        def state():
            torchs = "TORCHINDUCTOR_CACHE_DIR"  # which torch sets by itself
            here = {key: value for key, value in os.environ.items() if key != torchs}
            return here, torch.save, Image.open, np.get_printoptions(), logging.root.handlers[:]

        before = state()
        from core.detectors import detector
        sees = detector("yolo", Path(sys.argv[1]), torch.device("cpu"), 1)
        sees.detect([np.zeros((64, 64, 3), np.uint8)])
        assert state() == before
        assert threading.active_count() == 1
    """)
    env = {"HOME": str(home), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script, str(weights)], cwd=here, env=env, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path for folder in (home, here) for path in folder.rglob("*")] == []
    left = {path.name for path in tmp_path.iterdir() if not path.name.startswith("torchinductor")}
    assert left == {"here", "home"}, "no temporary file is left"


def test_the_restricted_loader_is_on_even_where_ultralytics_was_imported_before(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import ultralytics.nn.tasks as tasks
        assert not tasks.SAFE_LOAD
        from core.detectors.yolo import _ultralytics
        _ultralytics()
        assert tasks.SAFE_LOAD
        tasks.torch_safe_load({str(tmp_path / "evil.pt")!r})
    """)
    marker = tmp_path / "marker"
    archive(tmp_path / "evil.pt", pickle.dumps({"model": Evil(marker)}, protocol=2))
    env = {"YOLO_CONFIG_DIR": str(tmp_path), "YOLO_OFFLINE": "1", "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert "outside the supported Ultralytics checkpoint format" in done.stderr
    assert not marker.exists()


def test_a_program_beside_the_parts_of_a_real_network_is_named_and_refused(weights: Path, tmp_path: Path) -> None:
    marker, file = tmp_path / "marker", tmp_path / FILE
    evil = pickle.dumps(Evil(marker), protocol=2)
    with zipfile.ZipFile(weights / FILE) as real, zipfile.ZipFile(file, "w") as fake:
        for one in real.namelist():
            data = real.read(one)
            if one.endswith("data.pkl"):  # runs first, is thrown away, and the network follows
                data = evil[:-1] + b"0" + data[2:]
            fake.writestr(one, data)
    with pytest.raises(Damaged, match=r"is refused and was not loaded: a YOLO network has no use for posix\.mkdir"):
        Yolo(tmp_path, CPU)
    assert not marker.exists()


def test_a_pickle_that_hides_its_names_is_refused(tmp_path: Path) -> None:
    archive(tmp_path / FILE, pickle.dumps(Evil(tmp_path / "marker"), protocol=4))
    with pytest.raises(Damaged, match="names made up while it is read"):
        check(tmp_path / FILE)


def test_a_second_pickle_in_the_file_is_refused(weights: Path, tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_bytes((weights / FILE).read_bytes())
    with zipfile.ZipFile(file, "a") as archived:
        archived.writestr("other/data.pkl", pickle.dumps([]))
    with pytest.raises(Damaged, match="is no YOLO network that finds things"):
        check(file)


def test_the_right_names_alone_make_no_network(tmp_path: Path) -> None:
    archive(tmp_path / FILE, b"\x80\x02cultralytics.nn.tasks\nDetectionModel\n.")
    check(tmp_path / FILE)
    with pytest.raises(Damaged, match="could not be loaded as a YOLO network"):
        Yolo(tmp_path, CPU)


def test_one_flipped_byte_in_the_weights_is_noticed(weights: Path, tmp_path: Path) -> None:
    data = bytearray((weights / FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(Damaged, match=r"is damaged, at \S+: get it again from https://"):
        check(tmp_path / FILE)


def test_a_folder_under_that_name_is_missing_weights_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(Damaged, match="is no YOLO network"):
        check(tmp_path / FILE)


def test_a_file_that_would_fill_the_memory_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.detectors.yolo.BYTES_MAX", 2**20)
    with zipfile.ZipFile(tmp_path / FILE, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("archive/data.pkl", bytes(2**20 + 1))
    assert (tmp_path / FILE).stat().st_size < 2000
    with pytest.raises(Damaged, match="more than a gigabyte"):
        check(tmp_path / FILE)
