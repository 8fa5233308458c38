"""Samples and pixels are gone from memory once their window has passed, and a build that keeps
them is caught: the memory of the running process is searched from outside."""

import json
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import traces
import watermark

from edge_affect.clock import MonotonicClock
from edge_affect.config import Config
from edge_affect.fusion.scene import SceneFusion
from edge_affect.launcher import sense_environment
from edge_affect.privacy.gate import Gate
from edge_affect.sensing import memory
from edge_affect.sensing.pipeline import Pipeline, Stages
from edge_affect.types import AudioBlock, FaceObservation, VideoFrame

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("sense_here.py")
EARLY, LATE = watermark.mark(1), watermark.mark(2)
EARLY_S, LATE_S = 1.0, 40.0
WINDOW_S = 2.5
RECORDS_PER_S = 4
N_RECORDS = round((EARLY_S + WINDOW_S + 2.0) * RECORDS_PER_S)
"""Records to wait for once sound arrives: the early mark, the window behind it, some room."""
SOUND = ("s16le", "f32le", "f64le")
PIXELS = ("rgb", "bgr", "bgr0", "green", "grey", "f32 [0, 1]", "f32 [-1, 1]")


def patterns(shown):
    sound, pixels = watermark.sound_patterns(shown), watermark.pixel_patterns(shown)
    return {name: sound[name] for name in SOUND} | {name: pixels[name] for name in PIXELS}


def found_in(pid, shown):
    known = patterns(shown)
    found = set()
    for content in traces.mappings(pid, traces.is_own_memory):
        found |= set(watermark.search(content, known))
    return found


def start(clip, *options):
    return subprocess.Popen(
        [sys.executable, PROGRAM, *options, "--allow-unsandboxed", "--video", str(clip)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env=sense_environment(os.environ),
    )  # fmt: skip


def search(process, results):
    """Wait until the early mark is past, then search for both."""
    n_heard = 0
    for line in process.stdout:
        n_heard += json.loads(line)["microphone"] == "ok"
        if n_heard == N_RECORDS:
            break
    results["early"] = found_in(process.pid, EARLY)
    results["late"] = found_in(process.pid, LATE)


@pytest.fixture(scope="module")
def memories(tmp_path_factory):
    """What is found in the memory of the product and of a build that keeps everything."""
    clip = tmp_path_factory.mktemp("memory") / "clip.mkv"
    watermark.write_clip(clip, [(EARLY, EARLY_S), (LATE, LATE_S)])
    builds = {"product": (), "hoarding": ("--hoard",)}
    processes = {name: start(clip, *options) for name, options in builds.items()}
    found = {name: {} for name in builds}
    threads = [
        threading.Thread(target=search, args=(processes[name], found[name])) for name in builds
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, process in processes.items():
        process.kill()
        found[name]["log"] = process.communicate()[1]
    return found


def test_what_is_past_is_gone_from_memory(memories):
    assert "memory: overwritten when freed" in memories["product"]["log"]
    assert memories["product"]["early"] == set()


def test_the_search_sees_what_is_being_read_now(memories):
    assert memories["product"]["late"] & set(SOUND)
    assert memories["product"]["late"] & set(PIXELS)


def test_a_build_that_keeps_what_is_past_is_caught(memories):
    assert {"f32le", "rgb"} <= memories["hoarding"]["early"]


FREED = """
import sys
import numpy as np
import traces
from edge_affect.privacy.gate import Gate
from edge_affect.sensing import memory
said = memory.overwrite_freed() if sys.argv[1] == "overwriting" else "kept"
walls = []
for n in (500, 8_000, 22_000):
    kept = []
    for _ in range(4):
        kept.append(np.arange(n, dtype=np.int32) * 12345)
        # something that stays behind each, so that what is freed is not handed back to the kernel
        walls.append(np.ones(n, dtype=np.int32))
    del kept
# never the bytes themselves, only their mirror image, so that the search does not find itself; not
# the first ones, where malloc keeps its lists of free blocks
wanted = (np.arange(199, 99, -1, dtype=np.int32) * 12345).byteswap().tobytes()
found = 0
for content in traces.mappings("self", traces.is_own_memory):
    found += content[::-1].count(wanted)
print(found, said)
"""


def freed(mode):
    done = subprocess.run(
        [sys.executable, "-c", FREED, mode], capture_output=True, text=True, check=True,
        cwd=PROGRAM.parent,
        env=sense_environment(os.environ) | {"PYTHONPATH": f"{PROGRAM.parent}:{ROOT}"},
    )  # fmt: skip
    n_found, said = done.stdout.split(maxsplit=1)
    return int(n_found), said.strip()


def test_freed_memory_is_overwritten_and_without_that_it_is_not():
    assert freed("overwriting") == (0, "overwritten when freed")
    n_found, _ = freed("keeping")
    assert n_found > 0, "the search cannot find what was freed"


class Keeps:
    """A reader that holds on to what it was given."""

    def feed(self, block):
        self.block = block
        assert block.samples.any()
        return ()

    def observe(self, frame):
        self.frame = frame
        assert frame.pixels.any()
        return FaceObservation(0, (), frame.captured_ns)


def test_blocks_and_frames_are_overwritten_once_analysed():
    keeps = Keeps()
    fusion = SceneFusion(Config().fusion)
    gate = Gate(1)
    stages = Stages(voice=keeps, face=keeps, fusion=fusion, gate=gate)
    pipeline = Pipeline(stages, MonotonicClock())
    pipeline.on_block(AudioBlock(np.full(160, 0.5, np.float32), 0))
    pipeline.on_frame(VideoFrame(np.full((4, 4, 3), 200, np.uint8), 0))
    assert not keeps.block.samples.any()
    assert not keeps.frame.pixels.any()


def test_read_only_memory_is_left_alone():
    constant = np.ones(4)
    constant.flags.writeable = False
    memory.overwrite(constant)
    assert constant.all()


LOCK = """
import json, resource, sys
from edge_affect.privacy.gate import Gate
from edge_affect.sensing import memory
limit = int(sys.argv[1])
if limit == -2:  # as where the administrator has lifted the limit
    memory._lift_limit = lambda: None
elif limit >= 0:
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (limit, limit))
said = memory.lock()
more = bytearray(64 << 20)  # must not fail
status = open("/proc/self/status").read()
print(json.dumps([said, int(status.split("VmLck:")[1].split()[0])]))
"""


def lock(limit):
    done = subprocess.run(
        [sys.executable, "-c", LOCK, str(limit)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def may_lock():
    is_unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY
    effective = Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0]
    return is_unlimited or bool(int(effective, 16) >> 14 & 1)  # CAP_IPC_LOCK


def test_memory_is_locked_where_allowed_without_growing():
    if not may_lock():
        pytest.skip("this user may not lock memory, and nobody lifted the limit")
    said, locked_kb = lock(-2)
    assert said == "locked against swap"
    assert locked_kb > 64 << 10


def test_a_limit_is_told_and_breaks_nothing():
    if may_lock() and os.geteuid() == 0 and lock(-1)[0] == "locked against swap":
        pytest.skip("root may lift every limit here")
    said, locked_kb = lock(8 << 20)
    assert said == (
        "not locked against swap: this user may lock 8 MB (LimitMEMLOCK=infinity lifts that)"
    )
    assert locked_kb == 0
