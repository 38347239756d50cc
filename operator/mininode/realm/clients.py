"""Clients of the realm for the components that are on, and what a token of each service account must hold.

Sources: the applications' own demands (fact sheets of dataset-service 3.23.2, Guacamole 1.6, jobman 2.x). No client
has the direct grant: a password typed into an application would pass by the second factor.
"""

from typing import Any

from mininode.components.base import Node
from mininode.components.dataset_service import CLIENT as DATASET_SERVICE
from mininode.components.dataset_service import CLIENT_ROLES
from mininode.realm.model import Client, ClientScope, Mapper, ServiceAccountCheck
from mininode.realm.roles import JOBMAN, JOBMAN_ROLE, REALM_MANAGEMENT

EXPLORER, GUACAMOLE, ACCESS_OPERATOR, KUBERNETES = "dataset-explorer", "guacamole", "kubernetes-operator", "kubernetes"
FEM, ORTHANC, TRACER = "fem-client", "orthanc", "tracer-webservice"
GROUPS = "groups"
# `basic` puts `sub` into tokens, `roles` the roles and the audiences that go with them, `profile` the user name.
BASIC = ("acr", "basic", "email", "profile", "roles", "web-origins")
WITH_GROUPS = (*BASIC, GROUPS)
# Of realm-management, for what dataset-service does with users, groups and the example token of an access check.
DATASET_SERVICE_MAY = ("manage-users", "query-groups", "query-users", "view-clients", "view-users")
JOBMAN_MAY = ("query-users", "view-users")
ACCESS_OPERATOR_MAY = ("admin_datasetAccess", "admin_users")


def secret_name(client_id: str) -> str:
    """Name of a client's secret among the secrets of a pass."""
    return f"client/{client_id}"


def scopes() -> tuple[ClientScope, ...]:
    """Groups by their short names: dataset-service looks for PROJECT-CODE, Guacamole and Kubernetes for roles."""
    config = {
        "claim.name": "groups",
        "full.path": "false",
        "id.token.claim": "true",
        "access.token.claim": "true",
        "userinfo.token.claim": "true",
    }
    mapper = Mapper("groups", "oidc-group-membership-mapper", config)
    return (ClientScope(GROUPS, "Short names of the groups that a person is in", (mapper,)),)


def clients(node: Node, enabled: frozenset[str]) -> tuple[Client, ...]:
    """The clients of the components that are on, in the order of their names."""
    url = node.spec.url
    found: list[Client] = []
    if "dataset-service" in enabled:
        found += [_dataset_service(tracer="tracer" in enabled), _explorer(url)]
    if "guacamole" in enabled:
        found.append(_guacamole(url))
    if "workspaces" in enabled:
        found.append(_access_operator())
    if "kubeapps" in enabled:
        found.append(_confidential(KUBERNETES, "Catalogue, and kubectl of people", (f"{url}/kubeapps/*", f"{url}/oauth2/callback")))
    if "batch" in enabled:
        found.append(_jobman())
    if "federated-compute" in enabled:
        found.append(_fem(url))
    if "orthanc" in enabled:
        found.append(_orthanc(url))
    if "tracer" in enabled:
        found.append(Client(TRACER, _fields("Traces of data use", bearerOnly=True), roles={"trace_writer": "May write traces"}))
    return tuple(sorted(found, key=lambda client: client.client_id))


def checks(enabled: frozenset[str]) -> tuple[ServiceAccountCheck, ...]:
    """What the token of each service account must hold, as the application that reads it looks for."""
    wanted = (
        ("dataset-service", DATASET_SERVICE, REALM_MANAGEMENT, DATASET_SERVICE_MAY),
        ("workspaces", ACCESS_OPERATOR, DATASET_SERVICE, ACCESS_OPERATOR_MAY),
        ("batch", JOBMAN, REALM_MANAGEMENT, JOBMAN_MAY),
    )
    return tuple(
        ServiceAccountCheck(client, secret_name(client), audience, {audience: roles})
        for component, client, audience, roles in wanted
        if component in enabled
    )


def _fields(name: str, **others: Any) -> dict[str, Any]:
    """Every way of getting a token is off unless said otherwise; full scope too, so a token holds what its client needs."""
    return {
        "name": name,
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": False,
        "bearerOnly": False,
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "fullScopeAllowed": False,
        "redirectUris": [],
        "webOrigins": [],
    } | others


