"""Nothing gets out of the cage, attempt by attempt, and each attempt works where there is none."""

import json
import os
import stat
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attacks import DEADLY
from attempts import ATTEMPTS

from edge_affect.errors import CageError, ExitCode
from edge_affect.sensing import cage, landlock, namespaces, probes

NAMES = [f"probe:{probe.name}" for probe in probes.all_probes()]
NAMES += [name for name in ATTEMPTS if name not in DEADLY]

NEEDS_CAGE = pytest.mark.usefixtures("cage_is_possible")
NOT_FOR_ORDINARY_USERS = {
    "probe:write-root": "the top folder is root's",
    "probe:write-package": "the checkout belongs to somebody else",
}
"""What the file owner alone forbids; as root the same attempts are shown to work."""


def test_attempts_are_many_and_have_names_of_their_own():
    assert len(NAMES) > 90
    assert len(set(NAMES)) == len(NAMES)


@NEEDS_CAGE
def test_the_cage_was_tried_with_every_attempt(caged, uncaged):
    assert sorted(caged) == sorted(NAMES)
    assert sorted(uncaged) == sorted(NAMES)


@NEEDS_CAGE
@pytest.mark.parametrize("name", NAMES)
def test_attempt_fails_in_the_cage(name, caged):
    assert caged[name] is not None, f"{name} works inside the cage"


@NEEDS_CAGE
@pytest.mark.parametrize("name", NAMES)
def test_attempt_fails_in_the_cage_with_devices(name, caged_live):
    if name == "write-named-pipe" and not landlock.version():
        pytest.skip("this kernel has no Landlock: a pipe in a readable folder can be written")
    assert caged_live[name] is not None, f"{name} works inside the cage with devices"


@NEEDS_CAGE
@pytest.mark.parametrize("name", NAMES)
def test_attempt_works_without_the_cage(name, uncaged, outside):
    error = uncaged[name]
    if error == "ENOSYS":
        pytest.skip("this kernel is built without it")
    if error == "EAFNOSUPPORT":
        pytest.skip("this kernel is built without this kind of socket")
    if error and outside.user != 0 and name in NOT_FOR_ORDINARY_USERS:
        pytest.skip(NOT_FOR_ORDINARY_USERS[name])
    if error and name in {"probe:network-interface", "probe:network-route"}:
        pytest.skip("this machine has no network")
    assert error is None, f"{name} is stopped by {error} even outside: the check proves nothing"


def test_proof_is_refused_outside_the_cage(outside):
    done = outside.run("prove")
    assert done.returncode == 0, done.stderr
    message = json.loads(done.stdout)
    assert message.startswith("The cage around sensing leaks: inet-socket works;")


def test_leaking_cage_ends_with_the_documented_code():
    assert CageError.exit_code == ExitCode.CAGE_NOT_PROVEN == 77


def test_proof_cannot_be_declared():
    with pytest.raises(CageError, match="proven by"):
        cage.CageProof(object(), ("everything",))


