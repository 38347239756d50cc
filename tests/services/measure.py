"""Figures of the realm's reconciler at a real Keycloak, as JSON lines: the first pass from an empty realm, then second passes.

usage: measure.py [PASSES]
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
import servers
import world as worlds

from mininode.api.spec import DriftCorrection
from mininode.keycloak.bootstrap import MASTER, bootstrap
from mininode.keycloak.door import KeycloakDoor, PasswordLogin
from mininode.keycloak.reconcile import RealmReport, reconcile_realm


async def measure(keycloak: servers.Keycloak, passes: int) -> list[dict[str, object]]:
    """Each figure with what it was measured on."""
    wanted = worlds.desired("EUCAIM-NODE")
    secrets = worlds.values(wanted)
    async with httpx.AsyncClient(trust_env=False) as http:
        door = KeycloakDoor(http, keycloak.url, wanted.name, worlds.OPERATOR)

        async def one() -> tuple[float, RealmReport]:
            begin = time.monotonic()
            report = await reconcile_realm(door, wanted, policy=DriftCorrection.ENFORCE, secrets=secrets)
            return time.monotonic() - begin, report

        begin = time.monotonic()
        await bootstrap(door, PasswordLogin(MASTER, keycloak.admin, keycloak.password))
        started = time.monotonic() - begin
        first, report = await one()
        again = [await one() for _ in range(passes)]
    second = statistics.median(seconds for seconds, _ in again)
    return [
        {"figure": "bootstrap", "seconds": round(started, 2)},
        {"figure": "first pass", "seconds": round(first, 2), "writes": len(report.writes), "requests": report.requests},
        {"figure": "second pass", "seconds": round(second, 3), "writes": len(again[0][1].writes), "requests": again[0][1].requests},
    ]


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with servers.postgres(folder) as database, servers.keycloak(folder, database) as keycloak:
            for figure in asyncio.run(measure(keycloak, int(arguments[0]) if arguments else 20)):
                print(json.dumps(figure))  # noqa: T201 - what this is for


if __name__ == "__main__":
    main(sys.argv[1:])
