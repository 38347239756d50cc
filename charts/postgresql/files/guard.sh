#!/bin/sh
# Whether this version of PostgreSQL may use the files in the volume; runs before the server. It never changes a database.
#
# PostgreSQL refuses another major version's files by itself, but says so in a way that helps nobody who did not choose the
# version, and an image that finds no database where one should be makes an empty one without a word.
set -eu

volume=$(dirname "$PGDATA")
own=$(postgres --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')

fail() {
    echo "guard: $*"
    exit 1
}

if [ -s "$PGDATA/PG_VERSION" ]; then
    found=$(cat "$PGDATA/PG_VERSION")
    [ "$found" = "$own" ] ||
        fail "the databases are PostgreSQL $found's and this is PostgreSQL $own, which can't read them. Nothing was changed. Set spec.components.postgresql.image to an image of PostgreSQL $found again, as it was before"
    if [ -e "$PGDATA/global/pg_control" ]; then
        echo "guard: databases of PostgreSQL $found are there"
        exit 0
    fi
    [ ! -e "$volume/served" ] ||
        fail "the file global/pg_control of a database that was in use is missing: the disk, or somebody, lost a part of it. Nothing was changed. Put the folder back from a backup"
    # The very first start was cut off while the files were being made: nobody has ever written to them.
    aside="$PGDATA.interrupted-$(date +%s)"
    mv "$PGDATA" "$aside"
    echo "guard: the first start was cut off; what it had made is $aside now, and it begins anew"
    exit 0
fi
if [ -e "$volume/served" ]; then
    fail "there were databases in this volume, and $PGDATA is empty or missing now. No empty database is put in their place. Is the right disk mounted? Else put the folder back from a backup, or delete the file 'served' beside it to begin with nothing"
fi
echo "guard: no databases yet; PostgreSQL $own makes them"
