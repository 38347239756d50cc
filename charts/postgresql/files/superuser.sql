-- The superuser's password. Environment: MININODE_PASSWORD_FILE. Nothing of it may reach the server's log, as in role.sql.
SET log_min_error_statement = panic;
SET log_min_duration_statement = -1;
SET log_statement = 'none';
SET client_min_messages = warning;

\set password `cat "$MININODE_PASSWORD_FILE"`

ALTER ROLE postgres WITH PASSWORD :'password';
