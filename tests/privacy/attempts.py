"""Ways out of the sensing process, each tried for real by ``prisoner.py``.

An attempt raises ``OSError`` where it is stopped and returns where it works. The product's own
probes come on top of these; here are the ones that need a helper outside, or that do real harm.
"""

import array
import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import threading
from pathlib import Path

from edge_affect.sensing import kernel, syscalls

LIBC = ctypes.CDLL(None, use_errno=True)
SHARED_MEMORY_KEY = 0x0EDAFFEC


class Surroundings:
    """What the test prepared outside.

    Attributes:
        folder: A folder below /tmp with ``secret.txt``, a pipe ``fifo`` and a datagram socket
            ``listener``; also the working folder at start.
        readable: A folder below /tmp that the policy keeps readable, with a pipe ``fifo``.
        records_fd: Connected datagram socket.
        folder_fd: Inherited descriptor of ``folder``; not in the policy.
        other_pid: Another process of the same user.
    """

    def __init__(self, folder, readable, records_fd, folder_fd, other_pid):
        self.folder = Path(folder)
        self.readable = Path(readable)
        self.records_fd = int(records_fd)
        self.folder_fd = int(folder_fd)
        self.other_pid = int(other_pid)

    def records(self):
        return socket.socket(fileno=os.dup(self.records_fd))


def number(name):
    return syscalls.number(name, kernel.architecture())


def send_datagram_to_resolver(_):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as query:
        query.sendto(b"picture", ("127.0.0.1", 53))


def pass_descriptor(outside):
    with outside.records() as records:
        rights = array.array("i", [0])
        records.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def receive_descriptor(outside):
    with outside.records() as records:
        try:
            records.recvmsg(1, 64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return


def send_records_elsewhere(outside):
    with outside.records() as records:
        records.sendto(b"picture", str(outside.folder / "listener"))


def reconnect_records(outside):
    with outside.records() as records:
        records.connect(str(outside.folder / "listener"))


def listen_on_abstract_name(_):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind("\0edge-affect-door")
        door.listen()


def make_socket_pair(_):
    for end in socket.socketpair():
        end.close()


def write_to_any_mount(_):
    """Try every mounted folder, whatever it is for; refused only if all refuse."""
    refusal = None
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        folder = Path(line.split()[4].encode().decode("unicode_escape"))
        path = folder / f".edge-affect-attempt-{os.getpid()}"
        try:
            path.write_bytes(b"picture")
        except OSError as error:
            refusal = error
        else:
            path.unlink()
            return
    raise refusal


def make_folder(outside):
    path = outside.readable / f"made-{os.getpid()}"
    path.mkdir()
    path.rmdir()


def make_link(outside):
    path = outside.readable / f"link-{os.getpid()}"
    path.symlink_to("picture")
    path.unlink()


def mark_kept_file(outside):
    os.setxattr(outside.readable / "model.bin", "user.picture", b"picture")


def dump_core(_):
    """Die in a way that leaves all memory in a file; never returns."""
    os.kill(os.getpid(), signal.SIGABRT)


def raise_core_limit(_):
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
    except ValueError:
        raise PermissionError(errno.EPERM, "core limit") from None


def use_inherited_folder(outside):
    os.close(os.open("secret.txt", os.O_RDONLY, dir_fd=outside.folder_fd))


def read_working_folder(_):
    os.close(os.open("secret.txt", os.O_RDONLY))


def read_covered_file(outside):
    os.close(os.open(outside.folder / "secret.txt", os.O_RDONLY))


def write_kept_folder(outside):
    path = outside.readable / f"written-{os.getpid()}"
    path.write_bytes(b"picture")
    path.unlink()


def write_named_pipe(outside):
    os.close(os.open(outside.readable / "fifo", os.O_RDWR | os.O_NONBLOCK))


def truncate_kept_file(outside):
    os.truncate(outside.readable / "model.bin", 0)


def rename_kept_file(outside):
    (outside.readable / "model.bin").rename(outside.readable / "model.bin")
    os.utime(outside.readable / "model.bin")


def write_own_name(_):
    Path("/proc/self/comm").write_text("picture", encoding="ascii")


def set_own_name(_):
    kernel.prctl(kernel.PR_SET_NAME, ctypes.addressof(ctypes.create_string_buffer(b"picture")))


def allow_core_dumps(_):
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)


