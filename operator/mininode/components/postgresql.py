"""PostgreSQL: one server, with a database and a login of its own for each application of the node.

Gate: each application's login works with its credential over the Service's name, as the application itself will do it.
"""

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
    Volume,
    amounts,
    held,
)

PORT = 5432
SUPERUSER = "postgresql-superuser"
USER = 999  # the official image's
# Application -> name of its login and of its database. The chart has the same list in templates/_applications.tpl and a
# test compares the two: which Secrets a pod mounts must not be a value that somebody can change from outside.
DATABASES = {"keycloak": "keycloak", "dataset-service": "dataset_service", "guacamole": "guacamole"}


def secret_name(application: str) -> str:
    """Return the name of the Secret with an application's login; its keys are username, database and password."""
    return f"postgresql-{application}"


def _values(node: Node) -> dict[str, Any]:  # noqa: ARG001 - every component has this function; the plan adds what is needed here
    return {}


def tuned(shared: str, cached: str, work: str, maintenance: str, connections: str, log: str) -> dict[str, str]:
    """Settings of the server. A test adds up what they can take at most against the container's limit."""
    return {
        "shared_buffers": shared,
        "effective_cache_size": cached,
        "work_mem": work,
        "maintenance_work_mem": maintenance,
        "max_connections": connections,
        "max_wal_size": log,
    }


async def _gate(node: Node, probes: Probes) -> GateResult:
    host = node.service("postgresql")
    for application, name in DATABASES.items():
        password = await probes.secret(secret_name(application), "password")
        # ProbeFailed goes up: its text says which login did not work, and the engine reports it as the evidence.
        await probes.postgres_login(host=host, port=PORT, database=name, user=name, password=password)
    return held(f"{', '.join(DATABASES)} can log in at {host}")


COMPONENT = Component(
    name="postgresql",
    summary="databases of all applications",
    profiles=frozenset({Profile.MICRO}),
    requires=("platform", "storage"),
    values=_values,
    gate=_gate,
    images={"image": "postgresql"},
    credentials=(
        Credential(
            SUPERUSER, (GeneratedKey("password"),), {"username": "postgres"}, checked=Checked.DATABASE
        ),
        *(
            Credential(
                secret_name(application),
                (GeneratedKey("password"),),
                {"username": name, "database": name},
                checked=Checked.DATABASE,
            )
            for application, name in DATABASES.items()
        ),
    ),
    sizes={
        Size.SMALL: {
            "resources": amounts("100m", "256Mi", "1Gi"),
            "parameters": tuned("128MB", "512MB", "4MB", "64MB", "100", "1GB"),
        },
        Size.MEDIUM: {
            "resources": amounts("250m", "1Gi", "3Gi"),
            "parameters": tuned("512MB", "2GB", "8MB", "128MB", "150", "2GB"),
        },
        Size.LARGE: {
            "resources": amounts("1", "4Gi", "8Gi"),
            "parameters": tuned("2GB", "6GB", "12MB", "512MB", "250", "4GB"),
        },
    },
    volumes=(Volume("postgresql-data", USER, lambda sizes: sizes.database),),
    flows=(Flow(Outside.OPERATOR, Pods("postgresql", "server"), PORT, "the gate logs in as each application"),),
)
