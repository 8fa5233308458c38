"""Run a script in an emulated arm64 computer: Debian on its disk, Debian's own kernel, no network.

Under qemu-user, where tools/debian_root.sh runs arm64, system calls go to this machine's kernel.
What the kernel itself must do, such as building a cage, is seen only where the kernel is arm64 too.
The disk is made of a layer of a root; what the machine writes to it is thrown away.

Time in there is counted in instructions, one each nanosecond, as on a core of 1 GHz that does one
in each cycle. So a slow emulation changes nothing that a program in there could notice.

Needs root, qemu-system-aarch64 (package qemu-system-arm), e2fsprogs and Debian's apt.

usage: tools/arm64_machine.py [--suite SUITE] [--layer NAME] [--folder DIR] [--seconds N] SCRIPT

SCRIPT      run by sh, as root; what it says is printed
--suite     bookworm (default) or trixie
--layer     which layer of the root; default: machine
--folder    becomes /check in there, and has afterwards what was left there; default: an empty one
--seconds   give up after this long, by the clock on the wall; default: an hour
Exit codes: that of the script; 64 usage, 66 there is no such file, 69 something needed is not here,
70 the machine stopped before the script ended, 124 given up.
"""

from __future__ import annotations

import argparse
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
ENTER = ROOT / "tools/debian_root.sh"
ROOTS = Path(os.environ.get("EDGE_AFFECT_ROOTS", "/var/tmp/edge-affect-debian"))  # noqa: S108
KERNEL = "linux-image-cloud-arm64"
"""Debian's kernel with few drivers; namespaces and security modules are those of the full one."""
MODULES = ("virtio", "virtio_ring", "virtio_mmio", "virtio_blk")
"""What it takes to find the disks, in this order."""
MEMORY_MB = 2048
FREE_MB = 1536
"""What a disk has free."""
EXIT_USAGE, EXIT_MISSING, EXIT_NOT_HERE, EXIT_UNFINISHED, EXIT_TIMEOUT = 64, 66, 69, 70, 124

FIRST = """\
#!/bin/busybox sh
for module in {modules}; do /bin/busybox insmod /$module.ko; done
/bin/busybox mount -t devtmpfs none /dev
# Which of the disks is which depends on the kernel.
for disk in /dev/vda /dev/vdb; do
    /bin/busybox mount -t ext4 $disk /root
    if [ -e /root/init ]; then check=$disk; else main=$disk; fi
    /bin/busybox umount /root
done
/bin/busybox mount -t ext4 -o noatime $main /root
/bin/busybox mkdir -p /root/check
/bin/busybox mount -t ext4 -o noatime $check /root/check
/bin/busybox umount /dev
exec /bin/busybox switch_root /root /bin/sh /check/init
"""
"""The first program of the machine."""

INIT = """\
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
stty -onlcr </dev/console
cd /
mkdir -p dev proc sys run tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=755 tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mkdir -p /run/lock
hostname machine
grep -qs localhost /etc/hosts || printf '127.0.0.1 localhost\\n::1 localhost\\n' >>/etc/hosts
python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP'
# There is no clock in the machine, as on a Raspberry Pi.
date -s @{now} >/dev/null
cd /check
setsid sh /check/script </dev/null
echo $? >/check/exit-code
cd /
sync
mount -o remount,ro /check
echo o >/proc/sysrq-trigger
sleep 60
"""
"""The first program on the disk: what systemd does on a real one, as far as a script needs it.

``/tmp`` stays on the disk, as in Debian 12: there it has attributes of users, in memory only from
kernel 6.6 on.
"""


def stop(code: int, sentence: str) -> NoReturn:
    """End with one sentence."""
    print(f"arm64-machine: {sentence}", file=sys.stderr)
    sys.exit(code)


