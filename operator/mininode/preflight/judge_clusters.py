"""Judges the container engine, programs and clusters that are there already. Pure."""

from mininode.cluster.engine import ADVICE, Engine, EngineState
from mininode.preflight.facts import Cluster, Program
from mininode.preflight.findings import Finding, fail, ok, warn
from mininode.preflight.wish import Wish

_ENGINE_LEAST, _ENGINE_GOOD = (18, 9), (20, 10)  # minikube 1.38: refuses below the first, advises the second
_WORDS = {
    EngineState.ABSENT: "there is no container engine",
    EngineState.NOT_RUNNING: "Docker does not answer",
    EngineState.FORBIDDEN: "you may not use Docker",
}


def judge_engine(seen: Engine, _wish: Wish) -> Finding:
    """Docker is there, runs, and this user may use it."""
    if not seen.usable:
        return fail("engine", _WORDS[seen.state], seen.detail, ADVICE[seen.state].removesuffix("."))
    version = _numbers(seen.detail)
    if version and version < _ENGINE_LEAST:
        return fail("engine", "Docker is too old for minikube", f"version {seen.detail}", "Install Docker 20.10 or later")
    if version and version < _ENGINE_GOOD:
        return warn("engine", "Docker is older than minikube advises (20.10)", f"version {seen.detail}", "Upgrade it when you can")
    return ok("engine", f"Docker {seen.detail}")


def judge_programs(seen: tuple[Program, ...], _wish: Wish) -> Finding:
    """The pinned programs are here, or will be had."""
    if wrong := [one for one in seen if one.problem]:
        return fail(
            "programs", "a program that you named can't be used", "; ".join(one.problem for one in wrong), "mininode tools doctor"
        )
    here = ", ".join(f"{one.name} {one.version}" for one in seen if one.version)
    if missing := [f"{one.name} {one.wanted}" for one in seen if not one.version]:
        return ok("programs", f"{here or 'none'}; to be had: {', '.join(missing)}")
    return ok("programs", here)


def judge_kubeconfig(seen: Cluster, wish: Wish) -> Finding:
    """The access file is sound. minikube takes a damaged one for a broken cluster, and may reset that."""
    if seen.kubeconfig_problem:
        return fail(
            "kubeconfig",
            f"the access file can't be used: {seen.kubeconfig_problem}",
            seen.kubeconfig,
            f"Look at it; moved away, ours is made anew: mv {seen.kubeconfig} {seen.kubeconfig}.damaged",
        )
    if wish.way == "current" and not seen.kubeconfig:
        return fail(
            "kubeconfig",
            "there is no access file of a cluster",
            "neither $KUBECONFIG nor ~/.kube/config",
            "Name it: export KUBECONFIG=/path/to/file",
        )
    return ok("kubeconfig", seen.kubeconfig or "none yet; it is made with the cluster")


def judge_cluster(seen: Cluster, wish: Wish) -> Finding:
    """No cluster of our name belongs to somebody else: minikube would remove its container."""
    if seen.container and not seen.profile and wish.way == "minikube":
        return fail(
            "cluster",
            f"there is a container “{wish.cluster}” that another user's or another home's minikube made",
            f"docker says: {seen.container}",
            f"Run as the user it belongs to. docker inspect {wish.cluster} tells more. Do not remove it: it may hold a node",
        )
    if seen.container:
        return ok("cluster", f"yours is there: {seen.container}")
    return ok("cluster", "none yet" if not seen.profile else "known, and its container is gone")


def judge_variables(seen: Cluster, _wish: Wish) -> Finding:
    """Minikube obeys variables that were meant for another cluster."""
    if not seen.stray:
        return ok("variables", "none of minikube's is set")
    return warn(
        "variables",
        "variables of minikube are set; mininode does not pass them on",
        ", ".join(seen.stray),
        f"unset {' '.join(seen.stray)}",
    )


def _numbers(version: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in version.split(".")[:2])
    except ValueError:
        return ()