def fork(_):
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def run_program(_):
    subprocess.run(["/bin/true"], check=True)


def spawn_program(_):
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def read_memory_of_other(outside):
    with Path(f"/proc/{outside.other_pid}/mem").open("rb"):
        return


def read_environment_of_other(outside):
    Path(f"/proc/{outside.other_pid}/environ").read_bytes()


def reach_files_of_other(outside):
    Path(f"/proc/{outside.other_pid}/root/etc").stat()


def signal_other(outside):
    os.kill(outside.other_pid, 0)


def signal_own_group(_):
    os.kill(0, signal.SIGCONT)


def thread_signal_other(outside):
    kernel.system_call(number("tgkill"), outside.other_pid, outside.other_pid, 0)


def blind_thread_signal(outside):
    kernel.system_call(number("tkill"), outside.other_pid, 0)


def slow_down_other(outside):
    # 19, the lowest priority: an ordinary user may go down from wherever the tests were started.
    kernel.system_call(number("setpriority"), 0, outside.other_pid, 19)


def limit_other(outside):
    kernel.system_call(number("prlimit64"), outside.other_pid, 7, 0, 0)


def make_namespace_by_clone(_):
    """Clone with CLONE_NEWUSER; the child, if any, leaves at once."""
    child = kernel.system_call(number("clone"), kernel.CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def unmount_run(_):
    kernel.umount("/run", 2)


def mount_over_tmp(_):
    kernel.mount("tmpfs", "/tmp", "tmpfs", 0)


def remount_writable(_):
    kernel.mount(None, "/", None, kernel.MS_BIND | kernel.MS_REMOUNT)


def change_root(_):
    os.chroot("/usr")


def find_shared_memory(_):
    if LIBC.shmget(SHARED_MEMORY_KEY, 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "shmget")


def openat2_reachable(_):
    kernel.system_call(437, -100, 0, 0, 0)


def network_file_handle(_):
    handle = ctypes.create_string_buffer(8)
    mount_id = ctypes.c_int()
    kernel.system_call(
        number("name_to_handle_at"), -100, ctypes.c_char_p(b"/"), handle, ctypes.byref(mount_id), 0
    )


def future_call(_):
    kernel.system_call(463, -1, 0, 0, 0)  # setxattrat, newer than the table


ATTEMPTS = {
    f.__name__.replace("_", "-"): f
    for f in (
        send_datagram_to_resolver, pass_descriptor, receive_descriptor, send_records_elsewhere,
        reconnect_records, listen_on_abstract_name, make_socket_pair, use_inherited_folder,
        read_working_folder, read_covered_file, write_to_any_mount, write_kept_folder, make_folder,
        make_link, mark_kept_file, write_named_pipe, truncate_kept_file, rename_kept_file,
        write_own_name, set_own_name, raise_core_limit, allow_core_dumps, fork, run_program,
        spawn_program, read_memory_of_other, read_environment_of_other, reach_files_of_other,
        signal_other, signal_own_group, thread_signal_other, blind_thread_signal, slow_down_other,
        limit_other, make_namespace_by_clone, unmount_run, mount_over_tmp, remount_writable,
        change_root, find_shared_memory, dump_core, openat2_reachable, network_file_handle,
        future_call,
    )
}  # fmt: skip

GOT_THROUGH = {
    "openat2-reachable": {errno.EINVAL, errno.EFAULT},
    "network-file-handle": {errno.EOVERFLOW},
    "future-call": {errno.EBADF, errno.EINVAL, errno.EFAULT},
}
"""Attempts with nonsense arguments: these errors say that the kernel would have done it."""


def must_still_work(outside):
    """Do what sensing needs; anything raised here is a cage that is too tight."""
    worker = threading.Thread(target=os.getpid)
    worker.start()
    worker.join()
    os.kill(os.getpid(), 0)
    (outside.readable / "model.bin").read_bytes()
    with outside.records() as records:
        records.send(b"record")
    with Path("/dev/urandom").open("rb") as source:
        source.read(16)
