"""The resource EucaimNode: its specification, its status, and the names of the API group."""

GROUP = "mininode.cancerimage.eu"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "EucaimNode"
PLURAL = "eucaimnodes"

# Labels on everything that belongs to a node. INPUTS sits on Helm's release Secrets and answers "is anything different?".
NODE_LABEL = f"{GROUP}/node"
COMPONENT_LABEL = f"{GROUP}/component"
INPUTS_LABEL = f"{GROUP}/inputs"
# On Helm's release Secrets, too: the revision whose gate held. Helm hands labels on to later revisions, hence the number.
PROVEN_LABEL = f"{GROUP}/proven"

# Who wrote a Secret that tells what a component was made from: Helm, or the operator where there is no chart. One LIST finds both.
OWNER_LABEL = "owner"
OWNED_BY_OPERATOR = "mininode"
RELEASES = f"{OWNER_LABEL} in (helm,{OWNED_BY_OPERATOR})"
NO_RELEASES = f"{OWNER_LABEL} notin (helm,{OWNED_BY_OPERATOR})"

# Set on a node (to any new value) it starts the work anew: failures are forgotten, every gate is asked again.
REQUESTED_AT = f"reconcile.{GROUP}/requestedAt"

# On an object of a node, with the value `ignore`: the operator leaves it as people made it.
DRIFT_ANNOTATION = f"{GROUP}/drift"
DRIFT_IGNORE = "ignore"
STOPPED_ANNOTATION = f"{GROUP}/stopped-replicas"  # on a workload that the operator stopped for a moment: how many pods it has else

# Held by a node's resource while its software is there.
FINALIZER = f"{GROUP}/finalizer"