def test_cage_is_refused_once_threads_run():
    code = (
        "import threading, time\n"
        "from edge_affect.errors import CageError\n"
        "from edge_affect.sensing import cage\n"
        "threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n"
        "try:\n"
        "    cage.enter(cage.CagePolicy())\n"
        "except CageError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "The cage must be built before threads start, but 2 already run.\n"


@pytest.mark.parametrize("pattern", ["/etc", "../etc", "snd/../../etc", "."])
def test_devices_stay_below_dev(pattern):
    with pytest.raises(CageError, match="relative to /dev"):
        cage.CagePolicy(devices=(pattern,))


def test_negative_descriptor_is_refused():
    with pytest.raises(CageError, match="no file descriptor"):
        cage.CagePolicy(keep_fds=(-1,))


def test_missing_path_is_refused():
    with pytest.raises(CageError, match="does not exist"):
        namespaces.paths_below((Path("/tmp"),), (Path("/tmp/edge-affect-missing"),))


def test_cover_itself_cannot_stay_readable():
    with pytest.raises(CageError, match="home of sockets"):
        namespaces.paths_below((Path("/tmp"),), (Path("/tmp"),))


def test_only_paths_below_a_cover_need_binding(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    kept = namespaces.paths_below((tmp_path,), (inner, Path("/etc")))
    assert kept == (inner,)


@NEEDS_CAGE
def test_working_folder_is_hidden_though_python_searches_it(tmp_path):
    (tmp_path / "diary.txt").write_text("secret")
    code = (
        "import os, sys\nsys.path.insert(0, os.getcwd())\n"
        "from edge_affect.sensing import cage\n"
        "path = os.path.join(os.getcwd(), 'diary.txt')\n"
        "before = os.path.exists(path)\n"
        "cage.enter(cage.CagePolicy())\n"
        "import edge_affect.record\n"
        "print(before, os.path.exists(path))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(cage.__file__).parents[2])},
    )
    assert (done.stdout, done.stderr) == ("True False\n", "")


def test_covers_hold_no_cover_inside(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/lock")
    monkeypatch.setenv("HOME", str(tmp_path))
    covers = namespaces.covered_folders()
    assert Path("/run") in covers
    assert Path("/tmp") in covers
    assert not [c for c in covers for o in covers if c != o and c.is_relative_to(o)]


def test_plain_nodes_are_all_there_is_without_devices():
    assert [path.name for path in namespaces.device_nodes(())] == sorted(namespaces.PLAIN_NODES)


def run_in_cage(body, *, policy="cage.CagePolicy()", environment=None):
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom edge_affect.sensing import cage\n"
        f"cage.enter({policy})\nproof = cage.prove()\n{body}"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, **(environment or {})},
    )


@NEEDS_CAGE
def test_what_sensing_computes_with_runs_in_the_cage(tmp_path):
    """Arrays, threads, a LiteRT model, media decoding and resampling, imported after closing."""
    model = next(iter(sorted(Path("models_tflite").glob("*.tflite"))), None)
    sound = tmp_path / "sound.wav"
    samples = b"\0\1" * 1600
    sound.write_bytes(
        struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1,
                    16000, 32000, 2, 16, b"data", len(samples)) + samples
    )  # fmt: skip
    body = (
        "import numpy as np, threading\n"
        "worker = threading.Thread(target=lambda: np.ones((64, 64)) @ np.ones((64, 64)))\n"
        "worker.start(); worker.join()\n"
        "import av, soxr, scipy.signal\n"
        f"with av.open({str(sound)!r}) as media:\n"
        "    print(sum(frame.samples for frame in media.decode(audio=0)))\n"
        "print(soxr.resample(np.zeros(4410, np.float32), 44100, 16000).size)\n"
        "from ai_edge_litert.interpreter import Interpreter\n"
        f"model = {str(model.resolve()) if model else ''!r}\n"
        "if model:\n"
        "    interpreter = Interpreter(model_path=model, num_threads=2)\n"
        "    interpreter.allocate_tensors()\n"
        "    for tensor in interpreter.get_input_details():\n"
        "        zeros = np.zeros(tensor['shape'], tensor['dtype'])\n"
        "        interpreter.set_tensor(tensor['index'], zeros)\n"
        "    interpreter.invoke()\n"
        "print('ran', bool(model))\n"
    )
    keep = [tmp_path] + ([model.resolve().parent] if model else [])
    policy = f"cage.CagePolicy(readable=tuple(map(Path, {[str(p) for p in keep]!r})))"
    done = run_in_cage(body, policy=policy)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:3] == ["1600", "1600", f"ran {model is not None}"]


