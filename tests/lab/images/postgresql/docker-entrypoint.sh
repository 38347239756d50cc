#!/bin/bash
# The part of the official image's entry point that our chart relies on: an empty PGDATA is prepared with POSTGRES_PASSWORD
# or POSTGRES_PASSWORD_FILE and POSTGRES_INITDB_ARGS, then the command runs as it is given. What lies in PGDATA already is
# left alone. Not here: docker-entrypoint-initdb.d, POSTGRES_USER, POSTGRES_DB, the step down from root.
set -eu

if [ $# = 0 ] || [ "${1#-}" != "$1" ]; then
    set -- postgres "$@"
fi

if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    fi
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
        echo "Error: Database is uninitialized and superuser password is not specified." >&2
        exit 1
    fi
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA"
    # Its words are separate arguments: as in the official image they are not quoted.
    # shellcheck disable=SC2086
    initdb --username=postgres --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    echo "PostgreSQL init process complete; ready for start up."
fi
unset POSTGRES_PASSWORD

exec "$@"
