#!/bin/sh
# One login and one database for each application, made or brought up to date.
#
# Runs after every start of the server (postStart), so it must change nothing where all is as it should be. The image's own
# place for such a script, docker-entrypoint-initdb.d, is read only while the volume is empty: an application that is added
# to a node later would never get its database.
#
# Each folder under $MININODE_SECRETS is one application's Secret: username, database, password. A password reaches psql by
# its file: never as an argument, never in a log line.
set -eu

# What a postStart hook prints goes nowhere; the server's own output is what people read.
if [ -w /proc/1/fd/1 ]; then exec >/proc/1/fd/1 2>&1; fi

here=$(dirname "$0")
seconds=0
# Over TCP on purpose: while the image prepares an empty volume it runs a server on the socket only, and that one stops again.
until pg_isready --quiet --host 127.0.0.1 --port "${PGPORT:-5432}"; do
    seconds=$((seconds + 1))
    # Recovery after a crash may take minutes; a server that is not there after ten is restarted by the kubelet.
    if [ "$seconds" -gt 600 ]; then
        echo "roles: the server did not answer within 600 s" >&2
        exit 1
    fi
    sleep 1
done

# The superuser's too: databases that were kept while their Secrets were lost would else have one that nobody knows.
if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    MININODE_PASSWORD_FILE=$POSTGRES_PASSWORD_FILE psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --username postgres --dbname postgres --file "$here/superuser.sql"
fi

for secret in "$MININODE_SECRETS"/*/; do
    MININODE_PASSWORD_FILE="${secret}password" psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --username postgres --dbname postgres \
        --set=role="$(cat "${secret}username")" --set=database="$(cat "${secret}database")" \
        --file "$here/role.sql"
    echo "roles: $(cat "${secret}database") is there"
done

# From now on there is something to lose: guard.sh makes no empty database any more where this one is missing.
if [ -n "${PGDATA:-}" ]; then touch "$(dirname "$PGDATA")/served"; fi
