"""Judges processor, memory, kernel and the like. Pure."""

import re

from mininode.preflight.facts import Machine
from mininode.preflight.findings import Finding, fail, ok, warn
from mininode.preflight.wish import DEMANDS, GIB, MARKETING, Wish

# Kubernetes 1.35 refuses cgroup v1 (kubelet's failCgroupV1, true from 1.35); v2 needs Linux 4.15, and 5.8 is advised
# (kubernetes.io, "About cgroup v2").
_KERNEL_LEAST, _KERNEL_GOOD = (4, 19), (5, 8)
_CONTROLLERS = frozenset({"cpu", "memory", "pids"})
_INOTIFY = 512  # instances; Debian's 128 are used up by one desktop and one Kubernetes
_SWAPPING = 0.25  # of the swap in use: the machine is short of memory already


def judge_system(seen: Machine, wish: Wish) -> Finding:
    """Linux, or a system on which only some ways are known."""
    if seen.system == "Linux":
        return ok("system", f"Linux {seen.kernel}")
    if wish.way == "rehearsal":
        return warn("system", f"rehearsals are tried on Linux only, this is {seen.system}", seen.kernel, "Use a Linux computer")
    return warn(
        "system", f"{seen.system}: a node here works while you are logged in", seen.kernel, "For people's work use a Linux computer"
    )


def judge_user(seen: Machine, wish: Wish) -> Finding:
    """A cluster of minikube belongs to the user who made it."""
    if not seen.root or wish.way != "minikube":
        return ok("user", "not root" if not seen.root else "root")
    who = seen.sudo_user or "an ordinary user of the group docker"
    return warn(
        "user",
        "you are root: the cluster would belong to root, and another user's start could take it away",
        f"user id 0{f', called by {seen.sudo_user} through sudo' if seen.sudo_user else ''}",
        f"Run it as {who}, without sudo",
    )


def judge_cores(seen: Machine, wish: Wish) -> Finding:
    """Enough processor cores."""
    have = f"{seen.cores} cores"
    if seen.cores < wish.least.cores:
        return fail(
            "processor",
            f"profile {wish.profile} needs {wish.least.cores} cores",
            have,
            "Use a larger computer, or give the virtual machine more cores",
        )
    if wish.here and seen.cores < (tier := DEMANDS[wish.profile].tier).cores:
        name = DEMANDS[wish.profile].tier_name
        return warn(
            "processor",
            f"fewer cores than the {tier.cores} of the federation's {name}",
            have,
            "Fine to try it; for five people at a time use a larger computer",
        )
    return ok("processor", have)


def judge_memory(seen: Machine, wish: Wish) -> Finding:
    """Enough memory. The system keeps a part of what is built in, so 7 % may be missing."""
    have = f"{_gib(seen.memory)} built in, {_gib(seen.available)} free"
    if seen.memory < wish.least.memory * MARKETING:
        return fail(
            "memory",
            f"profile {wish.profile} needs {_gib(wish.least.memory)} of memory",
            have,
            "Use a larger computer, or give the virtual machine more memory",
        )
    if wish.here and seen.memory < (tier := DEMANDS[wish.profile].tier).memory * MARKETING:
        name = DEMANDS[wish.profile].tier_name
        return warn(
            "memory",
            f"less memory than the {_gib(tier.memory)} of the federation's {name}",
            have,
            "Fine to try it; for five people at a time use a larger computer",
        )
    if seen.available < wish.least.memory / 2:
        return warn("memory", "most of the memory is in use", have, "ps -eo rss,comm --sort=-rss | head")
    return ok("memory", have)


def judge_swap(seen: Machine, _wish: Wish) -> Finding:
    """Swap is no mistake; a machine that swaps is short of memory."""
    if not seen.swap:
        return ok("swap", "none")
    have = f"{_gib(seen.swap)}, {_gib(seen.swap_used)} in use"
    if seen.swap_used > _SWAPPING * seen.swap and seen.swap_used > GIB / 2:
        return warn(
            "swap",
            "the computer swaps: it is short of memory, and databases will be slow",
            have,
            "ps -eo rss,comm --sort=-rss | head",
        )
    return ok("swap", have)


def judge_kernel(seen: Machine, _wish: Wish) -> Finding:
    """New enough for cgroup v2."""
    numbers = re.match(r"(\d+)\.(\d+)", seen.kernel)
    if seen.system != "Linux" or numbers is None:
        return ok("kernel", seen.kernel)
    version = (int(numbers[1]), int(numbers[2]))
    if version < _KERNEL_LEAST:
        return fail(
            "kernel",
            "the kernel is too old for Kubernetes 1.35",
            seen.kernel,
            "Upgrade the system: Debian 12, Ubuntu 22.04, RHEL 9 or later",
        )
    if version < _KERNEL_GOOD:
        return warn(
            "kernel",
            "the kernel is older than 5.8, from which cgroup v2 is complete",
            seen.kernel,
            "Upgrade the system when you can",
        )
    return ok("kernel", seen.kernel)


def judge_cgroups(seen: Machine, wish: Wish) -> Finding:
    """Version 2, with the controllers that Kubernetes limits pods by."""
    if seen.system != "Linux":
        return ok("cgroups", "the engine's own")
    advice = "Add systemd.unified_cgroup_hierarchy=1 to the kernel's command line and restart, or upgrade the system"
    if seen.cgroup == 1 and wish.way == "minikube":  # its kubelet is told failCgroupV1=false; seen to work with 1.38.1
        return warn("cgroups", "this is cgroup v1, which Kubernetes gives up", "/sys/fs/cgroup is version 1", advice)
    if seen.cgroup != 2:  # noqa: PLR2004 - version 2
        where = f"/sys/fs/cgroup is version {seen.cgroup}" if seen.cgroup else "/sys/fs/cgroup is not mounted"
        return fail("cgroups", "Kubernetes 1.35 needs cgroup v2", where, advice)
    if missing := _CONTROLLERS - seen.controllers:
        return fail(
            "cgroups",
            f"without the controllers {', '.join(sorted(missing))} pods can't be limited",
            f"/sys/fs/cgroup/cgroup.controllers: {' '.join(sorted(seen.controllers))}",
            "Add cgroup_enable=memory to the kernel's command line and restart",
        )
    return ok("cgroups", "version 2")


def judge_watches(seen: Machine, _wish: Wish) -> Finding:
    """Kubernetes and its pods watch many files."""
    if not 0 < seen.inotify_instances < _INOTIFY:
        return ok("watches", f"{seen.inotify_instances} of inotify" if seen.inotify_instances else "not limited")
    return warn(
        "watches",
        "few watches on files: pods may fail with “too many open files”",
        f"fs.inotify.max_user_instances is {seen.inotify_instances}",
        f"echo fs.inotify.max_user_instances={_INOTIFY} | sudo tee /etc/sysctl.d/90-mininode.conf && sudo sysctl --system",
    )


def judge_security(seen: Machine, wish: Wish) -> Finding:
    """SELinux keeps containers out of folders that are not labelled for them."""
    if seen.selinux == "enforcing" and wish.data:
        return warn(
            "security",
            "SELinux is enforcing: containers may not read a folder without their label",
            "/sys/fs/selinux/enforce is 1",
            f"sudo semanage fcontext -a -t container_file_t '{wish.data}(/.*)?' && sudo restorecon -R {wish.data}",
        )
    names = [name for name, on in (("SELinux, " + seen.selinux, seen.selinux), ("AppArmor", seen.apparmor)) if on]
    return ok("security", " and ".join(names) or "neither SELinux nor AppArmor")


def _gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB".replace(".0 ", " ")
