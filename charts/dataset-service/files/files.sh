#!/bin/sh
# The dataset service's own folders and the static files that it serves, before it starts: its data explorer (a page of the
# browser), that one's settings, and the index of the Helm repository from which workspaces are offered.
#
# The kubelet makes a folder that a mount names by subPath and that is not there yet, but as root's: so all are made here, by the user
# that writes to them. Nothing that a site or the service itself put there is replaced, but for what an image brings anew.
# Variables: MININODE_DATA (the volume), MININODE_FILES (from the chart), MININODE_EXPLORER and MININODE_CATALOGUE (from images,
# if there are any).
set -eu
umask 027

fail() {
    echo "files: $*"
    exit 1
}

cd "$MININODE_DATA"
for folder in log on-event-jobs ui project-logos output-files output-files/charts datalakeinfo; do
    mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ] ||
        fail "$folder of the volume dataset-service-data can't be written to by user $(id -u): it belongs to $(stat -c '%u:%g' "$folder" 2>/dev/null || echo nobody). Give it to that user with chown"
done

put() { # put FROM TO: whole or not at all, and only if it differs
    if ! cmp -s "$1" "$2"; then
        cp "$1" "$2.new"
        chmod 0640 "$2.new"
        mv "$2.new" "$2"
        echo "files: $2 written"
    fi
}

renew() { # renew FROM TO: a folder that an image brings, when it is another one than last time
    [ -n "$(ls -A "$1" 2>/dev/null)" ] || return 0
    sum=$(cd "$1" && find . -type f -exec cksum {} + | sort | cksum)
    [ "$(cat "$2/.mininode" 2>/dev/null)" != "$sum" ] || return 0
    rm -rf "$2.new" "$2.old"
    cp -R "$1" "$2.new"
    echo "$sum" >"$2.new/.mininode"
    mv "$2" "$2.old"
    mv "$2.new" "$2"
    rm -rf "$2.old"
    echo "files: $2 is new"
}

# A swap that was cut off between its two steps.
for folder in ui output-files/charts; do
    if [ -d "$folder.old" ] && [ -z "$(ls -A "$folder")" ]; then
        rmdir "$folder"
        mv "$folder.old" "$folder"
    fi
done
renew "$MININODE_EXPLORER" ui
renew "$MININODE_CATALOGUE" output-files/charts

put "$MININODE_FILES/config.json" ui/config.json
# Our page says that the explorer is not there yet; it gives way to any other.
if [ ! -e ui/index.html ] || grep -q 'name="generator" content="mininode"' ui/index.html; then
    put "$MININODE_FILES/index.html" ui/index.html
fi
if [ ! -e output-files/charts/index.yaml ]; then
    put "$MININODE_FILES/index.yaml" output-files/charts/index.yaml
fi
