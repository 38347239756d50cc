-- The administrator with the password that the manual prints (guacadmin): what our schema step must replace at once.
INSERT INTO guacamole_entity (name, type) VALUES ('guacadmin', 'USER');
INSERT INTO guacamole_user (entity_id, password_salt, password_hash, password_date)
SELECT entity_id, decode('00', 'hex'), sha256(convert_to('guacadmin' || '00', 'UTF8')), CURRENT_TIMESTAMP
FROM guacamole_entity WHERE name = 'guacadmin';
