"""Gathers facts: every look in a thread of its own, all of them bounded by one deadline. Reads only."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from mininode.preflight import seen_clusters, seen_machine, seen_network
from mininode.preflight.facts import Facts, Unseen
from mininode.preflight.judge import needed
from mininode.preflight.wish import Wish

DEADLINE = 2.0  # s; the whole command is to take less than three

Look = Callable[[Wish], Any]
LOOKS: Mapping[str, Look] = {
    "machine": seen_machine.machine,
    "folder": seen_machine.data_folder,
    "software": seen_machine.software_folder,
    "ports": seen_network.ports,
    "name": seen_network.name,
    "network": seen_network.network,
    "authority": seen_network.authority,
    "engine": seen_clusters.engine,
    "programs": seen_clusters.programs,
    "cluster": seen_clusters.cluster,
}


def observe(wish: Wish, looks: Mapping[str, Look] = LOOKS, deadline: float = DEADLINE) -> Facts:
    """What is seen of this computer within the deadline; a look that hangs or breaks is an Unseen with its reason."""
    began = time.monotonic()
    seen: dict[str, Any] = {}
    took: dict[str, float] = {}

    def run(name: str, look: Look) -> None:
        try:
            found = look(wish)
        except Exception as error:  # noqa: BLE001 - one look that breaks must not take the others with it
            found = Unseen(f"{type(error).__name__}: {error}")
        took[name] = time.monotonic() - began
        seen[name] = found

    # Daemons: a name server or a dead network disk may hold one for minutes, and the command ends without it.
    wanted = needed(wish)
    threads = {name: threading.Thread(target=run, args=(name, look), daemon=True) for name, look in looks.items() if name in wanted}
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, began + deadline - time.monotonic()))
    late = {name: Unseen(f"no answer within {deadline:.1f} s") for name in threads if name not in seen}
    return Facts(**(late | seen), took=dict(took))
