"""Numbers of the system calls that the filter judges or the cage makes, for each architecture.

Data from the kernel's own tables; None where an architecture does not have the call.
"""

from __future__ import annotations

ARCHITECTURES: tuple[str, ...] = ("x86_64", "aarch64", "arm")

NUMBERS: dict[str, tuple[int | None, int | None, int | None]] = {
    "socket": (41, 198, 281),
    "socketpair": (53, 199, 288),
    "connect": (42, 203, 283),
    "bind": (49, 200, 282),
    "listen": (50, 201, 284),
    "accept": (43, 202, 285),
    "accept4": (288, 242, 366),
    "sendto": (44, 206, 290),
    "sendmsg": (46, 211, 296),
    "sendmmsg": (307, 269, 374),
    "recvmsg": (47, 212, 297),
    "recvmmsg": (299, 243, 365),
    "recvmmsg_time64": (None, None, 417),
    "unshare": (272, 97, 337),
    "setns": (308, 268, 375),
    "clone": (56, 220, 120),
    "clone3": (435, 435, 435),
    "fork": (57, None, 2),
    "vfork": (58, None, 190),
    "execve": (59, 221, 11),
    "execveat": (322, 281, 387),
    "mount": (165, 40, 21),
    "umount2": (166, 39, 52),
    "pivot_root": (155, 41, 218),
    "chroot": (161, 51, 61),
    "move_mount": (429, 429, 429),
    "open_tree": (428, 428, 428),
    "fsopen": (430, 430, 430),
    "fsconfig": (431, 431, 431),
    "fsmount": (432, 432, 432),
    "fspick": (433, 433, 433),
    "mount_setattr": (442, 442, 442),
    "ptrace": (101, 117, 26),
    "process_vm_readv": (310, 270, 376),
    "process_vm_writev": (311, 271, 377),
    "process_madvise": (440, 440, 440),
    "process_mrelease": (448, 448, 448),
    "kcmp": (312, 272, 378),
    "pidfd_open": (434, 434, 434),
    "pidfd_getfd": (438, 438, 438),
    "pidfd_send_signal": (424, 424, 424),
    "kill": (62, 129, 37),
    "tgkill": (234, 131, 268),
    "tkill": (200, 130, 238),
    "rt_sigqueueinfo": (129, 138, 178),
    "rt_tgsigqueueinfo": (297, 240, 363),
    "setpriority": (141, 140, 97),
    "prlimit64": (302, 261, 369),
    "move_pages": (279, 239, 344),
    "migrate_pages": (256, 238, 400),
    "bpf": (321, 280, 386),
    "perf_event_open": (298, 241, 364),
    "userfaultfd": (323, 282, 388),
    "fanotify_init": (300, 262, 367),
    "name_to_handle_at": (303, 264, 370),
    "open_by_handle_at": (304, 265, 371),
    "io_uring_setup": (425, 425, 425),
    "io_uring_enter": (426, 426, 426),
    "io_uring_register": (427, 427, 427),
    "keyctl": (250, 219, 311),
    "add_key": (248, 217, 309),
    "request_key": (249, 218, 310),
    "open": (2, None, 5),
    "openat": (257, 56, 322),
    "openat2": (437, 437, 437),
    "creat": (85, None, 8),
    "ioctl": (16, 29, 54),
    "prctl": (157, 167, 172),
    "acct": (163, 89, 51),
    "reboot": (169, 142, 88),
    "swapon": (167, 224, 87),
    "swapoff": (168, 225, 115),
    "syslog": (103, 116, 103),
    "vhangup": (153, 58, 111),
    "quotactl": (179, 60, 131),
    "quotactl_fd": (443, 443, 443),
    "init_module": (175, 105, 128),
    "finit_module": (313, 273, 379),
    "delete_module": (176, 106, 129),
    "kexec_load": (246, 104, 347),
    "kexec_file_load": (320, 294, 401),
    "modify_ldt": (154, None, None),
    "lookup_dcookie": (212, 18, 249),
    "seccomp": (317, 277, 383),
    "landlock_create_ruleset": (444, 444, 444),
    "landlock_add_rule": (445, 445, 445),
    "landlock_restrict_self": (446, 446, 446),
}

NEWEST_KNOWN = 462
"""Calls above this number (mseal) did not exist when the table was written and answer ENOSYS."""


def number(name: str, architecture: str) -> int | None:
    """Return the number of a system call, or None where the architecture lacks it.

    >>> number("socket", "aarch64")
    198
    """
    return NUMBERS[name][ARCHITECTURES.index(architecture)]