@NEEDS_CAGE
def test_devices_asked_for_can_be_written_and_no_others(tmp_path):
    body = (
        "import errno\n"
        "print(sorted(os.listdir('/dev')))\n"
        "os.close(os.open('/dev/null', os.O_RDWR))\n"
        "for flags in (os.O_CREAT, os.O_TRUNC):\n"
        "    try:\n        os.open('/dev/null', os.O_WRONLY | flags)\n"
        "    except OSError as error:\n        print(errno.errorcode[error.errno])\n"
    )
    done = run_in_cage(body, policy="cage.CagePolicy(devices=('pt[m]x',))")
    assert done.returncode == 0, done.stderr
    nodes = sorted([*namespaces.PLAIN_NODES, "ptmx"])
    assert done.stdout == f"{nodes!r}\nEROFS\nEROFS\n"


HOT_PLUG = """
import json, os, sys
from edge_affect.sensing import cage
cage.enter(cage.CagePolicy(devices=("edge-affect-test*",)))
cage.prove()
found = []
for process in (name for name in os.listdir("/proc") if name.isdigit()):
    try:
        found += os.listdir(f"/proc/{process}/root/run/devices")
    except OSError:
        continue
print("stash", os.listdir("/run/devices"), found, flush=True)
for line in sys.stdin:
    try:
        os.close(os.open("/dev/edge-affect-test0", os.O_RDWR))
        print("open", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


@NEEDS_CAGE
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make device nodes")
def test_device_plugged_in_later_appears_in_the_closed_cage():
    node = Path("/dev/edge-affect-test0")
    process = subprocess.Popen(
        [sys.executable, "-c", HOT_PLUG],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def answers(wanted):
        deadline = time.monotonic() + 120
        answer = None
        while answer != wanted and time.monotonic() < deadline:
            process.stdin.write("?\n")
            process.stdin.flush()
            answer = process.stdout.readline().strip()
            time.sleep(0.1)
        return answer

    try:
        assert process.stdout.readline() == "stash [] []\n"
        for _ in range(2):
            assert answers("No such file or directory") == "No such file or directory"
            os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
            assert answers("open") == "open"
            node.unlink()
        assert answers("No such file or directory") == "No such file or directory"
    except PermissionError:
        pytest.skip("this container may not make device nodes")
    finally:
        node.unlink(missing_ok=True)
        process.communicate(timeout=120)


@NEEDS_CAGE
def test_keeper_of_devices_ends_with_the_caged_process():
    code = (
        "import os, sys\nfrom edge_affect.sensing import cage\n"
        "os.dup2(os.open('/dev/null', os.O_RDONLY), 40)\n"
        "cage.enter(cage.CagePolicy(devices=('edge-affect-test*',), keep_fds=(40,)))\n"
        "print(open(f'/proc/{os.getpid()}/task/{os.getpid()}/children').read(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        keepers = process.stdout.readline().split()
        assert len(keepers) == 1
        # Only root may look into a process that is not dumpable.
        if os.geteuid() == 0:
            assert list(Path(f"/proc/{keepers[0]}/fd").iterdir()) == []
    finally:
        process.kill()
        process.communicate(timeout=120)
    deadline = time.monotonic() + 120
    while Path(f"/proc/{keepers[0]}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{keepers[0]}").exists()


@NEEDS_CAGE
def test_sounddevice_is_preloaded_before_the_filter_closes():
    pytest.importorskip("sounddevice", exc_type=OSError)
    body = "import sounddevice; print(type(sounddevice.query_devices()).__name__)\n"
    policy = "cage.CagePolicy(devices=cage.MICROPHONE_DEVICES, preload=('sounddevice',))"
    done = run_in_cage(body, policy=policy)
    assert (done.returncode, done.stdout) == (0, "DeviceList\n"), done.stderr


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        (
            "needs_more",
            "raise OSError('PortAudio library not found')",
            "69 needs_more cannot be loaded (PortAudio library not found); install the library",
        ),
        (
            "picamera2",
            "import libcamera_of_another_board",
            "69 picamera2 cannot be loaded (No module named 'libcamera_of_another_board'); install",
        ),
        ("never_installed", None, "69 never_installed cannot be loaded (No module named"),
    ],
)
def test_a_library_that_is_missing_is_no_fault_of_the_kernel(tmp_path, module, text, said):
    if text is not None:
        (tmp_path / f"{module}.py").write_text(text)
    code = (
        "from edge_affect.errors import EdgeAffectError\nfrom edge_affect.sensing import cage\n"
        f"try:\n    cage.seal(cage.CagePolicy(preload=({module!r},)))\n"
        "except EdgeAffectError as error:\n    print(int(error.exit_code), error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.startswith(said)


def test_descriptors_outside_the_policy_are_closed(tmp_path):
    code = (
        "import os\nfrom edge_affect.sensing import cage\n"
        "reading, writing = os.pipe()\n"
        "cage.close_other_descriptors((writing,))\n"
        "print(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:4] == [0, 1, 2, reading])\n"
        "print(os.write(writing, b'') == 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\nTrue\n"


def test_inherited_folder_is_refused_even_if_asked_for(tmp_path):
    code = (
        "import os, sys\nfrom edge_affect.errors import CageError\n"
        "from edge_affect.sensing import cage\n"
        "folder = os.open(sys.argv[1], os.O_RDONLY)\n"
        "try:\n    cage.close_other_descriptors((folder,))\n"
        "except CageError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("is a folder, a way around the cage.\n")


@NEEDS_CAGE
def test_older_kernels_get_read_only_mounts_one_by_one(tmp_path):
    code = (
        "import errno, os, sys\nfrom edge_affect.sensing import kernel, namespaces\n"
        "namespaces.unshare_all()\n"
        "kernel.mount(None, '/', None, kernel.MS_REC | kernel.MS_PRIVATE)\n"
        "namespaces.remount_read_only()\n"
        "for folder in sys.argv[1:]:\n"
        "    try:\n"
        "        os.open(folder + '/file', os.O_CREAT | os.O_WRONLY)\n"
        "        print('wrote', folder)\n"
        "    except OSError as error:\n"
        "        print(errno.errorcode[error.errno])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), "/dev/shm"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "EROFS\nEROFS\n", done.stderr


@NEEDS_CAGE
def test_cage_is_quick_to_build():
    """Building and proving together take some 20 ms on a PC; a second would be felt."""
    code = (
        "import time\nfrom edge_affect.sensing import cage\nstart = time.monotonic()\n"
        "cage.enter(cage.CagePolicy())\ncage.prove()\nprint(time.monotonic() - start)\n"
    )

    def took_s():
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        return float(done.stdout)

    # A cage that is slow to build is slow every time; a machine that stands still is not.
    assert any(took_s() < 1.0 for _ in range(10))


@pytest.mark.parametrize(
    ("path", "value", "advice"),
    [
        ("unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
        ("max_user_namespaces", "0", "sysctl user.max_user_namespaces=1000"),
        ("apparmor", "1", "sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
    ],
)
def test_remedy_names_the_switch(monkeypatch, tmp_path, path, value, advice):
    (tmp_path / path).write_text(value + "\n")
    rows = [
        (str(tmp_path / path) if path in key else str(tmp_path / "absent"), bad, text)
        for key, bad, text in namespaces._REMEDIES
    ]
    monkeypatch.setattr(namespaces, "_REMEDIES", tuple(rows))
    assert advice in namespaces.remedy()


@NEEDS_CAGE
def test_forbidden_namespaces_end_in_one_sentence():
    """As where an administrator has set the limit to none."""
    code = (
        "from pathlib import Path\nfrom edge_affect.errors import CageError\n"
        "from edge_affect.sensing import cage, namespaces\n"
        "namespaces.unshare_all()\n"
        "Path('/proc/sys/user/max_user_namespaces').write_text('0')\n"
        "try:\n    cage.enter(cage.CagePolicy())\n"
        "except CageError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("The kernel does not let this user build a cage (")
    assert "sysctl user.max_user_namespaces=1000" in done.stdout
    assert done.stdout.count("\n") == 1
