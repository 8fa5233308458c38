"""The spool on a real disk: which file, whose it is, and what is written when."""

import random
import subprocess
import sys

import pytest
from spool_parts import Bench

from edge_affect.config import Publish
from edge_affect.errors import CannotWriteError
from edge_affect.publishing import spool as module
from edge_affect.publishing.outbox import Outbox
from edge_affect.publishing.outboxes import FILE_NAME, outbox_for
from edge_affect.publishing.ring import FileDisk


def test_the_configuration_decides(tmp_path):
    assert type(outbox_for(Publish())) is Outbox
    outbox = outbox_for(Publish(spool_dir=str(tmp_path), spool_max_mb=1, queue_size=5))
    assert (
        outbox.capacity
        == 15_625 + 5
        == Publish(spool_dir="x", spool_max_mb=1, queue_size=5).max_unsent
    )
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    outbox.close()


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path):
    with pytest.raises(CannotWriteError, match=r"cannot be used \(No such file or directory\)"):
        outbox_for(Publish(spool_dir=str(tmp_path / "nowhere")))
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(CannotWriteError, match="Is a directory"):
        outbox_for(Publish(spool_dir=str(tmp_path)))


def test_a_second_process_is_refused(tmp_path):
    outbox = outbox_for(Publish(spool_dir=str(tmp_path)))
    with pytest.raises(CannotWriteError, match="Another process uses the spool") as raised:
        outbox_for(Publish(spool_dir=str(tmp_path)))
    assert raised.value.exit_code == 73
    outbox.close()
    outbox_for(Publish(spool_dir=str(tmp_path))).close()


def test_a_disk_with_no_room_for_the_file_leaves_memory(tmp_path):
    """A limit on file sizes stands for a full disk; the kernel says EFBIG."""
    program = (
        "import resource, sys;"
        "from edge_affect.config import Publish;"
        "from edge_affect.publishing.outboxes import outbox_for;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2);"
        "print(outbox_for(Publish(spool_dir=sys.argv[1])).spool)"
    )
    for limit, state in ((100, "full"), (1 << 20, "on")):
        done = subprocess.run(
            [sys.executable, "-c", program, tmp_path, str(limit)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == state
        assert "Traceback" not in done.stderr


def test_a_real_file_is_written_and_read_whole(tmp_path):
    disk = FileDisk(tmp_path / "file")
    disk.write(b"abc", 5)
    disk.sync()
    assert (disk.size(), disk.read(10, 4)) == (8, b"\0abc")
    disk.truncate(6)
    assert disk.size() == 6
    disk.close()


def test_two_records_share_a_write_and_none_waits_two_seconds():
    """The thread's rhythm with a broker that is away, at one record a second with some jitter."""
    bench, rng = Bench(n_slots=400, capacity=400), random.Random(1)  # noqa: S311
    end_s, next_put_s = bench.now_s + 120, bench.now_s
    wake_s, oldest_s = bench.now_s, 0.0
    syncs = bench.platter.n_syncs
    while bench.now_s < end_s:
        bench.now_s = min(next_put_s, wake_s)
        if bench.now_s == next_put_s:
            bench.put()
            next_put_s += 1.0 + rng.uniform(-0.02, 0.02)
        else:
            since_s = bench.spool._oldest_unwritten_s()
            oldest_s = max(oldest_s, 0.0 if since_s is None else bench.now_s - since_s)
            bench.spool.commit()
            wake_s = bench.now_s + bench.spool._rest_s()
    assert bench.platter.n_syncs - syncs <= 62
    assert oldest_s <= module.HELD_AT_MOST_S + 0.011
    assert len(bench.spool) >= 118
