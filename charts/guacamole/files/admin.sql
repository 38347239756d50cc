-- A new password for Guacamole's administrator. psql variables: salt and hash, in hexadecimal.
UPDATE guacamole_user
SET password_salt = decode(:'salt', 'hex'), password_hash = decode(:'hash', 'hex'), password_date = CURRENT_TIMESTAMP
FROM guacamole_entity
WHERE guacamole_user.entity_id = guacamole_entity.entity_id
  AND guacamole_entity.name = 'guacadmin' AND guacamole_entity.type = 'USER';
