#!/bin/sh
# Starts the server once no other has the volume. The lock is the kernel's, so it ends with the last process of the server,
# however that ends. PostgreSQL's own lock file holds a process number, which means nothing in another container: after a
# pod was deleted by force two servers would write to the same files.
set -eu

exec 9>"$(dirname "$PGDATA")/lock"
# Longer than the old pod gets to stop.
if ! flock --timeout "${MININODE_LOCK_SECONDS:-150}" 9; then
    echo "serve: another server still has these databases. Wait until the old pod is gone; if there is none, look for a process postgres on the machine"
    exit 1
fi
exec docker-entrypoint.sh "$@"
