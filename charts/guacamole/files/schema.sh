#!/bin/sh
# Guacamole's tables, once, and its administrator's password, at every start of the web application.
#
# Guacamole's own second file makes the administrator guacadmin with the password guacadmin. Tables, that account and its
# new password are one transaction: at no moment can anybody log in with a password that is printed in a manual.
#
# Guacamole stores SHA-256 of the password followed by the salt in upper-case hexadecimal. The hash is made here, so that
# the password itself goes neither into a statement nor into an argument list.
set -eu

password=$(cat "$MININODE_ADMIN_PASSWORD_FILE")
PGPASSWORD=$(cat "$MININODE_DATABASE_PASSWORD_FILE")
export PGPASSWORD

ask() {
    psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 "$@"
}

hash_with() { # hash_with SALT-IN-HEX, upper case
    printf '%s%s' "$password" "$1" | sha256sum | cut -d ' ' -f 1 | tr a-f A-F
}

fresh_salt() {
    od -A n -N 32 -t x1 /dev/urandom | tr -d ' \n' | tr a-f A-F
}

set_password() { # set_password [psql arguments that go first, in the same transaction]
    salt=$(fresh_salt)
    ask --single-transaction "$@" --set=salt="$salt" --set=hash="$(hash_with "$salt")" --file "$(dirname "$0")/admin.sql"
}

if [ "$(ask --command "SELECT to_regclass('guacamole_user') IS NOT NULL")" != t ]; then
    set_password --file "$MININODE_SCHEMA/001-create-schema.sql" --file "$MININODE_SCHEMA/002-create-admin-user.sql"
    echo "schema: tables made, administrator's password set"
    exit 0
fi

stored=$(ask --command "SELECT upper(encode(u.password_salt, 'hex')) || ' ' || upper(encode(u.password_hash, 'hex'))
    FROM guacamole_user u JOIN guacamole_entity e USING (entity_id) WHERE e.name = 'guacadmin' AND e.type = 'USER'")
if [ -z "$stored" ]; then
    echo "schema: there is no account guacadmin in the database; it is not made again" >&2
    exit 1
fi
if [ "$(hash_with "${stored% *}")" != "${stored#* }" ]; then
    set_password
    echo "schema: administrator's password set to the one of Secret guacamole-admin"
else
    echo "schema: nothing to do"
fi
