#!/bin/sh
# Runs a command in a Debian root of its own: made once with debootstrap, then used as the lower,
# read-only layer of an overlay in namespaces of its own, so that no run can spoil the next one.
#
# usage: tools/debian_root.sh make SUITE [ARCH]               make or find the root, print its folder
#        tools/debian_root.sh run SUITE [ARCH] [options] -- COMMAND [ARGUMENT]...
#        tools/debian_root.sh drop SUITE [ARCH] [--layer NAME]  remove a root, or one layer of it
#        tools/debian_root.sh disk SUITE [ARCH] [--layer NAME] FILE
#                                                    write it to FILE as an ext4 disk, with 2 GB free
#
# SUITE            bookworm (Debian 12) or trixie (Debian 13)
# ARCH             amd64 or arm64; default: this machine's. A foreign one runs under qemu-user
# --layer NAME     keep what is written in this layer, and find it there the next time
# --bind FROM:TO   show a folder of this machine inside, read-only; repeatable
# --bind-rw FROM:TO  the same, to be written to
# --chdir DIR      start there
# --env NAME=VALUE   set in the environment, which is otherwise a fresh one; repeatable
#
# Needs root, debootstrap and, for a foreign ARCH, qemu-user-static and binfmt_misc. Roots are in
# EDGE_AFFECT_ROOTS (default /var/tmp/edge-affect-debian); packages come from EDGE_AFFECT_MIRROR
# (default http://deb.debian.org/debian). How this machine reaches the package registries (apt's
# Acquire options, pip's configuration, proxies, its certificate authorities) is shown to the
# command at run time and never kept.
# Exit codes: that of the command; 64 usage, 69 something needed is not here.
set -eu

say() { printf '== %s\n' "$*" >&2; }
stop() { code=$1; shift; printf 'debian-root: %s\n' "$*" >&2; exit "$code"; }

roots=${EDGE_AFFECT_ROOTS:-/var/tmp/edge-affect-debian}
mirror=${EDGE_AFFECT_MIRROR:-http://deb.debian.org/debian}
# What every Debian and Raspberry Pi OS has; the rest is the installer's business.
packages=systemd,ca-certificates,python3,tzdata

here_arch() { case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac; }

goal=${1:-}
suite=${2:-}
case $goal in
    make | run | drop | disk) ;;
    *) stop 64 "say make, run, drop or disk; see the top of this file." ;;
esac
case $suite in bookworm | trixie) ;; *) stop 64 "say bookworm or trixie; see the top of this file." ;; esac
shift 2
arch=$(here_arch)
case ${1:-} in amd64 | arm64) arch=$1; shift ;; esac
[ "$(id -u)" = 0 ] || stop 69 "a Debian root can be made and entered by root only."
base=$roots/$suite-$arch

need() { command -v "$1" >/dev/null 2>&1 || stop 69 "there is no $1 here; install the package $2."; }

register_qemu() { # so that the kernel starts programs of arm64 in every root
    folder=/proc/sys/fs/binfmt_misc
    [ -e "$folder/register" ] || mount -t binfmt_misc binfmt_misc "$folder" 2>/dev/null ||
        stop 69 "this kernel has no binfmt_misc, so programs of $arch cannot be run here."
    [ ! -e "$folder/qemu-aarch64" ] || return 0
    need qemu-aarch64-static qemu-user-static
    magic='\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
    mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    # F: opened now, so that it need not be inside the roots.
    printf '%s' ":qemu-aarch64:M::$magic:$mask:$(command -v qemu-aarch64-static):F" \
        >"$folder/register" || stop 69 "qemu could not be registered with the kernel for $arch."
}

