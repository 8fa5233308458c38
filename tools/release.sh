#!/bin/sh
# Builds a release of the last commit: wheel, source archive and SHA256SUMS, the same bits from the
# same commit whoever builds them. With a key, SHA256SUMS is signed.
#
# usage: tools/release.sh DEST [KEY]
#   DEST   folder to write to
#   KEY    ssh private key to sign with; `ssh-keygen -t ed25519 -f release-key` makes one
#
# People check it with install.sh --from DEST --signers FILE, where FILE has the line
#   edge-affect-release namespaces="edge-affect-release" ssh-ed25519 AAAA...
# Exit codes: 64 usage, 65 the tree has changes that are not committed, 66 no key, 69 a tool is missing.
set -eu
umask 022
LC_ALL=C
export LC_ALL

stop() { code=$1; shift; printf 'release: %s\n' "$*" >&2; exit "$code"; }

[ $# -ge 1 ] && [ $# -le 2 ] || stop 64 "say tools/release.sh DEST [KEY]."
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
dest=$(cd "$1" && pwd)
key=${2:-}
[ -z "$key" ] || [ -f "$key" ] || stop 66 "there is no key $key."
cd "$root"
[ -z "$(git status --porcelain --untracked-files=no)" ] ||
    stop 65 "there are changes that are not committed; a release is made of a commit."
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree" "$work/built"
git archive --format=tar HEAD | tar -x -C "$work/tree"

# Another version of the build tool could write other bits.
tool=$(sed -n 's/^setuptools==/setuptools==/p' requirements/constraints.txt)
test -x .venv-release/bin/python || ${PYTHON:-python3} -m venv .venv-release
.venv-release/bin/python -m pip install --quiet --disable-pip-version-check "$tool" ||
    stop 69 "pip could not install $tool; check the network."
(
    cd "$work/tree"
    "$root/.venv-release/bin/python" - "$work/built" >"$work/log" 2>&1 <<'PYTHON'
import sys
from setuptools import build_meta
dest = sys.argv[1]  # setuptools writes arguments of its own into sys.argv
build_meta.build_sdist(dest)
build_meta.build_wheel(dest)
PYTHON
) || { cat "$work/log" >&2; stop 69 "the package could not be built."; }

[ -f "$(echo "$work"/built/*.whl)" ] || stop 69 "the build made no wheel."
# setuptools dates a source archive by the clock: packed again, in order, with the commit's date.
archive=$(basename "$work"/built/*.tar.gz)
mkdir "$work/unpacked"
tar -xzf "$work/built/$archive" -C "$work/unpacked"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu \
    --mode=u+rwX,go+rX,go-w -C "$work/unpacked" -c "${archive%.tar.gz}" | gzip -9n >"$work/built/$archive"

rm -f "$dest"/edge_affect-* "$dest/SHA256SUMS" "$dest/SHA256SUMS.sig"
cp "$work"/built/edge_affect-* "$dest"
(cd "$dest" && sha256sum edge_affect-* >SHA256SUMS)
if [ -n "$key" ]; then
    ssh-keygen -q -Y sign -f "$key" -n edge-affect-release "$dest/SHA256SUMS" 2>/dev/null ||
        stop 66 "ssh-keygen could not sign with $key."
fi
cat "$dest/SHA256SUMS"
