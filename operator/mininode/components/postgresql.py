"""PostgreSQL: one server, with a database and a login of its own for each application of the node.

Gate: each application's login works with its credential over the Service's name, as the application itself will do it.
"""

from typing import Any

from mininode.api.spec import Profile
from mininode.components.base import Component, Credential, GateResult, GeneratedKey, Node, Probes, held

PORT = 5432
# Application -> name of its login and of its database. The chart has the same list in templates/_applications.tpl and a
# test compares the two: which Secrets a pod mounts must not be a value that somebody can change from outside.
DATABASES = {"keycloak": "keycloak", "dataset-service": "dataset_service", "guacamole": "guacamole"}


def secret_name(application: str) -> str:
    """Return the name of the Secret with an application's login; its keys are username, database and password."""
    return f"postgresql-{application}"


def _values(node: Node) -> dict[str, Any]:
    storage = node.spec.storage
    return {
        "storage": {
            "className": storage.class_name or "",
            "hostPath": storage.host_path or "",
            "size": storage.sizes.database,
        }
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
    requires=(),
    values=_values,
    gate=_gate,
    images={"image": "postgresql"},
    credentials=(
        Credential("postgresql-superuser", (GeneratedKey("password"),), {"username": "postgres"}),
        *(
            Credential(secret_name(application), (GeneratedKey("password"),), {"username": name, "database": name})
            for application, name in DATABASES.items()
        ),
    ),
    volumes=("postgresql-data",),
)
