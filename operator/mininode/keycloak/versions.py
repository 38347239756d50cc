"""Which versions of Keycloak this room knows.

Keycloak changes behaviour in patch releases, so a version outside the range is not written to: 26.7.1 and lower have open holes
(CVE-2026-18963 is closed in 26.7.2), and 26.8 masks secrets and wants one more scope of those who call the Admin API.
"""

import re

from mininode.keycloak.errors import KeycloakError

TESTED = "26.7.3"
OLDEST, FIRST_UNKNOWN = (26, 7, 2), (26, 8, 0)


def check_version(text: str) -> None:
    """Raise KeycloakError (reason KeycloakVersion) for a version that nothing should be written to."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", text)
    version = tuple(int(part) for part in found.groups()) if found else ()
    if OLDEST <= version < FIRST_UNKNOWN:
        return
    low, high = (".".join(map(str, one)) for one in (OLDEST, FIRST_UNKNOWN))
    advice = f"mininode knows versions from {low} up to, not including, {high} (tested with {TESTED}). Nothing was changed"
    raise KeycloakError(f"this Keycloak is of version {text or 'unknown'}", advice, reason="KeycloakVersion")