make_base() {
    [ "$arch" = "$(here_arch)" ] || register_qemu
    [ ! -e "$base/.complete" ] || return 0
    need debootstrap debootstrap
    mkdir -p "$roots"
    exec 8>"$roots/.$suite-$arch.lock"
    flock 8
    [ ! -e "$base/.complete" ] || { exec 8>&-; return 0; }
    say "Making a root of Debian $suite for $arch in $base (minutes; once)"
    rm -rf --one-file-system "$base"
    nice debootstrap --variant=minbase --arch="$arch" --include="$packages" \
        --cache-dir="$(mkdir -p "$roots/cache" && cd "$roots/cache" && pwd)" \
        "$suite" "$base" "$mirror" >"$base.log" 2>&1 ||
        stop 69 "debootstrap could not make a root of $suite for $arch; its log is $base.log."
    # Throw-away roots need not survive a power cut.
    echo force-unsafe-io >"$base/etc/dpkg/dpkg.cfg.d/unsafe-io"
    printf '#!/bin/sh\nexit 101\n' >"$base/usr/sbin/policy-rc.d"
    chmod 755 "$base/usr/sbin/policy-rc.d"
    {
        echo "deb $mirror $suite main"
        echo "deb $mirror $suite-updates main"
    } >"$base/etc/apt/sources.list"
    touch "$base/.complete"
    exec 8>&-
}

if [ "$goal" = make ]; then
    make_base
    printf '%s\n' "$base"
    exit 0
fi

layer=""
binds=""
chdir=/
environment=""
while [ $# -gt 0 ]; do
    case $1 in
        --layer) [ $# -gt 1 ] || stop 64 "--layer needs a name."; layer=$2; shift ;;
        --bind) [ $# -gt 1 ] || stop 64 "--bind needs FROM:TO."; binds="$binds ro:$2"; shift ;;
        --bind-rw) [ $# -gt 1 ] || stop 64 "--bind-rw needs FROM:TO."; binds="$binds rw:$2"; shift ;;
        --chdir) [ $# -gt 1 ] || stop 64 "--chdir needs a folder."; chdir=$2; shift ;;
        --env) [ $# -gt 1 ] || stop 64 "--env needs NAME=VALUE."; environment="$environment $2"; shift ;;
        --) shift; break ;;
        [!-]*) [ "$goal" = disk ] && [ $# = 1 ] || stop 64 "$1 is not expected; see the top of this file."; break ;;
        *) stop 64 "unknown option $1; see the top of this file." ;;
    esac
    shift
done

if [ "$goal" = drop ]; then
    if [ -n "$layer" ]; then rm -rf --one-file-system "$roots/layers/$suite-$arch-$layer"; else rm -rf --one-file-system "$base"; fi
    exit 0
fi

