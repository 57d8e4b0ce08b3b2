"""Archives: labels as in folders, nothing written outside, and limits for what is made to do harm."""

import fcntl
import io
import os
import struct
import tarfile
import threading
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.sources import archive, folder
from core.sources.archive import entry
from core.sources.options import Options
from core.web import LIMIT

SUFFIXES = [".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"]
MODES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}
NOISE = bytes(i * i % 251 for i in range(4000))


def packed(path, *names, data=b"picture of "):
    """An archive of the kind that its name says, in which each file holds `data` and its own name."""
    contents = [(name, data + name.encode("utf-8", "surrogateescape")) for name in names]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, body in contents:
                file.writestr(name, body)
    else:
        with tarfile.open(path, MODES["".join(path.suffixes)]) as file:
            for name, body in contents:
                info = tarfile.TarInfo(name)
                info.size = len(body)
                file.addfile(info, io.BytesIO(body))
    return path


def read(path, work=None):
    work = work or path.parent / "work"
    return list(archive.read(Options(path=str(path), images=str(work))))


def outcome(path):
    """Name inside -> error, of each file in the archive."""
    return {c.url.partition("!/")[2]: c.error for c in read(path)}


def written(tmp_path):
    """The files below the folder, besides the archive's own work folder."""
    return {path.name for path in tmp_path.rglob("*") if path.is_file() and "work" not in path.parts}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_kind_brings_the_same_files_labels_and_bytes(tmp_path, suffix):
    path = packed(tmp_path / f"cars{suffix}", "train/sedan/1.jpg", "val/suv/front/2.jpg", "coupe/3.jpg", "4.jpg")
    found = read(path)
    assert [(c.url, c.label, c.part, c.source, c.error) for c in found] == [
        (f"{path}!/train/sedan/1.jpg", "sedan", "train", "archive", ""),
        (f"{path}!/val/suv/front/2.jpg", "front", "val", "archive", ""),
        (f"{path}!/coupe/3.jpg", "coupe", "", "archive", ""), (f"{path}!/4.jpg", "cars", "", "archive", "")]  # fmt: skip
    assert [archive.local(c.url, tmp_path / "work").read_bytes() for c in found] == [
        b"picture of " + c.url.partition("!/")[2].encode() for c in found]  # fmt: skip


@pytest.mark.parametrize("names", [
    ["cars/train/sedan/1.jpg", "cars/test/suv/2.jpg"], ["cars/train/sedan/1.jpg", "cars/read.me"],
    ["cars/train/sedan/1.jpg", "read.me"], ["train/test/sedan/1.jpg"], ["cars/sedan/1.jpg", "cars/suv/2.jpg"],
    ["cars/all/train/sedan/1.jpg"], ["cars/test/1.jpg"], ["sedan/1.jpg"], ["train/1.jpg"], ["1.jpg"],
    ["cars/train/sedan/1.jpg", ".DS_Store", "__MACOSX/cars/._1.jpg"], ["train/sedan/1.jpg", "train/2.jpg"],
])  # fmt: skip
def test_an_archive_is_labelled_as_the_folder_that_it_unpacks_to(tmp_path, names):
    path = packed(tmp_path / "set.zip", *names)
    with zipfile.ZipFile(path) as file:
        file.extractall(tmp_path / "set")
    (tmp_path / "set" / "__MACOSX").is_dir() and (tmp_path / "set" / "__MACOSX").rename(tmp_path / "set" / ".macosx")
    plain = folder.read(Options(path=str(tmp_path / "set")))
    assert sorted((os.path.basename(c.url), c.label, c.part, c.error) for c in read(path)) == sorted(
        (os.path.basename(c.url), c.label, c.part, c.error) for c in plain)  # fmt: skip


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "..\\x", "C:\\x", "a/..", "/", "./"])
def test_no_name_leads_out_of_the_work_folder(tmp_path, suffix, name):
    inside = tmp_path / "here"
    inside.mkdir()
    path = packed(inside / f"set{suffix}", "a/1.jpg", name)
    before = written(tmp_path)
    found = read(path)
    assert [c.error for c in found][:1] == [""] and {c.error for c in found[1:]} <= {"unsafe name"}
    assert name in ("/", "./", "a/..") or len(found) == 2
    assert written(tmp_path) == before
    assert all(each.resolve().is_relative_to(inside) for each in inside.rglob("*"))


