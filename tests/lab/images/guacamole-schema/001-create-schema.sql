-- The tables of Guacamole's schema that a login reads; names and types as in guacamole-auth-jdbc 1.6.0. Not repeatable, as there.
CREATE TYPE guacamole_entity_type AS ENUM ('USER', 'USER_GROUP');

CREATE TABLE guacamole_entity (
    entity_id serial NOT NULL PRIMARY KEY,
    name varchar(128) NOT NULL,
    type guacamole_entity_type NOT NULL,
    UNIQUE (type, name)
);

CREATE TABLE guacamole_user (
    user_id serial NOT NULL PRIMARY KEY,
    entity_id integer NOT NULL UNIQUE REFERENCES guacamole_entity (entity_id) ON DELETE CASCADE,
    password_hash bytea NOT NULL,
    password_salt bytea,
    password_date timestamptz NOT NULL,
    disabled boolean NOT NULL DEFAULT FALSE,
    expired boolean NOT NULL DEFAULT FALSE
);
