#!/bin/sh
# Whether a volume can carry a node's data, found out by doing on it what its application will do, as the application's user.
#
# The last line that it prints before it fails is what people read in the node's status: what was found, and what to do.
# Variables: MININODE_VOLUME (its name), MININODE_WANTED_BYTES (its size by the node's spec), MININODE_FREE_BYTES (how much
# must be free whatever it holds), MININODE_ACCESS_LISTS and MININODE_ON_FOLDER (true or false), MININODE_FOLDER.
set -eu

folder=${MININODE_FOLDER:-/volume}
owner="$(stat -c '%u:%g' "$folder"), mode $(stat -c '%a' "$folder")"

fail() {
    echo "$MININODE_VOLUME: $*"
    exit 1
}

gib() { # gib BYTES
    echo "$(($1 / 1073741824)).$(($1 % 1073741824 * 10 / 1073741824)) GiB"
}

if [ "$MININODE_ON_FOLDER" = true ] && [ $((0$(stat -c '%a' "$folder") & 2)) -ne 0 ]; then
    fail "everybody on the machine may write to its folder ($owner): say chmod o-w on it, or prepare the folders again"
fi

# What a trial that was killed left behind.
rm -rf "$folder"/.mininode-trial.* 2>/dev/null || true
if ! trial=$(mktemp -d "$folder/.mininode-trial.XXXXXXXX" 2>&1); then
    fail "user $(id -u) can't write to it, it belongs to $owner (${trial##*: }): prepare the folders again, see docs/components/storage.md"
fi
trap 'rm -rf "$trial"' EXIT

if ! said=$(dd if=/dev/zero of="$trial/file" bs=65536 count=16 conv=fsync 2>&1); then
    fail "what is written does not reach the disk: $(echo "$said" | head -n 1)"
fi
[ "$(stat -c '%s' "$trial/file")" -eq 1048576 ] || fail "a file of 1 MiB came out shorter: is the disk full, or over its quota?"
mv "$trial/file" "$trial/renamed" 2>/dev/null || fail "files on it can't be renamed: its file system is not fit for databases"
chmod 0640 "$trial/renamed" && [ "$(stat -c '%a' "$trial/renamed")" = 640 ] ||
    fail "files on it do not keep their modes: use ext4, xfs, or another file system of Linux"
ln -s /elsewhere "$trial/link" 2>/dev/null && [ "$(readlink "$trial/link")" = /elsewhere ] ||
    fail "it takes no symbolic links: use ext4, xfs, or another file system of Linux"
if [ "$MININODE_ACCESS_LISTS" = true ] && ! said=$(perl "$(dirname "$0")/access-list.pl" "$trial/renamed" 2>&1); then
    fail "it takes no POSIX access lists ($said): use ext4 or xfs, mounted without the option noacl"
fi

# `df` of coreutils: what the disk holds at all, and what is free for this user.
set -- $(df --output=size,avail -B1 "$folder" | tail -n 1)
[ "$1" -ge "$MININODE_WANTED_BYTES" ] ||
    fail "its disk holds $(gib "$1") at all, and the node's spec wants $(gib "$MININODE_WANTED_BYTES"): a larger disk, or a smaller storage.sizes"
[ "$2" -ge "$MININODE_FREE_BYTES" ] ||
    fail "its disk has $(gib "$2") free, less than the $(gib "$MININODE_FREE_BYTES") that a node needs to start: free some space"
[ "$2" -ge "$MININODE_WANTED_BYTES" ] ||
    echo "$MININODE_VOLUME: note: $(gib "$2") free now, it may grow to $(gib "$MININODE_WANTED_BYTES")"
echo "$MININODE_VOLUME: ok, $owner, $(gib "$2") free of $(gib "$1")"