def call(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command of this machine and return what it printed; end with 69 if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    except FileNotFoundError:
        stop(EXIT_NOT_HERE, f"there is no {command[0]} here; see the top of this file.")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        stop(EXIT_NOT_HERE, f"{command[0]} failed ({last.strip(' .')}).")
    return done.stdout


def newc(files: dict[str, tuple[int, bytes]]) -> bytes:
    """Return an archive as the kernel unpacks it at its start.

    Args:
        files: Path to mode and content; folders before what is in them.
    """
    packed = bytearray()
    for number, (name, (mode, content)) in enumerate([*files.items(), ("TRAILER!!!", (0, b""))]):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        packed += b"070701" + b"".join(b"%08X" % field for field in fields)
        for part in (name.encode() + b"\0", content):
            packed += part
            packed += b"\0" * (-len(packed) % 4)
    return bytes(packed)


def fetch_boot(suite: str) -> tuple[Path, Path]:
    """Return Debian's kernel and what finds the disks; they are fetched once."""
    folder = ROOTS / f"boot-{suite}-arm64"
    kernel, first = folder / "kernel", folder / "first.cpio"
    base = call(ENTER, "make", suite, "arm64").strip()
    if not kernel.exists():
        print(f"== Fetching the kernel of Debian {suite} for arm64", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=ROOTS) as name:
            unpacked = fetch_packages(Path(name), base)
            folder.mkdir(exist_ok=True)
            busybox = next(unpacked.rglob("bin/busybox")).read_bytes()
            (folder / "busybox").write_bytes(busybox)
            for module in MODULES:
                path = next(unpacked.rglob(f"{module}.ko*"))
                data = path.read_bytes()
                data = lzma.decompress(data) if path.suffix == ".xz" else data
                (folder / f"{module}.ko").write_bytes(data)
            shutil.copy(next(unpacked.glob("boot/vmlinuz-*")), folder / "kernel.new")
            (folder / "kernel.new").rename(kernel)
    files = dict.fromkeys(("bin", "dev", "root"), (0o040755, b""))
    files["bin/busybox"] = (0o100755, (folder / "busybox").read_bytes())
    for module in MODULES:
        files[f"{module}.ko"] = (0o100644, (folder / f"{module}.ko").read_bytes())
    files["init"] = (0o100755, FIRST.format(modules=" ".join(MODULES)).encode())
    first.write_bytes(newc(files))
    return kernel, first


def fetch_packages(work: Path, base: str) -> Path:
    """Fetch and unpack the kernel and a shell that needs no library; return the folder."""
    for part in ("state/lists/partial", "cache/archives/partial", "unpacked"):
        (work / part).mkdir(parents=True)
    # This machine's apt and its way to the registry, the root's sources and keys.
    settings = (
        "APT::Architecture=arm64", "APT::Architectures=arm64", "APT::Sandbox::User=root",
        f"Dir::Etc::sourcelist={base}/etc/apt/sources.list", "Dir::Etc::sourceparts=/dev/null",
        f"Dir::Etc::trustedparts={base}/etc/apt/trusted.gpg.d", f"Dir::State={work}/state",
        f"Dir::Cache={work}/cache", "Dir::State::status=/dev/null",
    )  # fmt: skip
    options = [word for setting in settings for word in ("-o", setting)]
    call("apt-get", *options, "-qq", "update")
    depends = call("apt-cache", *options, "depends", KERNEL)
    newest = re.search(r"Depends: (linux-image-\S+)", depends)
    if newest is None:
        stop(EXIT_NOT_HERE, f"the registry has no {KERNEL}.")
    call("apt-get", *options, "-qq", "download", newest[1], "busybox-static", cwd=work)
    for package in work.glob("*.deb"):
        call("dpkg-deb", "-x", package, work / "unpacked")
    return work / "unpacked"


def write_disk(folder: Path, disk: Path) -> None:
    """Write a folder as an ext4 disk."""
    used_mb = int(call("du", "-sm", folder).split()[0])
    disk.unlink(missing_ok=True)
    call("mke2fs", "-q", "-t", "ext4", "-d", folder, disk, f"{used_mb + FREE_MB}M")


def boot(suite: str, disk: Path, folder: Path, *, timeout_s: float) -> int:
    """Boot from a disk, run ``script`` of a folder and return its exit code.

    Args:
        suite: Whose kernel.
        disk: What ``debian_root.sh disk`` wrote; stays as it is.
        folder: Is ``/check`` in there, and has afterwards what was left there.
        timeout_s: When to give up, on this machine's clock.
    """
    kernel, first = fetch_boot(suite)
    (folder / "exit-code").unlink(missing_ok=True)
    (folder / "init").write_text(INIT.format(now=int(time.time())))
    with tempfile.TemporaryDirectory(dir=ROOTS) as name:
        check = Path(name) / "check.img"
        write_disk(folder, check)
        command = [
            "qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a72", "-smp", "1",
            "-m", str(MEMORY_MB), "-icount", "shift=0", "-nodefaults", "-nographic",
            "-nic", "none", "-no-reboot", "-serial", "stdio",
            "-kernel", kernel, "-initrd", first,
            "-append", "console=ttyAMA0 loglevel=1 panic=-1",
        ]  # fmt: skip
        for label, path, mode in (("root", disk, ",snapshot=on"), ("check", check, "")):
            command += ["-drive", f"if=none,id={label},file={path},format=raw,cache=unsafe{mode}"]
            command += ["-device", f"virtio-blk-device,drive={label}"]
        try:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                timeout=timeout_s,
                check=False,
                env=os.environ | {"TMPDIR": name},
            ).returncode
        except FileNotFoundError:
            stop(EXIT_NOT_HERE, "there is no qemu-system-aarch64; install qemu-system-arm.")
        except subprocess.TimeoutExpired:
            print(f"arm64-machine: given up after {timeout_s:.0f} s.", file=sys.stderr)
            ended = EXIT_TIMEOUT
        # What was left, of a machine that was given up too.
        call("debugfs", "-R", f"rdump / {folder}", check)
        shutil.rmtree(folder / "lost+found", ignore_errors=True)
    if ended == EXIT_TIMEOUT:
        return EXIT_TIMEOUT
    if ended or not (folder / "exit-code").is_file():
        print("arm64-machine: it stopped before the script ended.", file=sys.stderr)
        return EXIT_UNFINISHED
    return int((folder / "exit-code").read_text())


class Parser(argparse.ArgumentParser):
    """Ends with the code that every wrong usage here ends with."""

    def error(self, message: str) -> NoReturn:
        """End with one sentence."""
        stop(EXIT_USAGE, f"{message}; see the top of this file.")


def main() -> int:
    """Run one script."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("script", type=Path)
    parser.add_argument("--suite", default="bookworm", choices=("bookworm", "trixie"))
    parser.add_argument("--layer", default="machine")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seconds", type=float, default=3600.0)
    args = parser.parse_args()
    if not args.script.is_file():
        stop(EXIT_MISSING, f"there is no file {args.script}.")
    if args.folder is not None and not args.folder.is_dir():
        stop(EXIT_MISSING, f"there is no folder {args.folder}.")
    if os.geteuid() != 0:
        stop(EXIT_NOT_HERE, "a Debian root can be made and read by root only.")
    fetch_boot(args.suite)
    with tempfile.TemporaryDirectory(dir=ROOTS) as name:
        folder = args.folder or Path(name) / "check"
        folder.mkdir(exist_ok=True)
        shutil.copy(args.script, folder / "script")
        disk = Path(name) / "root.img"
        call(ENTER, "disk", args.suite, "arm64", "--layer", args.layer, str(disk))
        return boot(args.suite, disk, folder, timeout_s=args.seconds)


if __name__ == "__main__":
    sys.exit(main())
