"""The systemd unit that starts the cluster with the computer. Nothing of minikube's does: no restart policy, no enabled kubelet.

Its start is our own command, so that every look before a start is taken at boot, too: the disk of the data is mounted, the access
file is sound, the machine is ours. It never is a start in a loop: a second one could reset the cluster.
"""

from dataclasses import dataclass
from pathlib import Path

NAME = "mininode.service"


@dataclass(frozen=True, slots=True)
class Boot:
    """What the unit needs to know."""

    user: str
    python: Path
    data: Path
    environment: tuple[tuple[str, str], ...]  # HOME, PATH, XDG_STATE_HOME, proxies: nothing secret
    profile: str
    system: bool  # a unit of the system, else one of the user, with lingering


def unit(boot: Boot) -> str:
    """Its text."""
    command = f"{_quoted(str(boot.python))} -P -m mininode.cli.main cluster"
    after = (
        f"Requires=docker.service\nAfter=docker.service network-online.target\nWants=network-online.target\n"
        f"RequiresMountsFor={_quoted(str(boot.data))}\n"
        if boot.system
        else f"RequiresMountsFor={_quoted(str(boot.data))}\n"
    )
    environment = "".join(f"Environment={_quoted(f'{key}={value}')}\n" for key, value in boot.environment)
    user = f"User={boot.user}\n" if boot.system else ""
    return (
        "# Made by `mininode cluster boot`. Remove it with `mininode cluster boot --remove`.\n"
        "[Unit]\n"
        f"Description=Cluster {boot.profile} of the EUCAIM node\n"
        f"{after}"
        "\n[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        f"{user}{environment}"
        f"ExecStart={command} start --boot --profile {boot.profile}\n"
        f"ExecStop={command} stop --boot --profile {boot.profile}\n"
        "TimeoutStartSec=20min\n"
        "TimeoutStopSec=5min\n"
        "\n[Install]\n"
        f"WantedBy={'multi-user.target' if boot.system else 'default.target'}\n"
    )


def _quoted(text: str) -> str:
    """A word for systemd: quotes and percent signs mean something there."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{plain}"' if any(sign in plain for sign in ' \t"\\') else plain