if [ "$goal" = disk ]; then
    [ $# = 1 ] || stop 64 "which file is the disk to be?"
    make_base
    need mke2fs e2fsprogs
    upper=$base
    if [ -n "$layer" ]; then
        upper=$roots/layers/$suite-$arch-$layer/up
        [ -d "$upper" ] || stop 69 "$suite-$arch has no layer $layer; a run makes one."
        exec 8>"$roots/layers/$suite-$arch-$layer.lock"
        flock -n 8 || stop 69 "the layer $layer of $suite-$arch is in use by another run."
    fi
    view=$(mktemp -d)
    trap 'rmdir "$view"' EXIT
    rm -f "$1"
    # Folders that are one over the other may only be read, which is all that is wanted.
    unshare --mount sh -euc 'mount --make-rprivate /
        if [ "$2" = "$3" ]; then mount --bind "$2" "$1"; else mount -t overlay -o "ro,lowerdir=$2:$3" overlay "$1"; fi
        mke2fs -q -t ext4 -d "$1" "$4" "$(($(du -sm "$1" | cut -f1) + 2048))M"' sh "$view" "$upper" "$base" "$1" ||
        stop 69 "the disk $1 could not be written."
    exit 0
fi

[ $# -gt 0 ] || stop 64 "which command? Write it after --."
make_base
need unshare util-linux
# One for each root: apt locks it.
cache=$roots/cache/$suite-$arch
mkdir -p "$roots/layers" "$cache"
if [ -n "$layer" ]; then
    work=$roots/layers/$suite-$arch-$layer
    mkdir -p "$work"
    exec 8>"$work.lock"
    flock -n 8 || stop 69 "the layer $layer of $suite-$arch is in use by another run."
else
    work=$(mktemp -d "$roots/layers/$suite-$arch-XXXXXX")
    trap 'rm -rf --one-file-system "$work"' EXIT
    trap 'exit 69' INT TERM HUP
fi
mkdir -p "$work/up" "$work/work" "$work/root" "$work/machine"

# How this machine reaches the registries.
: >"$work/machine/pip.conf"
for file in /etc/pip.conf "$HOME/.config/pip/pip.conf"; do
    # The last one wins, as with pip; what names folders of this machine is of no use inside.
    [ ! -r "$file" ] || grep -vE '^ *(cert|constraint|find-links|extra-index-url) *=' "$file" \
        >"$work/machine/pip.conf" || true
done
for name in PIP_INDEX_URL PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT http_proxy https_proxy no_proxy; do
    value=$(printenv "$name" || true)
    [ -z "$value" ] || environment="$environment $name=$value"
done
[ ! -r /etc/ssl/certs/ca-certificates.crt ] ||
    cp /etc/ssl/certs/ca-certificates.crt "$work/machine/ca.crt"
cp -L /etc/resolv.conf "$work/machine/resolv.conf" 2>/dev/null || : >"$work/machine/resolv.conf"
apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https|Check-|Retries|ForceIP)' \
    >"$work/machine/apt.conf" || true

if [ "$arch" = arm64 ] && [ "$(here_arch)" != arm64 ]; then
    # The cores of a Raspberry Pi 4.
    printf 'processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\n' \
        >"$work/machine/cpuinfo"
    printf 'CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n' \
        >>"$work/machine/cpuinfo"
    environment="$environment QEMU_CPU=cortex-a72"
fi

cat >"$work/enter.sh" <<'ENTER'
set -eu
base=$1 work=$2 cache=$3 binds=$4; shift 4
mount --make-rprivate /
mount -t overlay -o "lowerdir=$base,upperdir=$work/up,workdir=$work/work" overlay "$work/root"
cd "$work/root"
mkdir -p proc sys dev run tmp run/machine .outside var/cache/apt/archives
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p run/machine run/lock
mount --bind "$work/machine" run/machine
mount --bind "$cache" var/cache/apt/archives
for file in etc/resolv.conf:resolv.conf etc/apt/apt.conf.d/90machine:apt.conf etc/pip.conf:pip.conf; do
    # What is there may be a link to somewhere else.
    [ -f "${file%%:*}" ] && [ ! -L "${file%%:*}" ] || { rm -f "${file%%:*}"; : >"${file%%:*}"; }
    mount --bind "$work/machine/${file#*:}" "${file%%:*}"
done
# Every installed system has this; debootstrap leaves it to the installer.
grep -qs localhost etc/hosts || printf '127.0.0.1 localhost\n::1 localhost\n' >>etc/hosts
# A foreign processor is described as one: the runtime of the models reads this to choose its
# kernels, and crashes on another architecture's.
[ ! -f "$work/machine/cpuinfo" ] || mount --bind "$work/machine/cpuinfo" proc/cpuinfo
for bind in $binds; do
    mode=${bind%%:*} pair=${bind#*:}
    from=${pair%%:*} to=${pair#*:}
    if [ -d "$from" ]; then mkdir -p ".$to"; else mkdir -p ".$(dirname "$to")"; touch ".$to"; fi
    mount --bind "$from" ".$to"
    [ "$mode" = rw ] || mount -o remount,bind,ro ".$to"
done
# Not chroot alone, inside of which the kernel allows no namespace of a user.
pivot_root . .outside
exec chroot . /bin/sh -c 'umount -l /.outside && cd "$0" && exec "$@"' "$@"
ENTER

# shellcheck disable=SC2086  # lists of NAME=VALUE
unshare --mount --pid --fork --kill-child --uts --ipc \
    sh "$work/enter.sh" "$base" "$work" "$cache" "$binds" "$chdir" \
    env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PIP_CERT=/run/machine/ca.crt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    $environment "$@"
