"""Conditions by the Kubernetes API conventions, and the closed list of their reasons.

A condition's `lastTransitionTime` moves exactly when its status moves; `observedGeneration` tells which spec it is about,
so that `kubectl wait` does not return on a stale one (KEP-1623; measured with kubectl 1.35).
"""

from collections.abc import Iterable

from mininode.api.status import Condition

READY = "Ready"
RECONCILING = "Reconciling"
STALLED = "Stalled"
REHEARSED = "Rehearsed"
CERTIFICATE = "CertificateFresh"
REALM = "RealmConverged"
ROOM = "DataDiskHasRoom"

TYPES = {
    READY: "True when every gate of the profile holds. Unknown while work goes on, and for good where pods are simulated.",
    RECONCILING: "True while the operator works towards the spec, or waits for something that comes by itself.",
    STALLED: "True when the operator can't go on without a human.",
    REHEARSED: "True when every release is installed and its pods are simulated: nothing was proven about real pods.",
    CERTIFICATE: "True while the certificate that visitors are shown lasts three weeks and more. Unknown where nobody saw it yet.",
    REALM: "True while Keycloak's realm is as declared and applications get the tokens they need. Unknown where nobody could look.",
    ROOM: "True while the disk of the node's data has 10 GiB and more left. Unknown where the data are in no folder of a machine.",
}

REASONS = {
    "AllGatesHold": "Every component is installed and its gate was seen to hold.",
    "CertificateEnded": "The certificate that visitors are shown is not valid any more.",
    "CertificateEndsSoon": "The certificate that visitors are shown ends within three weeks, and nobody renewed it.",
    "CertificateLasts": "The certificate that visitors are shown lasts three weeks and more.",
    "CertificateUnseen": "Nobody saw the certificate that visitors are shown.",
    "ComponentFailed": "At least one component failed; the others go on.",
    "Dependency": "The component waits for another component's gate.",
    "DiskFull": "Less than 1 GiB is left on the disk of the node's data: databases stop, or are about to.",
    "DiskHasRoom": "The disk of the node's data has 10 GiB and more left.",
    "DiskScarce": "Less than 10 GiB is left on the disk of the node's data.",
    "DiskUnseen": "Nobody saw the disk of the node's data.",
    "Drifted": "Objects of the component were changed or deleted by hand.",
    "Failed": "The component's last installation or upgrade failed; it is tried again after a while.",
    "Forbidden": "The operator lacks a right in the node's namespace.",
    "GateHeld": "The component is installed and its gate was seen to hold.",
    "GatePending": "The component is installed; its gate does not hold yet.",
    "InvalidSpec": "The spec is not one that the operator can make true; the message lists every mistake.",
    "IssuerWrong": "The realm calls itself by another address than the one that people reach it by.",
    "KeycloakConflict": "Keycloak has something of that name already, made at the same time; the next pass looks again.",
    "KeycloakDown": "Keycloak does not answer, or too slowly.",
    "KeycloakError": "Keycloak could not be worked with; the message says why.",
    "KeycloakFault": "Keycloak answered with a fault of its own.",
    "KeycloakForbidden": "The operator's account lacks a right in the realm.",
    "KeycloakLoginRefused": "Keycloak does not let the operator's account in: it was deleted, or its secret was changed.",
    "KeycloakNotFound": "Something went away from the realm in the middle of a pass; the next one looks again.",
    "KeycloakRefused": "Keycloak does not take a value that is declared.",
    "KeycloakVersion": "This version of Keycloak is not known, so nothing is written to it.",
    "KubernetesUnreachable": "The Kubernetes API can't be reached; the operator tries again.",
    "Locked": "An interrupted Helm command left the release locked; the operator unlocks it.",
    "NotSimulated": "At least one component's pods are real.",
    "NothingOn": "Every component is off, so there is nothing that could be ready.",
    "OwnedByOther": "A Helm release of this name belongs to another node or to somebody else.",
    "Progressing": "The operator is at work.",
    "ProviderSecretWrong": "An identity provider refuses the client secret that the site gave.",
    "ProviderUnreachable": "An identity provider does not describe itself at its address.",
    "RealmAsDeclared": "The realm is as declared, and applications get the tokens they need.",
    "RealmDiffers": "The realm is not as declared, and writing did not change that.",
    "RealmMissing": "The realm that the spec names is not at the Keycloak that it names.",
    "RealmUnseen": "Nobody compared the realm with what is declared yet.",
    "Removing": "The component is being removed; its volumes and passwords stay.",
    "RetriesExceeded": "The component failed as often as the operator tries; a changed spec starts it anew.",
    "RolledBack": "The newest inputs failed as often as the operator tries; the last revision that worked runs again.",
    "Rotating": "A credential of the component is being changed everywhere it is held.",
    "SecretMissing": "A Secret that the spec names, or the operator's own, is not there or lacks the key.",
    "Settled": "There is nothing to do.",
    "SigningKeyMissing": "The realm has no key that it could sign tokens with.",
    "Simulated": "Installed, but the pods are simulated, so no gate could be asked.",
    "Suspended": "spec.suspend is on: the operator looks and does nothing.",
    "Terminating": "The node is being deleted.",
    "TokenWrong": "An application's own account gets no token, or one that the application will not take.",
}


def updated(previous: Iterable[Condition], wanted: Iterable[Condition], now: str) -> tuple[Condition, ...]:
    """`wanted` with transition times: kept where the status is what it was, `now` (RFC 3339) where it moved."""
    before = {condition.type: condition for condition in previous}
    return tuple(
        condition.model_copy(
            update={
                "last_transition_time": old.last_transition_time
                if (old := before.get(condition.type)) is not None and old.status == condition.status
                else now
            }
        )
        for condition in wanted
    )
