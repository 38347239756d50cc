"""Whether a cluster that is there already can hold this node: version, machines, storage, the door, Pod Security, who applies it.

Each look is one or two requests; what this account may not read is said and not guessed. The judgements are pure functions.
"""

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from mininode.api.spec import ExposureMode, NodeSpec
from mininode.awaiting import together
from mininode.cluster.operator_pod import KWOK_ANNOTATION
from mininode.errors import KubeError
from mininode.kube.client import Kube, Object, Objects
from mininode.kube.resources import EUCAIM_NODES, NAMESPACES, NODES, SECRETS, Resource
from mininode.manifests.objects import OperatorPod
from mininode.manifests.secrets import Need, needs
from mininode.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

OLDEST = (1, 30)  # the CRD's rules and ratcheting; Pod Security; structured authorization of server-side apply
MAINTAINED = (1, 33)  # older ones get no security fixes any more
NEWEST = (1, 37)  # newer ones were not there when this version was made

STORAGE_CLASSES = Resource("storage.k8s.io", "v1", "storageclasses", namespaced=False)
INGRESS_CLASSES = Resource("networking.k8s.io", "v1", "ingressclasses", namespaced=False)
GATEWAY_CLASSES = Resource("gateway.networking.k8s.io", "v1", "gatewayclasses", namespaced=False)
_DEFAULT_STORAGE = "storageclass.kubernetes.io/is-default-class"
_DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"
_ENFORCE = "pod-security.kubernetes.io/enforce"
# Field managers under which the tools of GitOps apply (their sources name them so).
_GITOPS = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
}
_FORBIDDEN, _NOT_FOUND = 403, 404


def _found(level: Level, check: str, problem: str, fix: str = "") -> Finding:
    return Finding(check, level, problem, fix=fix)


async def suitable(kube: Kube, site: "SiteConfig") -> tuple[Finding, ...]:
    """Everything that was looked at, in the order in which people read it."""
    spec = site.node

    async def version() -> Finding:
        return judge_version(await kube.version())

    async def tell(what: str, resource: Resource, judge: Callable[[Objects], Finding]) -> Finding:
        return await _readable(what, kube.list(resource), judge)

    looks: list[Awaitable[Finding]] = [
        version(),
        tell("machines", NODES, judge_machines),
        tell("storage", STORAGE_CLASSES, lambda found: judge_storage(spec, found)),
    ]
    if spec.exposure.mode is ExposureMode.INGRESS:
        looks.append(tell("exposure", INGRESS_CLASSES, lambda found: judge_ingress(spec, found)))
    elif spec.exposure.mode is ExposureMode.GATEWAY:
        looks.append(tell("exposure", GATEWAY_CLASSES, lambda found: judge_gateway(spec, found)))
    looks += [
        *(_secret(kube, need) for need in needs(site, OperatorPod.of(site), {}) if need.must),
        _readable("Pod Security", kube.get(NAMESPACES, site.namespace), lambda one: judge_security(site.namespace, one)),
        _readable("node", kube.get(EUCAIM_NODES, site.name, site.namespace), judge_hands),
    ]
    return await together(*looks)


async def _readable(what: str, question: Awaitable[Any], judge: Callable[[Any], Finding]) -> Finding:
    try:
        answer = await question
    except KubeError as error:
        if error.code == _FORBIDDEN:
            return _found(Level.WARN, what, "this account may not look", f"Ask whoever runs the cluster ({error.message})")
        if error.code == _NOT_FOUND:
            return _found(Level.FAIL, what, "the cluster does not know this kind of object", error.message)
        raise
    return judge(answer)


async def _secret(kube: Kube, need: Need) -> Finding:
    """Whether a Secret that only the site can make is there; its content does not travel."""
    name = f"Secret {need.name} in namespace {need.namespace}"

    def judge(found: Object | None) -> Finding:
        if found is None:
            return _found(Level.WARN, "Secrets", f"{name} is not there", f"It needs {', '.join(need.keys)}: {need.purpose}")
        return _found(Level.OK, "Secrets", name)

    return await _readable("Secrets", kube.get_metadata(SECRETS, need.name, need.namespace), judge)


