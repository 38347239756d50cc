"""From facts to findings: pure. The table at the end names each check, for whom it is, and what it rests on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mininode.preflight.facts import Facts, Unseen
from mininode.preflight.findings import Finding, Level, warn
from mininode.preflight.judge_clusters import judge_cluster, judge_engine, judge_kubeconfig, judge_programs, judge_variables
from mininode.preflight.judge_machine import (
    judge_cgroups,
    judge_cores,
    judge_kernel,
    judge_memory,
    judge_security,
    judge_swap,
    judge_system,
    judge_user,
    judge_watches,
)
from mininode.preflight.judge_network import judge_authority, judge_clock, judge_hosts, judge_name, judge_ports, judge_proxy
from mininode.preflight.judge_storage import judge_acl, judge_data_room, judge_filesystem, judge_software_room
from mininode.preflight.wish import Wish

REHEARSAL, HERE, CURRENT = frozenset({"rehearsal"}), frozenset({"minikube", "kind"}), frozenset({"current"})
EVERYWHERE = REHEARSAL | HERE | CURRENT


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the table."""

    name: str
    ways: frozenset[str]
    fact: str  # field of Facts
    judge: Callable[..., Finding]


CHECKS = (
    Check("system", EVERYWHERE, "machine", judge_system),
    Check("user", HERE, "machine", judge_user),
    Check("processor", HERE | REHEARSAL, "machine", judge_cores),
    Check("memory", HERE | REHEARSAL, "machine", judge_memory),
    Check("swap", HERE, "machine", judge_swap),
    Check("kernel", HERE, "machine", judge_kernel),
    Check("cgroups", HERE, "machine", judge_cgroups),
    Check("watches", HERE, "machine", judge_watches),
    Check("security", HERE, "machine", judge_security),
    Check("data-disk", HERE, "folder", judge_data_room),
    Check("filesystem", HERE, "folder", judge_filesystem),
    Check("acl", HERE, "folder", judge_acl),
    Check("disk", HERE | REHEARSAL, "software", judge_software_room),
    Check("engine", HERE, "engine", judge_engine),
    Check("ports", HERE, "ports", judge_ports),
    Check("name", HERE | CURRENT, "name", judge_name),
    Check("clock", HERE | CURRENT, "network", judge_clock),
    Check("proxy", HERE | CURRENT, "network", judge_proxy),
    Check("downloads", HERE | CURRENT, "network", judge_hosts),
    Check("authority", HERE | CURRENT, "authority", judge_authority),
    Check("programs", EVERYWHERE, "programs", judge_programs),
    Check("kubeconfig", HERE | CURRENT, "cluster", judge_kubeconfig),
    Check("cluster", HERE, "cluster", judge_cluster),
    Check("variables", HERE, "cluster", judge_variables),
)


def judge(facts: Facts, wish: Wish) -> tuple[Finding, ...]:
    """Every check's finding, in the order of the table. What could not be looked at is a warning, never a silence."""
    return tuple(_judged(check, facts, wish) for check in CHECKS if wish.way in check.ways)


def worst(findings: Iterable[Finding]) -> Level:
    """The heaviest level among them."""
    order = list(Level)
    return max((one.level for one in findings), key=order.index, default=Level.OK)


def needed(wish: Wish) -> frozenset[str]:
    """The fields of Facts that this wish's checks rest on."""
    return frozenset(check.fact for check in CHECKS if wish.way in check.ways)


def _judged(check: Check, facts: Facts, wish: Wish) -> Finding:
    seen = getattr(facts, check.fact)
    if seen is None or isinstance(seen, Unseen):
        reason = seen.reason if isinstance(seen, Unseen) else "nobody looked"
        return warn(check.name, "this could not be looked at", reason, "Run `mininode check` again; go on if it stays")
    return check.judge(seen, wish)
