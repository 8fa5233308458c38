"""Run the systemd units under a real systemd, as PID 1 of namespaces of its own, and look at them.

Needs root, systemd, mosquitto and a system Python that can run the packages of the virtual
environment. Nothing outside changes: /etc, /opt, /var and /run are throw-away copies. What this
machine cannot have (sound cards, cameras, GPIO chips) is not tried.

usage: tools/check_units.py    (or: make check-units)
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edge_affect.broker import LocalBroker
from edge_affect.perception.model_store import user_models_dirs
from edge_affect.publishing.access import BrokerAccess
from edge_affect.publishing.subscriber import watch

ROOT = Path(__file__).resolve().parents[1]
SITE = next(path for path in map(Path, sys.path) if path.name == "site-packages")
CONFIG = """\
[deployment]
setting = "home"
jurisdiction = "other"
purpose = "a check of the units"
contact = "nobody"
[device]
site = "units"
[audio]
source = "synthetic"
[video]
source = "synthetic"
[mqtt]
host = "127.0.0.1"
port = {port}
username = "box"
"""
PROGRAM = """\
#!/bin/sh
PYTHONPATH=/opt/edge-affect/source:/opt/edge-affect/site exec /usr/bin/python3 -m edge_affect "$@"
"""
BOOT = """\
set -e
work=$1
mount --make-rprivate /
mount --make-rshared /
for name in etc opt var; do
    mkdir -p "$work/$name.up" "$work/$name.work"
    mount -t overlay -o "lowerdir=/$name,upperdir=$work/$name.up,workdir=$work/$name.work" \\
        none /$name
done
mount -t tmpfs -o mode=755 tmpfs /run
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t proc proc /proc
{root}/systemd/install.sh install >"$work/install.log" 2>&1
mkdir -p /opt/edge-affect/bin /opt/edge-affect/site /opt/edge-affect/source
install -m 755 "$work/program" /opt/edge-affect/bin/edge-affect
mount --bind {site} /opt/edge-affect/site
mount --bind {root} /opt/edge-affect/source
mkdir -p /opt/edge-affect/current/models
cp -r {models}/. /opt/edge-affect/current/models/
cp "$work/config.toml" /etc/edge-affect/config.toml
echo secret >/etc/edge-affect/mqtt-password
# Nothing else of this machine is started: the only units are ours and a few empty targets.
mount -t tmpfs tmpfs /lib/systemd/system
for name in sysinit basic shutdown network multi-user sockets local-fs; do
    printf '[Unit]\\nDefaultDependencies=no\\n' >/lib/systemd/system/$name.target
