"""Whether an identity provider takes the client secret that the site gave: found out before the first person stumbles over it.

A token is asked for with a code that nobody issued. The provider looks at the client first (RFC 6749, 5.2): a wrong secret is
`invalid_client`, a right one comes as far as the code and is told `invalid_grant`. Nothing is changed by it on either side.
"""

from urllib.parse import quote

import httpx

from mininode.keycloak.errors import UNAUTHORIZED, KeycloakError
from mininode.realm.model import IdentityProvider

SECONDS = 10.0
# Keycloak says `unauthorized_client` where the standard has `invalid_client`.
_WRONG = frozenset({"invalid_client", "unauthorized_client"})


async def refused_secret(http: httpx.AsyncClient, provider: IdentityProvider, secret: str) -> KeycloakError | None:
    """The error when the provider refuses this secret; None when it takes it, or when nothing can be said.

    A provider that does not answer us says nothing about the secret: people's browsers and Keycloak have ways of their own.
    """
    try:
        url = provider.config.get("tokenUrl") or (await http.get(provider.discover, timeout=SECONDS)).json()["token_endpoint"]
        answer = await http.post(
            url,
            data={"grant_type": "authorization_code", "code": "none", "redirect_uri": "https://localhost/none"},
            # RFC 6749, 2.3.1: both are form-encoded before they become a Basic header.
            auth=(quote(provider.config["clientId"], safe=""), quote(secret, safe="")),
            timeout=SECONDS,
        )
        found = answer.json().get("error", "")
    except (httpx.HTTPError, ValueError, KeyError, AttributeError):
        return None
    if answer.status_code != UNAUTHORIZED and found not in _WRONG:
        return None
    return KeycloakError(
        f"the identity provider {provider.alias} refuses the client {provider.config['clientId']} with the secret that was given",
        "Put the secret that its administrators gave you into the Secret which the spec names; nobody can log in there until then",
        code=UNAUTHORIZED,
        reason="ProviderSecretWrong",
    )