def judge_version(version: str) -> Finding:
    """Whether the API server is neither too old nor newer than what we know."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if not found:
        said = f"the API server calls itself {version or '(nothing)'}"
        return _found(Level.WARN, "Kubernetes", said, "Is this a Kubernetes API?")
    number = int(found[1]), int(found[2])
    if number < OLDEST:
        advice = f"Needed is v{OLDEST[0]}.{OLDEST[1]} or later: upgrade the cluster first"
        return _found(Level.FAIL, "Kubernetes", f"{version} is too old", advice)
    if number < MAINTAINED:
        return _found(Level.WARN, "Kubernetes", f"{version} gets no security fixes any more", "Plan its upgrade")
    if number > NEWEST:
        return _found(Level.WARN, "Kubernetes", f"{version} is newer than this mininode", "Look for a newer mininode")
    return _found(Level.OK, "Kubernetes", version)


def judge_machines(machines: Objects) -> Finding:
    """Whether a pod has somewhere to go."""
    usable = [one for one in machines if _ready(one) and not one["spec"].get("unschedulable")]
    if not usable:
        return _found(Level.FAIL, "machines", f"none of {len(machines)} is ready for pods", "See `kubectl get nodes`")
    simulated = [one for one in usable if KWOK_ANNOTATION in (one["metadata"].get("annotations") or {})]
    if simulated:
        evidence = f"{len(simulated)} of {len(usable)} are simulated: no program runs on them"
        return _found(Level.WARN, "machines", evidence, "The node can be rehearsed there, never Ready")
    return _found(Level.OK, "machines", f"{len(usable)} ready for pods")


def _ready(machine: Object) -> bool:
    conditions = machine.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def judge_storage(spec: NodeSpec, classes: Objects) -> Finding:
    """Whether the volumes can be made, and what happens to the data when a claim is deleted."""
    if spec.storage.host_path:
        evidence = f"folder {spec.storage.host_path} of one machine"
        return _found(Level.WARN, "storage", evidence, "Right on a cluster of one machine; else use a StorageClass")
    names = [one["metadata"]["name"] for one in classes]
    there = f"There are {', '.join(names)}" if names else "There is none: ask whoever runs the cluster for one"
    if wanted := spec.storage.class_name:
        chosen = next((one for one in classes if one["metadata"]["name"] == wanted), None)
        if chosen is None:
            return _found(Level.FAIL, "storage", f"there is no StorageClass {wanted}", there)
    else:
        chosen = next((one for one in classes if (one["metadata"].get("annotations") or {}).get(_DEFAULT_STORAGE) == "true"), None)
        if chosen is None:
            return _found(Level.FAIL, "storage", "no StorageClass is the default", f"Set node.storage.className. {there}")
    name = chosen["metadata"]["name"]
    if chosen.get("reclaimPolicy", "Delete") == "Delete":
        advice = "Use a class with reclaimPolicy Retain for data that must not be lost"
        return _found(Level.WARN, "storage", f"StorageClass {name} deletes a volume together with its claim", advice)
    return _found(Level.OK, "storage", f"StorageClass {name}")


def judge_ingress(spec: NodeSpec, classes: Objects) -> Finding:
    """Whether the wanted IngressClass is there."""
    names = [one["metadata"]["name"] for one in classes]
    there = f"There are {', '.join(names)}" if names else "There is none: no ingress controller is installed"
    if wanted := spec.exposure.class_name:
        if wanted not in names:
            return _found(Level.FAIL, "exposure", f"there is no IngressClass {wanted}", there)
        return _found(Level.OK, "exposure", f"IngressClass {wanted}")
    for one in classes:
        if (one["metadata"].get("annotations") or {}).get(_DEFAULT_INGRESS) == "true":
            return _found(Level.OK, "exposure", f"IngressClass {one['metadata']['name']}, the default")
    return _found(Level.FAIL, "exposure", "no IngressClass is the default", f"Set node.exposure.className. {there}")


def judge_gateway(spec: NodeSpec, classes: Objects) -> Finding:
    """Whether the wanted GatewayClass is there and its controller has taken it."""
    names = [one["metadata"]["name"] for one in classes]
    wanted = spec.exposure.class_name
    for one in classes:
        if one["metadata"]["name"] == wanted:
            conditions = one.get("status", {}).get("conditions", [])
            if any(found["type"] == "Accepted" and found["status"] == "True" for found in conditions):
                return _found(Level.OK, "exposure", f"GatewayClass {wanted}")
            return _found(Level.FAIL, "exposure", f"no controller has accepted GatewayClass {wanted}", "Is its controller running?")
    there = f"There are {', '.join(names)}" if names else "There is none"
    return _found(Level.FAIL, "exposure", f"there is no GatewayClass {wanted}", there)


def judge_security(name: str, namespace: Object | None) -> Finding:
    """Which level of Pod Security the node's pods will be held to; they pass the strictest."""
    if namespace is None:
        return _found(Level.OK, "Pod Security", f"namespace {name} will be made with level restricted")
    if namespace.get("status", {}).get("phase") == "Terminating":
        return _found(Level.FAIL, "Pod Security", f"namespace {name} is being deleted", "Wait until it is gone, or use another")
    level = (namespace["metadata"].get("labels") or {}).get(_ENFORCE)
    if level == "restricted":
        return _found(Level.OK, "Pod Security", f"namespace {name} enforces restricted")
    advice = f"Our pods pass restricted. To hold others to it: kubectl label namespace {name} {_ENFORCE}=restricted"
    return _found(Level.WARN, "Pod Security", f"namespace {name} enforces {level or 'no level of its own'}", advice)


def judge_hands(resource: Object | None) -> Finding:
    """Whether somebody else's hand is on the node already: two would undo each other's work."""
    if resource is None:
        return _found(Level.OK, "node", "not there yet")
    for entry in resource["metadata"].get("managedFields", []):
        tool = _GITOPS.get(entry["manager"].partition("/")[0])
        if tool and "f:spec" in entry.get("fieldsV1", {}):
            return _found(
                Level.FAIL, "node", f"{tool} applies it from Git", "Change it there: `mininode export` writes the files anew"
            )
    return _found(Level.OK, "node", "there; it is brought to what the configuration says")
