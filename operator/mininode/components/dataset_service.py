"""The dataset service: catalogue of the node's imaging data sets, keeper of who may use them.

Gate: the anonymous list of data sets answers, which goes through to the database (the service's own /health does not); a call
with a service account's token is not refused; and the key id in the configuration is one of the realm's keys.

The service starts only when the realm is there with its client `dataset-service`, and takes the id of the realm's signing key
from its configuration: both are seen by the gate of `identity`.
"""

import hashlib
import json
from typing import Any

from mininode.api.spec import Profile, Size
from mininode.components.base import (
    Checked,
    Component,
    Credential,
    Flow,
    GateResult,
    GeneratedKey,
    Node,
    Outside,
    Pods,
    Probes,
    RenderedSecret,
    Route,
    SecretKeyRef,
    Volume,
    amounts,
    held,
    pending,
)
from mininode.components.keycloak import admin_url, keys_url, realm_issuer
from mininode.components.network import DOOR, proxy
from mininode.components.postgresql import DATABASES, secret_name
from mininode.components.postgresql import PORT as POSTGRESQL_PORT
from mininode.components.trust import surroundings

PORT = 11000
# Of our own, so that files on a hospital's disk do not look like those of the machine's first user.
USER = 10001
BACKEND = Pods("dataset-service", "backend")
CREATION_JOB = Pods("dataset-service", "creation-job", job=True)
OK = 200
CLIENT = "dataset-service"
CLIENT_ROLES = (
    "use_datasets",
    "admin_datasets",
    "superadmin_datasets",
    "admin_users",
    "admin_datasetAccess",
    "admin_projects",
)
ASSIGNABLE_ROLES = (
    "data-scientists",
    "dataset-administrator",
    "cloud-services-and-security-management",
    "authorized-technical-data-manager",
    "clinical-staff",
    "application-developer",
)
INPUTS = (SecretKeyRef(secret_name("dataset-service"), "password"), SecretKeyRef("dataset-service-client", "secret"))


def configuration(node: Node, inputs: tuple[str, ...]) -> str:
    """Write the service's configuration file; `inputs` are the values of `INPUTS`, in their order.

    Every address is said: for a key that is left out the service has a default of its own, and some of those are
    public hosts of another project (etc/dataset-service.default.yaml in its source). JSON is YAML that needs no
    quoting rules.
    """
    database_password, client_secret = inputs
    return json.dumps(
        {
            "db": {
                "host": "postgresql",
                "port": POSTGRESQL_PORT,
                "dbname": DATABASES["dataset-service"],
                "user": DATABASES["dataset-service"],
                "password": database_password,
            },
            "auth": _auth(node, client_secret),
            "tracer": {"url": ""},
            # The sandbox: nothing is published for good before a site gives an account of its own.
            "zenodo": {"url": "https://sandbox.zenodo.org/"},
            "on_event_scripts": {
                "user_management_job_template_file_path": "",
                "site_management_job_template_file_path": "",
                "subproject_management_job_template_file_path": "",
            },
            "self": _self(node),
        },
        indent=2,
    )


def _auth(node: Node, client_secret: str) -> dict[str, Any]:
    public = realm_issuer(node)
    return {
        "token_validation": {
            "token_issuer_public_keys_url": keys_url(node),
            # The service picks its key once, by this id: another one is another configuration, and a start.
            "kid": node.facts.signing_key_id,
            "client_id": CLIENT,
            "issuer": public,
            "roles": {role: role for role in CLIENT_ROLES},
            "project_group_prefix": "PROJECT-",
            "project_admins_group_prefix": "ADMINS-PROJECT-",
        },
        # These two the service calls by TLS whatever the address says, so they are the public ones.
        "client": {
            "auth_url": f"{public}/protocol/openid-connect/token",
            "client_id": CLIENT,
            "client_secret": client_secret,
        },
        "admin_api": {
            "url": admin_url(node),
            "client_id_to_request_user_tokens": "dataset-explorer",
            "parent_group_of_project_groups": "/PROJECTS",
        },
        "user_management": {
            "prefix_for_roles_as_groups": "/",
            "prefix_for_projects_as_groups": "/PROJECTS/PROJECT-",
            "assignable_general_roles": list(ASSIGNABLE_ROLES),
        },
    }


def _self(node: Node) -> dict[str, Any]:
    def log(file: str) -> dict[str, Any]:
        return {"level": "INFO", "file_path": f"/var/log/dataset-service/{file}", "max_size": 10 * 1024 * 1024}

    root = f"{node.spec.url}/dataset-service"
    return {
        "name": "dataset-service",
        "host": "0.0.0.0",  # noqa: S104 - inside its pod; the Service is what others reach
        "port": PORT,
        "root_url": root,
        # %s is the data set's id; a job whose file name lacks it ends at once.
        "log": {"main_service": log("dataset-service.log"), "dataset_creation_job": log("dataset-creation-job-%s.log")},
        "static_files_dir_path": "/var/www/dataset-service-ui",
        "static_files_logos_dir_path": "/var/www/project-logos",
        "static_files_output_dir_path": "/var/www/output-files",
        "datalakeinfo_dir_path": "/var/www/datalakeinfo",
        # Empty is off: the upload of a user interface, the datalake's statistics, the federated search.
        "dev_token": "",
        "datalakeinfo_token": "",
        "eucaim_search_token": "",
        "datalake_mount_path": "/mnt/datalake",
        "datasets_mount_path": "/mnt/datasets",
        "dataset_link_format": f"{root}/datasets/%s/details",
    }


