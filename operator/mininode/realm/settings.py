"""Settings of the realm itself. Beside each one that is not Keycloak's default stands the reason."""

from typing import Any

from jinja2 import Environment, StrictUndefined

from mininode.api.identity import Identity, Smtp, SmtpEncryption
from mininode.components.base import Node
from mininode.realm.model import MailServer, RequiredAction

SMTP_PASSWORD = "smtp"  # noqa: S105 - the name of a secret, not one

MINUTE, HOUR, DAY = 60, 3600, 86400  # s
# Languages of the sites that EUCAIM federates, as far as Keycloak speaks them out of the box.
LOCALES = ("ca", "cs", "da", "de", "el", "en", "es", "fi", "fr", "hu", "it", "lt", "nl", "no", "pl", "pt", "sk", "sl", "sv")
# OWASP's Authentication Cheat Sheet: length before character classes; the rest is what upstream's realm asks for.
PASSWORD_POLICY = "length(12) and notUsername(undefined) and notEmail(undefined) and passwordHistory(3)"  # noqa: S105

_TITLE = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    "<strong>{{ site }}</strong><br>EUCAIM federated node"
)


def settings(node: Node, identity: Identity) -> dict[str, Any]:
    """The fields of RealmRepresentation that are declared."""
    site = node.spec.site_name or node.spec.domain
    return {
        "enabled": True,
        "displayName": f"{site} - EUCAIM federated node",
        "displayNameHtml": _TITLE.render(site=site),
        # The door ends TLS, and the applications inside the cluster ask by plain HTTP: `all` would shut them out.
        "sslRequired": "external",
        # dataset-service takes RS256 signatures only.
        "defaultSignatureAlgorithm": "RS256",
        **_sessions(),
        **_accounts(identity),
        **_attacks(),
        **_events(),
        "internationalizationEnabled": True,  # a European federation: people read the login in their language
        "supportedLocales": list(LOCALES),
        "defaultLocale": "en",
    }


def _sessions() -> dict[str, Any]:
    return {
        # A token can't be called back, so it lives five minutes only; applications get new ones by themselves.
        "accessTokenLifespan": 5 * MINUTE,
        # Guacamole gets its token in the address and can't renew it; it checks the token once, at the login.
        "accessTokenLifespanForImplicitFlow": 15 * MINUTE,
        "ssoSessionIdleTimeout": 30 * MINUTE,
        "ssoSessionMaxLifespan": 10 * HOUR,  # a working day
        # Links in messages: an admin's invitation must outlive a week-end.
        "actionTokenGeneratedByAdminLifespan": 3 * DAY,
    }


def _accounts(identity: Identity) -> dict[str, Any]:
    mail = identity.smtp is not None
    return {
        "registrationAllowed": identity.self_registration and mail,
        "registrationEmailAsUsername": False,
        # Asked for without a mail server, new people could never finish: upstream's realm does that.
        "verifyEmail": mail,
        "resetPasswordAllowed": mail,
        "loginWithEmailAllowed": True,
        "duplicateEmailsAllowed": False,
        # The user name is also namespace, Guacamole user and author in dataset-service: it can't change.
        "editUsernameAllowed": False,
        "rememberMe": False,  # desktops with medical data on shared computers
        "passwordPolicy": PASSWORD_POLICY,
    }


def _attacks() -> dict[str, Any]:
    return {
        # Off by default. Ten wrong passwords, then a growing wait; never for ever, or anybody could shut anybody out.
        "bruteForceProtected": True,
        "permanentLockout": False,
        "failureFactor": 10,
        "waitIncrementSeconds": MINUTE,
        "maxFailureWaitSeconds": 15 * MINUTE,
    }


def _events() -> dict[str, Any]:
    return {
        # Off by default. A site must be able to tell who logged in and who changed what; half a year for logins.
        "eventsEnabled": True,
        "eventsExpiration": 180 * DAY,
        "adminEventsEnabled": True,
        # The bodies of requests would hold people's data and secrets of clients.
        "adminEventsDetailsEnabled": False,
    }


def attributes() -> dict[str, str]:
    """Declared entries of the realm's `attributes`; others stay."""
    return {"adminEventsExpiration": str(365 * DAY)}


def mail_server(node: Node, smtp: Smtp | None) -> MailServer | None:
    """The realm's mail server; None when the node has none."""
    if smtp is None:
        return None
    fields = {
        "host": smtp.host,
        "port": str(smtp.port),
        "from": smtp.sender,
        "fromDisplayName": node.spec.site_name or node.spec.domain,
        "ssl": "true" if smtp.encryption is SmtpEncryption.TLS else "false",
        "starttls": "true" if smtp.encryption is SmtpEncryption.STARTTLS else "false",
        "auth": "true" if smtp.user else "false",
    }
    if smtp.user:
        return MailServer({**fields, "user": smtp.user}, SMTP_PASSWORD)
    return MailServer(fields)


def required_actions(identity: Identity) -> tuple[RequiredAction, ...]:
    """What people may be asked to do after the login."""
    on = {"enabled": True, "defaultAction": False}
    return (
        RequiredAction("UPDATE_PASSWORD", on),  # first login with a temporary password
        RequiredAction("CONFIGURE_TOTP", {"enabled": identity.mfa != "off", "defaultAction": False}),
        RequiredAction("VERIFY_EMAIL", {"enabled": True}),
        # Asks for what the user profile wants and an identity provider didn't say.
        RequiredAction("VERIFY_PROFILE", on),
        # Would leave data sets without an author.
        RequiredAction("delete_account", {"enabled": False}),
    )