done
rm -rf /etc/systemd/system/*.wants
for name in sense publish switches; do
    folder=/etc/systemd/system/edge-affect-$name.service.d
    mkdir -p $folder
    # A log to read here, and a watchdog that bites soon.
    printf '[Service]\\nStandardError=append:%s/%s.log\\nWatchdogSec=6\\n' "$work" $name \\
        >$folder/check.conf
done
export container=check-units
exec /lib/systemd/systemd --system --unit=edge-affect.target </dev/null >"$work/boot.log" 2>&1
"""


class Machine:
    """A booted systemd and what it says."""

    def __init__(self, work: Path) -> None:
        self.work = work
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc",
                   "--cgroup", "sh", str(work / "boot.sh"), str(work)]  # fmt: skip
        self.process = subprocess.Popen(command, start_new_session=True)
        self.pid = 0

    def call(self, *words: str) -> str:
        """Run a command inside and return what it says."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while not self.pid:
            self.pid = int((children.read_text().split() or [0])[0])
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-p", "timeout", "20", *words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return (done.stdout + done.stderr).strip()

    def show(self, unit: str, name: str) -> str:
        """Return one property of a unit."""
        return self.call("systemctl", "show", "-P", name, unit)

    def wait(self, unit: str, state: str, timeout_s: float = 60.0) -> None:
        """Wait until a unit is in a state."""
        end = time.monotonic() + timeout_s
        while (found := self.show(unit, "ActiveState")) != state:
            if time.monotonic() > end:
                raise SystemExit(f"{unit} is {found}, not {state}:\n{self.logs()}")
            time.sleep(0.3)

    def write(self, path: str, text: str) -> None:
        """Replace a file inside."""
        (self.work / "new").write_text(text)
        self.call("cp", str(self.work / "new"), path)

    def logs(self) -> str:
        """Return the ends of all logs."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text()[-3000:]}"
            for path in sorted(self.work.glob("*.log"))
        )

    def close(self) -> None:
        """Switch it off."""
        self.process.kill()
        self.process.wait()


class Check:
    """Says what was found, and remembers whether all of it was right."""

    def __init__(self) -> None:
        self.n_wrong = 0

    def holds(self, what: str, *, is_so: bool) -> None:
        """Note whether something is so."""
        self(what, "so" if is_so else "not so", "so")

    def __call__(self, what: str, found: object, wanted: object) -> None:
        """Note whether what was found is what was wanted."""
        is_right = found == wanted
        self.n_wrong += not is_right
        note = "" if is_right else f": {found!r} instead of {wanted!r}"
        print(f"{'ok   ' if is_right else 'WRONG'} {what}{note}", flush=True)


def check_running(machine: Machine, check: Check, broker: LocalBroker) -> None:
    """Look at both services as they run."""
    messages: list[dict[str, Any]] = []
    end = time.monotonic() + 60

    def is_over() -> bool:
        sensing = messages[-1]["sensing"] if messages else {}
        return time.monotonic() > end or sensing.get("camera") == "ok"

    access = BrokerAccess("127.0.0.1", broker.port)
    watch(access, "edge-affect/units/box/affect", messages.append, is_over)
    check.holds("records reach the broker from live sources", is_so=bool(messages) and is_over())
    for name in ("sense", "publish"):
        unit = f"edge-affect-{name}.service"
        machine.wait(unit, "active")
        pid = machine.show(unit, "MainPID")
        status = dict(
            line.split(":\t", 1)
            for line in machine.call("cat", f"/proc/{pid}/status").splitlines()
            if ":\t" in line
        )
        user = machine.call("id", "-u", f"edge-affect-{name}")
        check(f"{name}: runs as its own user", status["Uid"].split()[0], user)
        check(f"{name}: has no capability", int(status["CapBnd"], 16), 0)
        check(f"{name}: is filtered", status["Seccomp"], "2")
        check(f"{name}: was started once", machine.show(unit, "NRestarts"), "0")
    log = (machine.work / "sense.log").read_text()
    check.holds("sense: has proven its cage", is_so="cage proven" in log)
    log = (machine.work / "publish.log").read_text()
    check.holds("publish: has read its credential and connected", is_so="broker connected" in log)


def check_watchdog(machine: Machine, check: Check) -> None:
    """Freeze each process and see systemd start it anew."""
    for name in ("sense", "publish"):
        unit = f"edge-affect-{name}.service"
        machine.wait(unit, "active")
        before = int(machine.show(unit, "NRestarts"))
        machine.call("kill", "-STOP", machine.show(unit, "MainPID"))
        end = time.monotonic() + 40
        while int(machine.show(unit, "NRestarts")) == before and time.monotonic() < end:
            time.sleep(0.5)
        check(f"{name}: frozen, and started anew", machine.show(unit, "NRestarts"), str(before + 1))
        machine.wait(unit, "active")


def check_final_codes(machine: Machine, check: Check, good: str) -> None:
    """See what the configuration forbids stay down, and come back when it is mended."""
    config = "/etc/edge-affect/config.toml"
    cases = (
        ("sense", good.replace('"home"', '"workplace"').replace('"other"', '"EU"'), "80"),
        ("publish", good.replace("[mqtt]", "[mqtt]\nhots = 1"), "78"),
    )
    for name, text, code in cases:
        unit = f"edge-affect-{name}.service"
        machine.write(config, text)
        machine.call("systemctl", "restart", "--no-block", unit)
        machine.wait(unit, "failed")
        time.sleep(8)
        check(f"{name}: ends with {code}", machine.show(unit, "ExecMainStatus"), code)
        check(f"{name}: and is not restarted", machine.show(unit, "NRestarts"), "0")
        n_ends = (machine.work / f"{name}.log").read_text().count("edge-affect: ")
        check(f"{name}: and said so once", n_ends, 1)
        machine.write(config, good)
        machine.call("systemctl", "reset-failed")
        machine.call("systemctl", "start", "--no-block", "edge-affect.target")
        machine.call("systemctl", "restart", "--no-block", unit)
        machine.wait("edge-affect-publish.service", "active")
        machine.wait("edge-affect-sense.service", "active")


def check_switches(machine: Machine, check: Check, good: str) -> None:
    """With switches configured and no GPIO chip, everything stays closed."""
    machine.write("/etc/edge-affect/config.toml", good + "[switches]\nmute_pin = 17\n")
    machine.call("systemctl", "restart", "--no-block", "edge-affect-sense.service")
    machine.wait("edge-affect-switches.service", "active")
    machine.wait("edge-affect-sense.service", "active")
    time.sleep(3)
    log = (machine.work / "sense.log").read_text()
    check.holds(
        "sense: closed for want of a GPIO chip", is_so="devices closed: muted by a switch" in log
    )
    log = (machine.work / "switches.log").read_text()
    check.holds(
        "switches: said why", is_so="nothing is permitted: The GPIO pins cannot be had" in log
    )


def check_removal(machine: Machine, check: Check) -> None:
    """Stop and uninstall."""
    machine.call("systemctl", "stop", "edge-affect.target")
    for name in ("sense", "publish", "switches"):
        machine.wait(f"edge-affect-{name}.service", "inactive")
    left = machine.call("sh", "-c", "ls /run/edge-affect")
    check("stopped: no socket is left", left, "")
    machine.call("umount", "/opt/edge-affect/site", "/opt/edge-affect/source")
    machine.call(str(ROOT / "systemd/install.sh"), "uninstall")
    left = machine.call(
        "sh", "-c", "ls -d /opt/edge-affect /etc/edge-affect /var/lib/edge-affect /run/edge-affect "
        "/var/lib/edge-affect-publish /etc/systemd/system/edge-affect* 2>/dev/null; "
        "grep edge-affect /etc/passwd /etc/group"
    )  # fmt: skip
    check("uninstalled: nothing is left", left, "")


def main() -> int:
    """Boot, look, break, look again."""
    # Not in /dev/shm: RemoveIPC=yes lets systemd delete what a stopped service's user owns there,
    # which would be folders below the overlays.
    work = Path(tempfile.mkdtemp(prefix="edge-affect-units-", dir="/tmp"))
    work.chmod(0o755)
    check = Check()
    models = user_models_dirs()[0]
    with LocalBroker() as broker:
        good = CONFIG.format(port=broker.port)
        (work / "config.toml").write_text(good)
        (work / "program").write_text(PROGRAM)
        (work / "boot.sh").write_text(BOOT.format(root=ROOT, site=SITE, models=models))
        machine = Machine(work)
        try:
            machine.wait("edge-affect.target", "active")
            check_running(machine, check, broker)
            said = machine.call("/opt/edge-affect/bin/edge-affect", "doctor", "--only", "service")
            check.holds("doctor: sees the service run", is_so="The service runs" in said)
            check_final_codes(machine, check, good)
            check_watchdog(machine, check)
            check_switches(machine, check, good)
            check_removal(machine, check)
            if check.n_wrong:
                print(machine.logs())
        finally:
            machine.close()
            shutil.rmtree(work, ignore_errors=True)
    return 1 if check.n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
