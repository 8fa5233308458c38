"""Releases to install: a signed one of the last commit; newer, broken and tampered ones of it."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

from edge_affect import demo_clip
from edge_affect.commands.models import packages_of
from edge_affect.perception.model_store import shipped_manifests

ROOT = Path(__file__).resolve().parents[1]
ANSWERS = """\
# A box for this check.
setting=home
jurisdiction=other
purpose=a check of the installer
contact=nobody@example.org
site=hall
name=one
microphone=no
camera=camera
broker=local
"""
MODEL_PACKAGES = [
    f"{package.name}=={package.version}" for package in packages_of(shipped_manifests())
]


PLANTED = """\
def python(_subject: Subject) -> Finding:
    from edge_affect.errors import UnavailableError

    raise UnavailableError("planted.")


def _python("""
"""For a doctor that finds a fault of the new release."""


def copy_clip(work: Path) -> None:
    """Put the demo's recordings there."""
    video, audio = demo_clip.ensure(print)
    shutil.copy(video, work / "clip.mp4")
    shutil.copy(audio, work / "clip.wav")


def make_release(work: Path) -> Path:
    """Write a signed release of the last commit and who may have signed it; return its folder."""
    for name in ("key", "other"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", work / name], check=True
        )
    public = (work / "key.pub").read_text().split()
    (work / "signers").write_text(
        f'edge-affect-release namespaces="edge-affect-release" {public[0]} {public[1]}\n'
    )
    release = work / "release"
    subprocess.run([ROOT / "tools/release.sh", release, work / "key"], check=True)
    return release


def make_releases(work: Path) -> None:
    """Write a signed release, and variants of it: newer, broken, tampered with."""
    release = make_release(work)
    again = work / "again"
    subprocess.run([ROOT / "tools/release.sh", again], check=True)
    if (again / "SHA256SUMS").read_text() != (release / "SHA256SUMS").read_text():
        raise SystemExit("WRONG the same commit gave other bits")
    print("ok    the same commit gives the same bits")
    tampered = work / "tampered"
    shutil.copytree(release, tampered)
    with next(tampered.glob("*.whl")).open("ab") as file:
        file.write(b"!")
    other = work / "by-another"
    shutil.copytree(again, other)
    subprocess.run(
        [
            "ssh-keygen",
            "-q",
            "-Y",
            "sign",
            "-f",
            work / "other",
            "-n",
            "edge-affect-release",
            other / "SHA256SUMS",
        ],
        check=True,
    )
    (work / "answers").write_text(ANSWERS)
    for name, edits in {
        "0.1.1": {},
        "0.1.2": {
            "edge_affect/diagnosis/machine.py": (
                "def python(",
                PLANTED,
            )
        },
        "0.1.3": {"edge_affect/cli.py": ("import argparse", "import argparse_is_gone")},
    }.items():
        with tarfile.open(next(release.glob("*.tar.gz"))) as archive:
            archive.extractall(work, filter="data")
        folder = next(work.glob("edge_affect-*/")).rename(work / name)
        start = folder / "edge_affect/__init__.py"
        start.write_text(start.read_text().replace('"0.1.0"', f'"{name}"'))
        for path, (old, new) in edits.items():
            text = (folder / path).read_text()
            if old not in text:
                raise SystemExit(f"{path} has no {old!r} to plant a fault at")
            (folder / path).write_text(text.replace(old, new, 1))
