"""Identity providers: LS Login of the European research infrastructures, and the site's own."""

from mininode.api.identity import LS_AAI_ALIAS, Identity, LsAai, Provider, ProviderKind
from mininode.realm.model import IdentityProvider, ProviderMapper


def provider_secret(alias: str) -> str:
    """Name of a provider's client secret among the secrets of a pass."""
    return f"provider/{alias}"


def providers(identity: Identity) -> tuple[IdentityProvider, ...]:
    """What is configured. LS Login is declared only then, so nobody sees a button that leads nowhere."""
    own = tuple(_oidc(one) if one.kind is ProviderKind.OIDC else _saml(one) for one in identity.providers)
    return (*own, _ls_aai(identity.ls_aai)) if identity.ls_aai else own


def _common(alias: str, kind: str, name: str, *, hidden: bool, trust_email: bool) -> dict[str, object]:
    return {
        "providerId": kind,
        "displayName": name,
        "enabled": True,
        "hideOnLogin": hidden,
        "trustEmail": trust_email,
        # An account of the same address is linked only by somebody who can also log in to it: the flow asks.
        "firstBrokerLoginFlowAlias": "first broker login",
        "storeToken": alias == LS_AAI_ALIAS,  # the federated execution sends it on to the other sites
        "addReadTokenRoleOnCreate": False,
        "linkOnly": False,
    }


def _oidc_config(issuer: str, client_id: str, endpoints: dict[str, str]) -> dict[str, str]:
    return {
        "issuer": issuer,
        "clientId": client_id,
        "clientAuthMethod": "client_secret_basic",
        "defaultScope": "openid profile email",
        "pkceEnabled": "true",
        "pkceMethod": "S256",
        # What the other side says is believed only with its signature.
        "validateSignature": "true",
        "useJwksUrl": "true",
        # Names are taken over once: the user name is part of namespaces and can't change later.
        "syncMode": "IMPORT",
        **endpoints,
    }


def _ls_aai(service: LsAai) -> IdentityProvider:
    base = service.issuer.rstrip("/")
    endpoints = {
        "authorizationUrl": f"{base}/authorize",
        "tokenUrl": f"{base}/token",
        "userInfoUrl": f"{base}/userinfo",
        "jwksUrl": f"{base}/jwk",
    }
    return IdentityProvider(
        LS_AAI_ALIAS,
        # LS Login hands on only addresses that a home organization or itself has checked.
        _common(LS_AAI_ALIAS, "oidc", "LS Login", hidden=False, trust_email=True),
        _oidc_config(service.issuer, service.client_id, endpoints),
        _claims("preferred_username"),
        provider_secret(LS_AAI_ALIAS),
    )


def _oidc(one: Provider) -> IdentityProvider:
    given = {
        "authorizationUrl": one.authorization_url,
        "tokenUrl": one.token_url,
        "userInfoUrl": one.user_info_url,
        "jwksUrl": one.jwks_url,
    }
    endpoints = {name: url for name, url in given.items() if url}
    issuer = one.issuer or ""
    return IdentityProvider(
        one.alias,
        _common(one.alias, "oidc", one.display_name or one.alias, hidden=one.hidden, trust_email=one.trust_email),
        _oidc_config(issuer, one.client_id or "", endpoints),
        _claims(one.username_claim),
        provider_secret(one.alias),
        discover="" if len(endpoints) == len(given) else f"{issuer.rstrip('/')}/.well-known/openid-configuration",
    )


def _saml(one: Provider) -> IdentityProvider:
    template = f"${{ATTRIBUTE.{one.username_claim} | lowercase}}"
    return IdentityProvider(
        one.alias,
        _common(one.alias, "saml", one.display_name or one.alias, hidden=one.hidden, trust_email=one.trust_email),
        {
            "idpEntityId": one.entity_id or "",
            "singleSignOnServiceUrl": one.single_sign_on_url or "",
            "signingCertificate": one.signing_certificate or "",
            "validateSignature": "true",
            "wantAssertionsSigned": "true",
            "postBindingResponse": "true",
            "postBindingAuthnRequest": "true",
            "nameIDPolicyFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            "syncMode": "IMPORT",
        },
        (ProviderMapper("username", "saml-username-idp-mapper", {"syncMode": "INHERIT", "template": template, "target": "LOCAL"}),),
    )


def _claims(username: str) -> tuple[ProviderMapper, ...]:
    """Upstream takes the first name as user name; two people of one name would be one. Lower case, as namespaces are."""
    template = f"${{CLAIM.{username} | lowercase}}"
    return (
        ProviderMapper("username", "oidc-username-idp-mapper", {"syncMode": "INHERIT", "template": template, "target": "LOCAL"}),
        *(
            ProviderMapper(
                attribute, "oidc-user-attribute-idp-mapper", {"syncMode": "INHERIT", "claim": claim, "user.attribute": attribute}
            )
            for attribute, claim in (("firstName", "given_name"), ("lastName", "family_name"))
        ),
    )
