"""What Keycloak may answer, as errors that say what to do."""

from mininode.errors import Unavailable

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, SERVER_FAULT = 401, 403, 404, 409, 500


class KeycloakError(Unavailable):
    """Keycloak answered with an error, or not at all (code 0)."""

    def __init__(self, message: str, advice: str = "", *, code: int = 0, reason: str = "KeycloakError") -> None:
        super().__init__(message, advice, reason=reason)
        self.code = code


def unreachable(url: str, why: str) -> KeycloakError:
    """Nobody answers at the address."""
    return KeycloakError(
        f"Keycloak does not answer at {url}: {why}",
        "It is asked again by itself. If that lasts, see whether its pod runs and reaches its database",
        reason="KeycloakDown",
    )


def login_refused(client: str, realm: str, why: str) -> KeycloakError:
    """The operator's own account is not let in."""
    return KeycloakError(
        f"Keycloak refuses the login of {client} at the realm {realm}: {why}",
        f"The client {client} was deleted, switched off, or its secret changed. Give it the secret that the node's "
        "credential holds again; without any administrator left, Keycloak's own command `kc.sh bootstrap-admin user` makes one",
        code=UNAUTHORIZED,
        reason="KeycloakLoginRefused",
    )


def from_answer(method: str, path: str, code: int, text: str) -> KeycloakError:
    """An answer that is no success."""
    found = f"Keycloak answered {code} to {method} {path}{': ' + text if text else ''}"
    if code == FORBIDDEN:
        advice = "The operator's account lacks a right in this realm: give it back its roles (docs/identity.md lists them)"
        return KeycloakError(found, advice, code=code, reason="KeycloakForbidden")
    if code == NOT_FOUND:
        advice = "It went away in the middle of the pass, or the realm is not there. The next pass looks again"
        return KeycloakError(found, advice, code=code, reason="KeycloakNotFound")
    if code == CONFLICT:
        advice = "Something of that name was made at the same time. The next pass looks again"
        return KeycloakError(found, advice, code=code, reason="KeycloakConflict")
    if code >= SERVER_FAULT:
        advice = "It is tried again at the next pass; Keycloak's log says why"
        return KeycloakError(found, advice, code=code, reason="KeycloakFault")
    return KeycloakError(found, "Keycloak does not take this value; its log says more", code=code, reason="KeycloakRefused")
