"""Roles and groups of the realm: names as dataset-service, jobman and the onboarding look for them."""

from mininode.components.dataset_service import ASSIGNABLE_ROLES, CLIENT_ROLES
from mininode.components.dataset_service import CLIENT as DATASET_SERVICE
from mininode.realm.model import REALM_ROLES, Group, RealmRole

VALIDATED, REJECTED = "validated_user", "rejected_user"
DATA_SCIENTISTS, DATASET_ADMINISTRATOR = "data-scientists", "dataset-administrator"
SUPERVISORS = "cloud-services-and-security-management"
NODE_ADMINISTRATORS = "node-administrators"
PROJECTS = "PROJECTS"
REALM_MANAGEMENT = "realm-management"
JOBMAN, JOBMAN_ROLE = "jobman-service", "manage-own-jobs"

# What an administrator of a node does in Keycloak's own console: people and groups. Settings are the spec's matter.
NODE_ADMINISTRATORS_MAY = (
    "manage-users", "query-clients", "query-groups", "query-users", "view-clients", "view-events", "view-identity-providers",
    "view-realm", "view-users",
)  # fmt: skip

_DESCRIPTIONS = {
    DATA_SCIENTISTS: "May use data sets",
    DATASET_ADMINISTRATOR: "May register data sets",
    SUPERVISORS: "May do everything in the node's services",
    "authorized-technical-data-manager": "Technical data manager",
    "clinical-staff": "Clinical staff",
    "application-developer": "Application developer",
}


def roles(enabled: frozenset[str]) -> tuple[RealmRole, ...]:
    """The realm's roles, with what they bring along for the components that are on."""
    brings: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in ASSIGNABLE_ROLES}
    if "dataset-service" in enabled:
        brings[DATA_SCIENTISTS][DATASET_SERVICE] = ("use_datasets",)
        brings[DATASET_ADMINISTRATOR][DATASET_SERVICE] = ("admin_datasets",)
        brings[SUPERVISORS][DATASET_SERVICE] = CLIENT_ROLES
    if "batch" in enabled:
        brings[DATA_SCIENTISTS][JOBMAN] = (JOBMAN_ROLE,)
    general = tuple(RealmRole(name, _DESCRIPTIONS[name], brings[name]) for name in ASSIGNABLE_ROLES)
    return (
        *general,
        RealmRole(VALIDATED, "An administrator has checked who this person is"),
        RealmRole(REJECTED, "An administrator has refused this person"),
    )


def groups() -> tuple[Group, ...]:
    """One group for each role that can be given, the parent of project groups, and the node's administrators.

    dataset-service puts people into `/ROLE` and `/PROJECTS/PROJECT-CODE`; the latter it makes itself.
    """
    by_role = tuple(Group(name, {REALM_ROLES: (name, VALIDATED)}) for name in ASSIGNABLE_ROLES)
    return (
        *by_role,
        Group("rejected-user", {REALM_ROLES: (REJECTED,)}),
        Group(PROJECTS),
        Group(NODE_ADMINISTRATORS, {REALM_MANAGEMENT: NODE_ADMINISTRATORS_MAY}),
    )