def _audience(client_id: str) -> Mapper:
    config = {"included.client.audience": client_id, "access.token.claim": "true", "id.token.claim": "false"}
    return Mapper(f"audience {client_id}", "oidc-audience-mapper", config)


def _dataset_service(*, tracer: bool) -> Client:
    extra = {TRACER: ("trace_writer",)} if tracer else {}
    return Client(
        DATASET_SERVICE,
        _fields("Dataset service", serviceAccountsEnabled=True),
        roles=dict.fromkeys(CLIENT_ROLES, "Read by dataset-service"),
        # Its own token is for itself too: so the operator can ask whether the service takes what the realm signs.
        mappers=(_audience(DATASET_SERVICE),),
        default_scopes=BASIC,
        scope_roles={REALM_MANAGEMENT: DATASET_SERVICE_MAY, **extra},
        service_roles={REALM_MANAGEMENT: DATASET_SERVICE_MAY, **extra},
        secret=secret_name(DATASET_SERVICE),
        calls_admin_api=True,
    )


def _explorer(url: str) -> Client:
    """The user interface. dataset-service also has example tokens of it made, so a claim missing here shuts all people out."""
    return Client(
        EXPLORER,
        _fields(
            "Dataset explorer",
            publicClient=True,
            standardFlowEnabled=True,
            rootUrl=f"{url}/dataset-service",
            redirectUris=[f"{url}/dataset-service/*"],
            webOrigins=[url],
        ),
        attributes={"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": "+"},
        mappers=(_audience(DATASET_SERVICE),),
        default_scopes=WITH_GROUPS,
        scope_roles={DATASET_SERVICE: CLIENT_ROLES},
    )


def _guacamole(url: str) -> Client:
    """Guacamole asks for an id_token in the address it sends people back to, and nothing else works with it."""
    return Client(
        GUACAMOLE,
        _fields("Remote desktops", publicClient=True, implicitFlowEnabled=True, redirectUris=[f"{url}/guacamole/"]),
        default_scopes=WITH_GROUPS,
    )


def _access_operator() -> Client:
    roles = {DATASET_SERVICE: ACCESS_OPERATOR_MAY}
    return Client(
        ACCESS_OPERATOR,
        _fields("Access to data in workspaces", serviceAccountsEnabled=True),
        default_scopes=BASIC,
        scope_roles=roles,
        service_roles=roles,
        secret=secret_name(ACCESS_OPERATOR),
    )


def _confidential(client_id: str, name: str, redirects: tuple[str, ...]) -> Client:
    return Client(
        client_id,
        _fields(name, standardFlowEnabled=True, redirectUris=list(redirects)),
        default_scopes=WITH_GROUPS,
        secret=secret_name(client_id),
    )


def _jobman() -> Client:
    roles = {REALM_MANAGEMENT: JOBMAN_MAY}
    return Client(
        JOBMAN,
        _fields("Job queue", serviceAccountsEnabled=True),
        roles={JOBMAN_ROLE: "May run jobs"},
        default_scopes=BASIC,
        scope_roles=roles,
        service_roles=roles,
        secret=secret_name(JOBMAN),
        calls_admin_api=True,
    )


def _fem(url: str) -> Client:
    return Client(
        FEM,
        _fields("Federated execution", standardFlowEnabled=True, redirectUris=[f"{url}/fem/*"]),
        # Exchange of a token of this realm for one that jobman takes (RFC 8693, supported since Keycloak 26.2).
        attributes={"standard.token.exchange.enabled": "true"},
        mappers=(_audience(JOBMAN),),
        default_scopes=WITH_GROUPS,
        scope_roles={JOBMAN: (JOBMAN_ROLE,)},
        secret=secret_name(FEM),
    )


def _orthanc(url: str) -> Client:
    names = {"admin-role": "Administers Orthanc", "doctor-role": "Sees studies", "external-role": "Sees what was shared"}
    return Client(
        ORTHANC,
        _fields("Image archive", standardFlowEnabled=True, redirectUris=[f"{url}/orthanc/*", f"{url}/ohif/*"]),
        roles=names,
        default_scopes=WITH_GROUPS,
        scope_roles={ORTHANC: tuple(names)},
        secret=secret_name(ORTHANC),
    )
