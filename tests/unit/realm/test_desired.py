"""The desired realm: what applications look for is in it, and nothing lets anybody in by a side door."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mininode.api.identity import ExternalKeycloak, Identity, LsAai, Mfa, Provider, ProviderKind, Smtp
from mininode.api.model import SecretKey
from mininode.realm.desired import admins, given_secrets, username
from mininode.realm.model import REALM_ROLES, Client, DesiredRealm
from mininode.realm.profile import USERNAME_LENGTH, USERNAME_PATTERN

Realm = Callable[..., DesiredRealm]
SECRET = SecretKey(name="given", key="value")


def test_same_spec_gives_the_same_realm(realm: Realm) -> None:
    assert realm(Identity(admins=("b@x.example", "a@x.example"))) == realm(Identity(admins=("a@x.example", "b@x.example")))


def test_no_client_takes_passwords_from_applications_or_every_address(realm: Realm) -> None:
    for client in realm().clients:
        assert client.fields["directAccessGrantsEnabled"] is False, client.client_id
        assert client.fields["fullScopeAllowed"] is False, client.client_id
        for address in client.fields["redirectUris"]:
            assert re.fullmatch(r"https://node\.hospital\.example/[a-z0-9-]+/[a-z0-9/*-]*", address), client.client_id


def test_only_guacamole_has_the_implicit_flow(realm: Realm) -> None:
    assert [one.client_id for one in realm().clients if one.fields["implicitFlowEnabled"]] == ["guacamole"]


def test_guacamole_has_no_other_flow(client: Callable[[str], Client]) -> None:
    assert client("guacamole").fields["standardFlowEnabled"] is False


def test_every_role_that_a_client_is_given_is_declared_or_keycloaks_own(realm: Realm) -> None:
    found = realm()
    declared = {(one.client_id, role) for one in found.clients for role in one.roles}
    wanted = {
        (owner, role)
        for holder in (
            *(one.scope_roles for one in found.clients),
            *(one.service_roles for one in found.clients),
            *(one.composites for one in found.roles),
        )
        for owner, roles in holder.items()
        for role in roles
        if owner not in ("realm-management", REALM_ROLES)
    }
    assert wanted
    assert wanted <= declared


def test_groups_give_declared_roles_only(realm: Realm) -> None:
    found = realm()
    roles = {one.name for one in found.roles}
    given_roles = {role for group in found.groups for role in group.roles.get(REALM_ROLES, ())}
    assert given_roles <= roles


@pytest.mark.parametrize("components", [(), ("guacamole",), ("dataset-service",), ("dataset-service", "workspaces")])
def test_roles_of_components_that_are_off_are_not_asked_for(realm: Realm, components: tuple[str, ...]) -> None:
    found = realm(components=components)
    clients = {one.client_id for one in found.clients}
    owners = {owner for role in found.roles for owner in role.composites}
    assert owners <= clients


def test_every_check_is_about_a_client_with_a_secret(realm: Realm) -> None:
    found = realm()
    secrets = {one.client_id: one.secret for one in found.clients}
    assert all(secrets[check.client_id] == check.secret for check in found.checks)


def test_confidential_clients_have_a_secret_and_public_ones_none(realm: Realm) -> None:
    for client in realm().clients:
        confidential = not client.fields["publicClient"] and not client.fields["bearerOnly"]
        assert bool(client.secret) == confidential, client.client_id


def test_name_of_the_site_can_not_bring_markup_into_the_login_page(realm: Realm) -> None:
    title = realm(site="<script>alert(1)</script>").settings["displayNameHtml"]
    assert "<script>" not in title
    assert "&lt;script&gt;" in title


def test_without_a_mail_server_nobody_is_asked_to_wait_for_a_message(realm: Realm) -> None:
    found = realm(Identity(self_registration=True)).settings
    assert (found["verifyEmail"], found["resetPasswordAllowed"], found["registrationAllowed"]) == (False, False, False)


def test_with_a_mail_server_addresses_are_checked(realm: Realm) -> None:
    smtp = Smtp(host="mail.hospital.example", sender="node@hospital.example", user="node", password_ref=SECRET)
    found = realm(Identity(smtp=smtp, self_registration=True))
    assert (found.settings["verifyEmail"], found.settings["registrationAllowed"]) == (True, True)
    assert "smtp" in found.secret_names()
    assert found.mail is not None
    assert (found.mail.fields["starttls"], found.mail.fields["ssl"], found.mail.fields["auth"]) == ("true", "false", "true")


@pytest.mark.parametrize("mfa", list(Mfa))
def test_bound_flow_is_declared_or_keycloaks_own(realm: Realm, mfa: Mfa) -> None:
    found = realm(Identity(mfa=mfa))
    assert found.settings["browserFlow"] in {"browser", *(flow.alias for flow in found.flows)}
    # Keycloak refuses other characters in the name of a flow.
    assert all(re.fullmatch(r"[a-z-]+", flow.alias) for flow in found.flows)


def test_ls_login_is_declared_only_when_configured(realm: Realm) -> None:
    assert realm().providers == ()
    (provider,) = realm(Identity(ls_aai=LsAai(client_id="node", client_secret_ref=SECRET))).providers
    assert provider.alias == "lifescience-ri-oidc"
    assert provider.config["authorizationUrl"] == "https://login.aai.lifescience-ri.eu/oidc/authorize"
    assert provider.config["pkceMethod"] == "S256"


def test_provider_with_all_addresses_is_not_looked_up(realm: Realm) -> None:
    def oidc(**addresses: str) -> Provider:
        known = {"alias": "own", "kind": ProviderKind.OIDC, "issuer": "https://login.example/", "client_id": "n"}
        return Provider(**known, client_secret_ref=SECRET, **addresses)

    addresses = dict.fromkeys(("authorization_url", "token_url", "jwks_url", "user_info_url"), "https://login.example/x")
    looked_up, given_all = realm(Identity(providers=(oidc(),))), realm(Identity(providers=(oidc(**addresses),)))
    assert looked_up.providers[0].discover == "https://login.example/.well-known/openid-configuration"
    assert given_all.providers[0].discover == ""


def test_saml_answers_must_be_signed(realm: Realm) -> None:
    one = Provider(
        alias="own",
        kind=ProviderKind.SAML,
        entity_id="https://idp.example",
        single_sign_on_url="https://idp.example/sso",
        signing_certificate="MIIB",
    )
    (provider,) = realm(Identity(providers=(one,))).providers
    assert (provider.config["validateSignature"], provider.config["wantAssertionsSigned"]) == ("true", "true")
    assert provider.secret == ""


def test_external_keycloak_is_named_by_its_issuer(realm: Realm) -> None:
    external = ExternalKeycloak(issuer="https://login.hospital.example/realms/imaging", client_secret_ref=SECRET)
    found = realm(Identity(external=external))
    assert (found.name, found.issuer) == ("imaging", "https://login.hospital.example/realms/imaging")


def test_every_secret_is_given_by_the_spec_or_made_by_the_node(realm: Realm) -> None:
    identity = Identity(
        admins=("ada@hospital.example",),
        smtp=Smtp(host="mail.hospital.example", sender="node@hospital.example", user="node", password_ref=SECRET),
        ls_aai=LsAai(client_id="node", client_secret_ref=SECRET),
    )
    names = realm(identity).secret_names()
    given_ones = set(given_secrets(identity))
    assert given_ones == {"smtp", "provider/lifescience-ri-oidc"}
    assert given_ones <= names
    assert all(name.startswith(("client/", "admin/")) for name in names - given_ones)


@given(st.emails())
def test_user_name_of_an_administrator_is_one_that_the_profile_takes(email: str) -> None:
    name = username(email)
    assert re.fullmatch(USERNAME_PATTERN, name)
    assert len(name) <= USERNAME_LENGTH


def test_two_addresses_never_make_one_administrator() -> None:
    found = admins(["ada@one.example", "ada@two.example", "ADA@one.example"])
    assert len({one.username for one in found}) == len(found) == 2
