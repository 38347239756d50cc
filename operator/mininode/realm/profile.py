"""The user profile: which attributes people have, and what a user name may look like."""

from typing import Any

# Part of a namespace's name after `user-` (RFC 1123), of a path in the data store and of a Guacamole connection group.
USERNAME_PATTERN = "^[a-z0-9][a-z0-9-]{1,22}[a-z0-9]$"
USERNAME_LENGTH = 24

_EVERYBODY = {"view": ["admin", "user"], "edit": ["admin", "user"]}


def profile() -> dict[str, Any]:
    """The declared part of UPConfig: attributes by name, policy for unmanaged ones.

    Attributes that Keycloak has from the start keep whatever is not said here.
    """
    return {
        # Onboarding writes jobman_service_api_token and external_sharing_service_api_token by the Admin API; off, Keycloak
        # would drop them without a word (contract C25). People themselves neither see nor change them.
        "unmanagedAttributePolicy": "ADMIN_EDIT",
        "attributes": {
            "username": {
                "displayName": "${username}",
                "validations": {
                    "length": {"min": 3, "max": USERNAME_LENGTH},
                    "username-prohibited-characters": {},
                    "up-username-not-idn-homograph": {},
                    "pattern": {
                        "pattern": USERNAME_PATTERN,
                        "error-message": "3 to 24 lower-case letters, digits and hyphens; a letter or digit at both ends",
                    },
                },
                "permissions": _EVERYBODY,
            },
            "companyOrOrganization": _text("Company or organization", _EVERYBODY, 255),
            "projects": _text("Projects you take part in", _EVERYBODY, 1000),
            "requiredRoles": _text("Roles you ask for", _EVERYBODY, 255, many=True),
            "eucaimNegotiationID": _text("EUCAIM negotiation", _EVERYBODY, 255),
            "additionalComments": _text("Comments", _EVERYBODY, 2000),
        },
    }


def _text(title: str, permissions: dict[str, list[str]], longest: int, *, many: bool = False) -> dict[str, Any]:
    return {
        "displayName": title,
        "validations": {"length": {"max": longest}},
        "permissions": permissions,
        "multivalued": many,
    }
