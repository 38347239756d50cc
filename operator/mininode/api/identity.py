"""`spec.identity`: who may log in to the node and how. Secrets are references only.

Rules that cross fields are CEL, as in `api.spec`. What is left out keeps the node's own default; nothing here has to be
written for a node that people log in to with names and passwords of its own.
"""

import enum
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from mininode.api.model import EMAIL_PATTERN, NAME_PATTERN, Model, SecretKey, cel

URL_PATTERN = r"^https?://[^\s/?#]+(/[^\s?#]*)?$"
ISSUER_PATTERN = r"^https://[^\s/?#]+(/[^\s?#]*)?/realms/[^\s/?#]+$"
LS_AAI_ALIAS = "lifescience-ri-oidc"

Email = Annotated[str, StringConstraints(pattern=EMAIL_PATTERN, max_length=254)]


class Mfa(enum.StrEnum):
    """When a second factor is asked for at the log-in with a password."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


class ProviderKind(enum.StrEnum):
    """Protocols of a site's own log-in."""

    OIDC = "oidc"
    SAML = "saml"


class SmtpEncryption(enum.StrEnum):
    """How the way to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Smtp(Model):
    """The mail server for messages of the login: forgotten passwords, confirmation of addresses."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel("has(self.user) == has(self.passwordRef)", "user and passwordRef belong together: give both or none"),
            ]
        }
    )

    host: str = Field(description="Name of the mail server.", min_length=1, max_length=253)
    port: int = Field(587, description="Port of the mail server.", ge=1, le=65535)
    encryption: SmtpEncryption = Field(
        SmtpEncryption.STARTTLS, description="`starttls` (port 587), `tls` (port 465) or, inside a protected network only, `none`."
    )
    sender: Email = Field(description="Address that messages come from.")
    user: str | None = Field(None, description="Account at the mail server, if it asks for one.", max_length=254)
    password_ref: SecretKey | None = Field(None, description="Password of that account.")


class LsAai(Model):
    """Log-in with the European research identity (LS Login), which needs a registration there."""

    client_id: str = Field(description="The client id that LS Login gave the node.", min_length=1, max_length=255)
    client_secret_ref: SecretKey = Field(description="The client secret that LS Login gave the node.")
    issuer: str = Field(
        "https://login.aai.lifescience-ri.eu/oidc/", description="Address of the service.", pattern=URL_PATTERN, max_length=512
    )


class Provider(Model):
    """The site's own log-in, such as the hospital's directory behind OpenID Connect or SAML."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "self.kind != 'oidc' || (has(self.issuer) && has(self.clientId) && has(self.clientSecretRef))",
                    "an oidc provider needs issuer, clientId and clientSecretRef",
                ),
                cel(
                    "self.kind != 'saml' || (has(self.entityId) && has(self.singleSignOnUrl) && has(self.signingCertificate))",
                    "a saml provider needs entityId, singleSignOnUrl and signingCertificate",
                ),
                cel(
                    f"self.alias != '{LS_AAI_ALIAS}'",
                    f"the alias {LS_AAI_ALIAS} is that of LS Login: use identity.lsAai",
                ),
            ]
        }
    )

    alias: str = Field(
        description="Short name; part of the address to register at the provider, and never changed afterwards.",
        # It becomes part of the address that the other side sends people back to; Keycloak never lets it change.
        pattern=NAME_PATTERN,
        max_length=63,
    )
    kind: ProviderKind = Field(description="`oidc` (OpenID Connect) or `saml`.")
    display_name: str = Field("", description="What the button on the login page says.", max_length=160)
    hidden: bool = Field(False, description="No button on the login page; reached by a link only.")
    trust_email: bool = Field(
        False, description="The provider has checked people's e-mail addresses, so the node need not do it again."
    )
    issuer: str | None = Field(
        None, description="With oidc: issuer of the provider.", pattern=URL_PATTERN, max_length=512
    )
    authorization_url: str | None = Field(
        None, description="With oidc: where people are sent. Left out: as the provider describes itself.", pattern=URL_PATTERN, max_length=512
    )
    token_url: str | None = Field(
        None, description="With oidc: where codes are turned into tokens. Left out: as the provider describes itself.", pattern=URL_PATTERN, max_length=512
    )
    jwks_url: str | None = Field(
        None, description="With oidc: the provider's public keys. Left out: as the provider describes itself.", pattern=URL_PATTERN, max_length=512
    )
    user_info_url: str | None = Field(
        None, description="With oidc: where more is said about a person. Left out: as the provider describes itself.", pattern=URL_PATTERN, max_length=512
    )
    client_id: str | None = Field(None, description="With oidc: the client id there.", max_length=255)
    client_secret_ref: SecretKey | None = Field(None, description="With oidc: the client secret there.")
    username_claim: str = Field(
        "preferred_username", description="Claim, or SAML attribute, that becomes the user name.", min_length=1, max_length=255
    )
    entity_id: str | None = Field(None, description="With saml: name of the provider.", max_length=512)
    single_sign_on_url: str | None = Field(
        None, description="With saml: where people are sent.", pattern=URL_PATTERN, max_length=512
    )
    signing_certificate: str | None = Field(
        None, description="With saml: the provider's certificate, base64 without the lines around it.", max_length=8192
    )


class ExternalKeycloak(Model):
    """A Keycloak that is there already. Only the one realm is touched, with the rights of the client given here."""

    issuer: str = Field(
        description="Issuer of the realm, for example `https://login.hospital.example/auth/realms/EUCAIM-NODE`.",
        pattern=ISSUER_PATTERN,
        max_length=512,
    )
    client_id: str = Field("mininode-operator", description="Client of that realm with a service account.", max_length=255)
    client_secret_ref: SecretKey = Field(description="Secret of that client.")


class Identity(Model):
    """Who may log in to the node, and how."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "self.providers.all(one, self.providers.exists_one(other, other.alias == one.alias))",
                    "two providers have the same alias",
                ),
                cel(
                    "!has(self.selfRegistration) || !self.selfRegistration || has(self.smtp)",
                    "selfRegistration needs smtp: the address of a new account is checked by a message",
                ),
            ]
        }
    )

    mfa: Mfa = Field(
        Mfa.OPTIONAL,
        description="Second factor at the log-in with a password: `off`, `optional` (who has set one up is asked for it) or "
        "`required` (everybody sets one up at the next log-in). A provider's own rules hold for those who come through it.",
    )
    admins: tuple[Email, ...] = Field(
        (),
        description="E-mail addresses of the people who administer the node. Each gets an account with a temporary password, "
        "to be changed at the first log-in.",
        max_length=32,
    )
    self_registration: bool = Field(
        False, description="People may make an account themselves. Needs `smtp`, as their address is checked by a message."
    )
    smtp: Smtp | None = Field(None, description="Mail server. Left out: nobody gets a message, and a forgotten password is set by an admin.")
    ls_aai: LsAai | None = Field(None, description="Log-in with LS Login. Left out: not offered.")
    providers: tuple[Provider, ...] = Field((), description="The site's own log-ins.", max_length=16)
    external: ExternalKeycloak | None = Field(
        None, description="Use this Keycloak in place of the node's own."
    )

