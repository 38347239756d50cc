"""The realm as code at a real Keycloak: a door to its Admin API, what is there, what differs, the fewest writes."""