def test_links_and_devices_of_a_tar_are_failures(tmp_path):
    path = tmp_path / "set.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        for name, kind in (("soft", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE),
                           ("disk", tarfile.BLKTYPE), ("tty", tarfile.CHRTYPE), ("dir", tarfile.DIRTYPE)):  # fmt: skip
            info = tarfile.TarInfo(f"a/{name}")
            info.type, info.linkname = kind, "/etc/passwd"
            file.addfile(info)
        info = tarfile.TarInfo("a/soft/below")
        info.size = 1
        file.addfile(info, io.BytesIO(b"x"))
    link, special = "link in the archive", "not a regular file"
    assert outcome(path) == {
        "a/soft": link, "a/hard": link, "a/pipe": special, "a/disk": special, "a/tty": special, "a/soft/below": ""}  # fmt: skip
    assert not [each for each in tmp_path.rglob("*") if each.is_symlink() or not (each.is_file() or each.is_dir())]


def test_links_encrypted_entries_and_unknown_compression_of_a_zip_are_failures(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, mode in (("soft", 0o120777), ("pipe", 0o010644), ("plain", 0o100644)):
            info = zipfile.ZipInfo(f"a/{name}")
            info.external_attr = mode << 16
            file.writestr(info, "/etc/passwd")
        file.writestr("a/secret", "hidden")
        file.writestr("a/bz2", NOISE, zipfile.ZIP_BZIP2)
    data = bytearray(path.read_bytes())
    for name, ahead in ((b"a/secret", 24), (b"a/secret", 38)):  # the flags, in the file's own header and in the list
        at = data.index(name) if ahead == 24 else data.rindex(name)
        data[at - ahead] |= 1
    path.write_bytes(data)
    assert outcome(path) == {"a/soft": "link in the archive", "a/pipe": "not a regular file", "a/plain": "",
                             "a/secret": "encrypted", "a/bz2": "unknown compression"}  # fmt: skip


def test_a_bomb_of_200_kb_is_a_failure_beside_the_good_ones(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/1.jpg", NOISE)
        file.writestr("a/bomb", bytes(200_000_000))
        file.writestr("a/flat.bmp", bytes(900_000))  # a drawing in one colour packs as tightly, and does no harm
        file.writestr("a/large", os.urandom(1000) * 21_000, zipfile.ZIP_STORED)
    assert outcome(path) == {"a/1.jpg": "", "a/bomb": "packed too tightly", "a/flat.bmp": "", "a/large": "too large"}
    kept = [each for each in (tmp_path / "work").rglob("*") if each.is_file() and each.suffix == ""]
    assert sum(each.stat().st_size for each in kept) < 1_000_000


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.xz", ".tar.bz2"])
def test_a_packed_tar_that_grows_a_hundredfold_is_refused_and_leaves_nothing(tmp_path, suffix):
    path = tmp_path / f"bomb{suffix}"
    with tarfile.open(path, MODES[suffix]) as file:
        for number in range(50):
            info = tarfile.TarInfo(f"a/{number}")
            info.size = 4_000_000
            file.addfile(info, io.BytesIO(bytes(4_000_000)))
    assert path.stat().st_size < 250_000
    with pytest.raises(BadInput, match="bomb.* unpacks to more than 100 times its size"):
        read(path)
    assert sorted(each.name for each in (tmp_path / "work").glob("*/*")) == ["lock"]


def test_a_zip_of_many_small_bombs_is_refused_and_leaves_nothing(tmp_path):
    path, flat = tmp_path / "set.zip", bytes(1_000_000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(200):
            file.writestr(f"a/{number}.bmp", flat)
    assert path.stat().st_size < 250_000
    with pytest.raises(BadInput, match="set.zip .*unpacks to more than 100 times its size"):
        read(path)
    assert [each.name for each in (tmp_path / "work").glob("*/*")] == ["lock"]


def test_the_entries_of_a_zip_cannot_share_their_bytes(tmp_path):
    """A list that names one packed file many times unpacks to any size (David Fifield, 2019)."""
    path, body = tmp_path / "set.zip", zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = body.compress(bytes(900_000)) + body.flush()
    path.write_bytes(listing([b"a/%d" % n for n in range(1000)], stream, 900_000, zlib.crc32(bytes(900_000))))
    assert [c.error for c in read(path)] == ["", *["damaged in the archive"] * 999]


def listing(names, stream=b"", size=0, crc=0, method=8, count=None):
    """A zip file with one packed stream, which its list names under each of the names."""
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, method, 0, 33, crc, len(stream), size, len(names[0]), 0)
    parts, at = [local, names[0], stream], len(local) + len(names[0]) + len(stream)
    rows = [struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, method, 0, 33, crc, len(stream), size, len(name), 0, 0, 0, 0,
                        0, 0) + name for name in names]  # fmt: skip
    length = sum(map(len, rows))
    count = len(names) if count is None else count
    wide = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, at)
    where = struct.pack("<4sIQI", b"PK\6\7", 0, at + length, 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return b"".join([*parts, *rows, wide, where, end])


def test_a_zip_with_more_than_a_million_entries_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "set.zip"
    path.write_bytes(listing([b"a"] * 1_000_001, method=0))
    began = time.monotonic()
    with pytest.raises(BadInput, match="more than 1,000,000 entries"):
        read(path)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_entries_are_counted_whatever_the_archive_says_of_itself(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr(entry, "ENTRIES", 10)
    path = packed(tmp_path / f"set{suffix}", *(f"a/{n}.jpg" for n in range(11)))
    with pytest.raises(BadInput, match="more than 10 entries"):
        read(path)
    assert len(read(packed(tmp_path / f"ten{suffix}", *(f"a/{n}.jpg" for n in range(10))), tmp_path / "ten")) == 10


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_all_bytes_together_have_a_limit(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr(entry, "TOTAL", 20_000)
    path = packed(tmp_path / f"set{suffix}", *(f"a/{n}.jpg" for n in range(10)), data=NOISE)
    with pytest.raises(BadInput, match="unpacks to more than .* GB"):
        read(path)


def test_a_size_that_is_not_the_true_one_fails_its_entry_only(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/bomb", bytes(200_000_000))
        file.writestr("a/1.jpg", NOISE)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 1000)  # "it unpacks to 1,000 bytes"
    path.write_bytes(data)
    assert outcome(path) == {"a/bomb": "damaged in the archive", "a/1.jpg": ""}


def test_a_damaged_entry_of_a_zip_fails_alone(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.writestr("a/1.jpg", NOISE)
        file.writestr("a/2.jpg", NOISE)
    data = bytearray(path.read_bytes())
    data[100] ^= 0xFF
    path.write_bytes(data)
    assert outcome(path) == {"a/1.jpg": "damaged in the archive", "a/2.jpg": ""}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_an_archive_that_is_cut_short_is_one_sentence_and_leaves_nothing(tmp_path, suffix, share):
    path = packed(tmp_path / f"set{suffix}", *(f"a/{n}.jpg" for n in range(20)), data=os.urandom(3000))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(BadInput, match=f"The archive set{suffix} cannot be read: it is damaged or cut short"):
        read(path)
    assert sorted(each.name for each in (tmp_path / "work").glob("*/*")) == ["lock"]


@pytest.mark.parametrize("blocks", [1, 2, 7, 10])
def test_a_plain_tar_cut_between_two_entries_is_not_taken_for_whole(tmp_path, blocks):
    path = packed(tmp_path / "set.tar", *(f"a/{n}.jpg" for n in range(5)))
    path.write_bytes(path.read_bytes()[: 512 * blocks])
    with pytest.raises(BadInput, match="damaged or cut short"):
        read(path)


def test_a_checksum_that_does_not_fit_is_noticed_at_the_end(tmp_path):
    path = packed(tmp_path / "set.tar.gz", "a/1.jpg")
    data = bytearray(path.read_bytes())
    data[-8] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(BadInput, match="damaged"):
        read(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_anything_else_under_such_a_name_is_one_sentence(tmp_path, suffix):
    path = tmp_path / f"set{suffix}"
    path.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(BadInput, match="damaged or cut short"):
        read(path)


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path):
    path = tmp_path / "set.tar"
    info = tarfile.TarInfo("a/1.jpg")
    info.type, info.size = tarfile.XHDTYPE, 1 << 40
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_000))
    with pytest.raises(BadInput, match="header of more than a megabyte"):
        read(path)


def test_headers_before_headers_without_end_are_refused(tmp_path):
    path = tmp_path / "set.tar"
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2
    path.write_bytes((info.tobuf(tarfile.GNU_FORMAT) + b"a\0".ljust(512, b"\0")) * 5000)
    with pytest.raises(BadInput, match="damaged"):
        read(path)


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_of_two_entries_with_one_name_the_second_is_a_failure(tmp_path, suffix):
    with pytest.warns(UserWarning) if suffix == ".zip" else pytest.MonkeyPatch.context():
        path = packed(tmp_path / f"set{suffix}", "a/1.jpg", "a/1.jpg")
    assert [c.error for c in read(path)] == ["", "name is there twice"]


def test_names_that_differ_in_their_letters_only_are_two_files(tmp_path):
    path = packed(tmp_path / "set.zip", "a/1.jpg", "A/1.JPG", "a/CON", "a/x.", "a/\u00e9", "a/e\u0301")
    found = read(path)
    assert len({archive.local(c.url, tmp_path / "work") for c in found if not c.error}) == 6


def test_a_name_in_another_encoding_is_a_failure_that_a_database_can_keep(tmp_path):
    (found,) = read(packed(tmp_path / "set.tar", "a/caf\udce9.jpg"))
    assert found.error == "file name is not UTF-8" and (found.url + found.label).encode()


@pytest.mark.parametrize("name", ["a/" + "x" * 5000, "a/x\0y" + "z" * 200])
def test_a_name_that_no_file_could_have_is_a_failure(tmp_path, name):
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as file:
        file.addfile(tarfile.TarInfo(name))
    (found,) = read(path)
    assert found.error == "unsafe name" and len(found.url) < 5000 and "\0" not in found.url


def test_hidden_files_are_passed_over(tmp_path):
    path = packed(tmp_path / "set.zip", "a/1.jpg", "a/.DS_Store", ".git/2.jpg", "__MACOSX/a/._1.jpg")
    assert outcome(path) == {"a/1.jpg": ""}


def test_an_archive_is_unpacked_once(tmp_path):
    path, work = packed(tmp_path / "set.tar.gz", "a/1.jpg"), tmp_path / "work"
    (first,) = read(path)
    before = archive.local(first.url, work).stat().st_mtime_ns
    path.unlink()
    packed(path, "b/other.jpg")
    assert [c.url for c in read(path)] == [first.url]
    assert archive.local(first.url, work).stat().st_mtime_ns == before


def test_what_was_broken_off_begins_again(tmp_path):
    path, work = packed(tmp_path / "set.zip", "a/1.jpg", "a/2.jpg"), tmp_path / "work"
    begun = archive.unpack(path, work)
    next(begun)
    (own,) = work.iterdir()
    begun.close()  # as a job that is asked to stop
    assert [each.name for each in own.iterdir()] == ["lock"]
    (own / "part" / "ab").mkdir(parents=True)
    (own / "part" / "index.csv").write_text("a/1.jpg,\n")  # as after kill -9
    assert [c.error for c in read(path)] == ["", ""]


def test_two_jobs_with_one_archive_wait_for_one_another(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "PAUSE", 0.02)
    path, work = packed(tmp_path / "set.zip", "a/1.jpg"), tmp_path / "work"
    begun = archive.unpack(path, work)
    next(begun)
    begun.close()
    (own,) = work.iterdir()
    with open(own / "lock", "ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = archive.unpack(path, work)
        assert "another job unpacks set.zip" in next(waiting).note
        threading.Timer(0.1, lambda: fcntl.flock(other, fcntl.LOCK_UN)).start()
        notes = {progress.note for progress in waiting}
    assert any("unpacking set.zip" in note for note in notes)
    assert (own / "entries").is_dir()


def test_several_archives_share_a_work_folder_and_keep_their_files_apart(tmp_path):
    first, second = packed(tmp_path / "a.zip", "a/1.jpg"), packed(tmp_path / "b.zip", "a/1.jpg")
    found = [*read(first), *read(second)]
    files = [archive.local(c.url, tmp_path / "work") for c in found]
    assert len(set(files)) == 2 and all(file.is_file() for file in files)


def test_the_progress_is_in_megabytes_of_the_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "PAUSE", 0)
    for suffix in (".zip", ".tar"):
        path = tmp_path / f"set{suffix}"
        packed(path, *(f"a/{n}.jpg" for n in range(4)), data=os.urandom(2_000_000))
        done = [(p.done, p.total) for p in archive.unpack(path, tmp_path / suffix)]
        assert done == sorted(done) and done[-1][1] == 7 and done[-1][0] in (6, 7)


def test_the_order_is_the_archives_and_stays_the_same(tmp_path):
    path = packed(tmp_path / "set.tar", "b/2.jpg", "a/1.jpg", "c/3.jpg")
    assert [c.label for c in read(path)] == ["b", "a", "c"] == [c.label for c in read(path)]


def test_nothing_is_unpacked_where_no_place_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError):
        list(archive.read(Options(path=str(packed(tmp_path / "set.zip", "a/1.jpg")))))
    assert [each.name for each in tmp_path.iterdir()] == ["set.zip"]


def test_the_archive_is_found_in_a_candidates_address():
    assert archive.archive("/data/wow!/cars.ZIP!/a!/1.zip!/x") == Path("/data/wow!/cars.ZIP")
    assert archive.local("/data/cars.zip!/a!/1.jpg", Path("/w")) != archive.local("/data/cars.zip!/a/1.jpg", Path("/w"))
    with pytest.raises(BadInput, match="names no file in an archive"):
        archive.archive("http://h/1.jpg")


@pytest.mark.parametrize(("name", "sentence"), [
    ("nowhere.zip", "nowhere.zip' is not a file"), ("set.rar", r"another ending than \.zip, \.tar, \.tar\.gz"),
])  # fmt: skip
def test_a_path_that_is_no_archive_is_named(tmp_path, name, sentence):
    (tmp_path / "set.rar").write_bytes(b"Rar!")
    with pytest.raises(BadInput, match=sentence):
        read(tmp_path / name)


def test_an_archive_whose_own_name_no_database_could_keep_is_named(tmp_path):
    path = packed(tmp_path / "set.zip", "a/1.jpg")
    try:
        os.rename(path, os.fsencode(tmp_path) + b"/caf\xe9.zip")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(BadInput, match="not UTF-8; rename the file"):
        read(tmp_path / "caf\udce9.zip")
    assert len(read(packed(tmp_path / "a\u202fb c\u00e9.zip", "a/1.jpg"))) == 1


def test_an_entry_may_be_as_large_as_a_download():
    assert entry.LIMIT == LIMIT


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=6),
    cut=st.integers(0, 400),
)
def test_a_broken_archive_gives_candidates_or_one_sentence(tmp_path_factory, suffix, flips, cut):
    tmp_path = tmp_path_factory.mktemp("broken")
    path = packed(tmp_path / f"set{suffix}", "train/a/1.jpg", "b/2.jpg", "../c")
    data = bytearray(path.read_bytes())
    for at, change in flips:
        data[at % len(data)] ^= change
    path.write_bytes(data[: max(1, len(data) - cut)])
    try:
        found = read(path)
    except BadInput as error:
        assert "cannot be read" in str(error)
    else:
        assert all(c.error or archive.local(c.url, tmp_path / "work").is_file() for c in found)
    assert written(tmp_path) == {path.name}


@pytest.mark.slow
def test_a_million_entries_are_read(tmp_path):
    path = tmp_path / "set.zip"
    path.write_bytes(listing([b"a/%07d" % n for n in range(1_000_000)], method=0))
    began = time.monotonic()
    found = sum(1 for c in archive.read(Options(path=str(path), images=str(tmp_path / "work"))) if c.error)
    print(f"\n1,000,000 entries, all but one damaged: {time.monotonic() - began:.1f} s")
    assert found == 999_999
