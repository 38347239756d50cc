"""Judges ports, names, clock, proxy and what it lets through. Pure."""

import ipaddress

from mininode.preflight.facts import Authority, Name, Network, Port
from mininode.preflight.findings import Finding, fail, ok, warn
from mininode.preflight.wish import Wish

_DOOR = "edge"
_SKEW_WARN, _SKEW_FAIL = 30.0, 240.0  # s; an access token lives for 300
# Ranges that must not go through a proxy: minikube's docker network, Services, pods.
NO_PROXY = ("127.0.0.1", "10.96.0.0/12", "192.168.49.0/24", ".svc", ".cluster.local")
_RESERVED = (".example", ".test", ".invalid", ".localhost", ".internal")
# What listens on 80 and 443 most often, and how it is stopped.
_SERVICES = ("apache2", "httpd", "nginx", "caddy", "haproxy", "lighttpd")


def judge_ports(seen: tuple[Port, ...], wish: Wish) -> Finding:
    """Ports 80 and 443 are free where we open the public door ourselves."""
    taken = [port for port in seen if port.taken and not port.ours]
    if not taken:
        ours = any(port.ours for port in seen)
        return ok("ports", f"{' and '.join(str(port.number) for port in seen)} are {'held by your node' if ours else 'free'}")
    who = ", ".join(f"{port.number}: {_holder(port)}" for port in taken)
    if wish.exposure != _DOOR:
        return ok("ports", "not needed: the public door is the cluster's", who)
    numbers = " or ".join(f"sport = :{port.number}" for port in taken)
    service = next((port.holder for port in taken if port.holder in _SERVICES), "")
    fix = f"sudo systemctl disable --now {service}" if service else f"Stop it; it is shown by: sudo ss -ltnp '{numbers}'"
    many = "are" if len(taken) > 1 else "is"
    return fail(
        "ports", f"port {' and '.join(str(port.number) for port in taken)} {many} taken; the public door needs both", who, fix
    )


def judge_name(seen: Name, wish: Wish) -> Finding:
    """The domain leads here, or at least somewhere."""
    if seen.domain.endswith(_RESERVED):
        return ok("name", f"{seen.domain} is a name for this computer or your network only")
    if not seen.addresses:
        fix = f"Ask for a DNS entry of {seen.domain} with this computer's address ({', '.join(seen.own[:2]) or 'none found'})"
        problem = f"the name {seen.domain} leads nowhere"
        if wish.tls == "acme":
            return fail("name", problem + ": no public authority gives a certificate for it", seen.problem, fix)
        return warn("name", problem, seen.problem, fix)
    leads = f"{seen.domain} is {', '.join(seen.addresses)}; this computer has {', '.join(seen.own) or 'no address'}"
    if all(ipaddress.ip_address(one).is_loopback for one in seen.addresses):
        return warn(
            "name",
            f"{seen.domain} leads to this computer itself, for itself only",
            leads,
            "Look at /etc/hosts; others need a DNS entry",
        )
    if wish.here and not set(seen.addresses) & set(seen.own):
        return warn(
            "name", f"{seen.domain} leads to another address", leads,
            "Right if a router or a reverse proxy passes ports 80 and 443 on to here; else correct the DNS entry",
        )  # fmt: skip
    return ok("name", leads)


def judge_clock(seen: Network, _wish: Wish) -> Finding:
    """Log-ins and certificates need the right time."""
    clock = seen.clock
    fix = "sudo timedatectl set-ntp true"
    if clock.skew is not None and abs(clock.skew) >= _SKEW_WARN:
        text = f"the clock is {abs(clock.skew):.0f} s {'fast' if clock.skew > 0 else 'slow'}"
        evidence = f"compared with {clock.source}"
        if abs(clock.skew) >= _SKEW_FAIL:
            return fail("clock", f"{text}: log-ins will be refused", evidence, fix)
        return warn("clock", text, evidence, fix)
    if clock.synchronized is False:
        return warn("clock", "nobody keeps the clock right", "timedatectl: NTPSynchronized=no", fix)
    if clock.skew is not None:
        return ok("clock", f"right to {max(1, abs(clock.skew)):.0f} s", f"compared with {clock.source}")
    return ok("clock", "kept right by the system" if clock.synchronized else "nobody was there to compare with")


def judge_proxy(seen: Network, _wish: Wish) -> Finding:
    """The proxy is there, and local addresses do not go through it."""
    if not seen.proxy:
        return ok("proxy", "none is set")
    if seen.proxy_problem:
        return fail(
            "proxy",
            "the proxy can't be used",
            f"{seen.proxy}: {seen.proxy_problem}",
            "Correct HTTPS_PROXY, or unset it: unset HTTPS_PROXY https_proxy",
        )
    given = {one.strip().lstrip("*") for one in seen.no_proxy.split(",")}
    if missing := [one for one in NO_PROXY if one not in given]:
        return warn(
            "proxy", "addresses of the cluster would be asked of the proxy", f"NO_PROXY is {seen.no_proxy or 'empty'}",
            f"export NO_PROXY={','.join([*(one for one in (seen.no_proxy,) if one), *missing])}",
        )  # fmt: skip
    return ok("proxy", seen.proxy)


def judge_hosts(seen: Network, _wish: Wish) -> Finding:
    """What the installation downloads from can be reached."""
    if not seen.hosts:
        return ok("downloads", "none needed")
    blocked = [host for host in seen.hosts if host.problem]
    if not blocked:
        return ok("downloads", f"all {len(seen.hosts)} hosts can be reached")
    through = " through the proxy" if seen.proxy else ""
    reasons: dict[str, list[str]] = {}
    for host in blocked:
        reasons.setdefault(host.problem, []).append(host.name)
    evidence = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
    if all(host.certificate for host in blocked):
        return warn(
            "downloads", f"the certificates of {len(blocked)} hosts are not trusted: something on the way opens encrypted traffic",
            evidence, "Ask your network's administrators for their authority and name it: export SSL_CERT_FILE=/path/ca.pem",
        )  # fmt: skip
    return warn(
        "downloads", f"{len(blocked)} of {len(seen.hosts)} hosts can't be reached{through}", evidence,
        "Ask your network's administrators to allow them, or use mirrors: MININODE_MIRROR for programs, imageMirror for images",
    )  # fmt: skip


def judge_authority(seen: Authority, _wish: Wish) -> Finding:
    """A certificate authority of the site's own can be read and is one."""
    if not seen.variable:
        return ok("authority", "none of your own is named")
    where = f"{seen.variable}={seen.path}"
    if seen.problem:
        return fail(
            "authority",
            f"the file of certificate authorities can't be used: {seen.problem}",
            where,
            f"Correct {seen.variable}, or unset it",
        )
    if len(seen.expired) == len(seen.subjects):  # a system's own collection always has some that are
        return warn(
            "authority", "all of its certificates are out of date", f"{where}: {', '.join(seen.expired[:3])}", "Ask for a new file"
        )
    return ok("authority", f"{len(seen.subjects)} in the file that you name", where)


def _holder(port: Port) -> str:
    if port.holder:
        return f"{port.holder} (process {port.pid})"
    return "a program of another user"