def _values(node: Node) -> dict[str, Any]:
    blank = configuration(node, tuple("" for _ in INPUTS))
    return surroundings(node) | {"proxy": proxy(node), "configDigest": hashlib.sha256(blank.encode()).hexdigest()[:16]}


async def _gate(node: Node, probes: Probes) -> GateResult:
    url = f"http://{node.service('dataset-service-backend-service')}:{PORT}/api/datasets?limit=1"
    answer = await probes.http(url)
    if answer.status != OK:
        return pending(f"{url} answered {answer.status}")
    if not isinstance(answer.json, dict | list):
        return pending(f"{url} answered something that is no list of data sets")
    return await _accepted(node, probes)


async def _accepted(node: Node, probes: Probes) -> GateResult:
    """Whether the service takes tokens as the realm signs them now; that of its own account will do."""
    keys = await probes.http(keys_url(node))
    ids = [one.get("kid") for one in keys.json.get("keys", [])] if isinstance(keys.json, dict) else []
    if node.facts.signing_key_id not in ids:
        return pending(f"the key {node.facts.signing_key_id} of its configuration is none of the realm's: {keys_url(node)}")
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": await probes.secret("dataset-service-client", "secret"),
    }
    token_url = keys_url(node).rpartition("/")[0] + "/token"
    token = await probes.http(token_url, method="POST", form=form)
    text = token.json.get("access_token") if isinstance(token.json, dict) else None
    if token.status != OK or not text:
        return pending(f"its own account gets no token: {token_url} answered {token.status}")
    # The list is for everybody, but a token that is not to its taste is answered with 401, and so is a role that lacks elsewhere.
    url = f"http://{node.service('dataset-service-backend-service')}:{PORT}/api/datasets?limit=1"
    answer = await probes.http(url, headers={"Authorization": f"Bearer {text}"})
    if answer.status != OK:
        return pending(f"{url} answered {answer.status} to a token that the realm signs now")
    return held(f"the public data sets are listed, and tokens signed with the key {node.facts.signing_key_id} are taken")


COMPONENT = Component(
    name="dataset-service",
    summary="catalogue of the imaging data sets",
    profiles=frozenset({Profile.MICRO}),
    requires=("platform", "storage", "postgresql", "identity", "edge"),
    values=_values,
    gate=_gate,
    images={"image": "dataset-service-backend"},
    sizes={
        Size.SMALL: {"resources": amounts("100m", "320Mi", "1Gi")},
        Size.MEDIUM: {"resources": amounts("250m", "512Mi", "2Gi")},
        Size.LARGE: {"resources": amounts("500m", "1Gi", "4Gi")},
    },
    credentials=(
        Credential(
            "dataset-service-client", (GeneratedKey("secret"),), {"client-id": CLIENT}, checked=Checked.REALM, mounted=False
        ),
    ),
    needs=("signing_key_id",),
    rendered=(RenderedSecret("dataset-service-config", "dataset-service.yaml", INPUTS, configuration),),
    volumes=(
        # Others pass through the top to what an access list opens for them; they don't see what else is there.
        Volume("datalake", USER, lambda sizes: sizes.datalake, mode="0711", access_lists=True),
        Volume("datasets", USER, lambda sizes: sizes.datasets, mode="0711", access_lists=True),
        Volume("dataset-service-data", USER, lambda sizes: sizes.service),
    ),
    routes=(
        Route(
            "/dataset-service",
            "dataset-service-backend-service",
            PORT,
            "backend",
            strip=True,
            title="Data sets",
            start="/web/",
        ),
    ),
    flows=(
        *(
            flow
            for pods in (BACKEND, CREATION_JOB)
            for flow in (
                Flow(pods, Pods("postgresql", "server"), POSTGRESQL_PORT, "its database"),
                Flow(pods, DOOR, 8443, "tokens and accounts: it calls Keycloak by the public address only"),
            )
        ),
        Flow(BACKEND, Pods("keycloak", "server"), 8080, "the keys that tokens are signed with"),
        Flow(BACKEND, Outside.KUBERNETES_API, 443, "it starts a Job for each data set that is made"),
        Flow(BACKEND, Outside.INTERNET, 443, "Zenodo, where data sets are published"),
        Flow(Outside.OPERATOR, BACKEND, PORT, "the gate"),
    ),
)
