"""The way to the node's Keycloak from a person's computer: kubectl forwards a port of this machine to it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mininode.components.base import Node
from mininode.components.keycloak import PORT
from mininode.keycloak.errors import unreachable
from mininode.toolbox.toolbox import Toolbox

_SECONDS = 15.0  # until kubectl says that it forwards


@asynccontextmanager
async def way_to_keycloak(node: Node, kubeconfig: Path) -> AsyncIterator[str]:
    """Where the node's Keycloak is reached as long as we are inside; empty for one of the site's, which has its own address.

    Raises KeycloakError when there is no way.
    """
    if node.spec.identity.external is not None:
        yield ""
        return
    program = Toolbox.from_environment().get("kubectl").path
    command = ("--kubeconfig", str(kubeconfig), "-n", node.namespace, "port-forward", "service/keycloak", f":{PORT}")
    process = await asyncio.create_subprocess_exec(
        program, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        found = re.search(r"127\.0\.0\.1:(\d+)", await _first_line(process))
        if found is None:
            raise unreachable("service/keycloak", "no port can be forwarded to it; its pods are not ready, or not there yet")
        yield f"http://127.0.0.1:{found[1]}/auth"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def _first_line(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        return ""
    try:
        return (await asyncio.wait_for(process.stdout.readline(), _SECONDS)).decode()
    except TimeoutError:
        return ""
