"""Kopf's handlers: an index, no logic.

A daemon per node works level-triggered; `on.event` only wakes it; `on.delete` is needed because Kopf starts no daemon for a
node that was deleted while no operator ran, and would let it go at once.
"""

from dataclasses import replace
from typing import Any

import kopf

from mininode.api import FINALIZER, GROUP, PLURAL, VERSION
from mininode.app.nodes import Nodes
from mininode.errors import NotThereYet

_NODE = (GROUP, VERSION, PLURAL)
_REMOVAL_RETRY = 5  # s until a removal that did not finish is tried again


def register(registry: kopf.OperatorRegistry, nodes: Nodes) -> None:
    """Put every handler into Kopf's registry."""

    @kopf.on.startup(registry=registry, id="configure")
    def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        _configure(settings)

    @kopf.on.login(registry=registry, id="login")
    def login(**kwargs: Any) -> Any:
        if (login := kopf.login_with_kubeconfig(**kwargs)) is not None:
            return login
        account = kopf.login_with_service_account(**kwargs)
        # Kopf goes by a name, which waits for the cluster's DNS; our own door was told the address by the kubelet.
        return account and replace(account, server=nodes.engine.kube.host)

    @kopf.on.event(*_NODE, registry=registry, id="notice")
    async def notice(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002 - Kopf's name
        if type == "DELETED":
            nodes.forget(body)
        else:
            nodes.notice(plain(body))

    @kopf.daemon(*_NODE, registry=registry, id="keep", cancellation_timeout=30, cancellation_backoff=1)
    async def keep(body: kopf.Body, stopped: Any, **_: Any) -> None:
        await nodes.keep(plain(body), stopped)

    @kopf.on.delete(*_NODE, registry=registry, id="remove")
    async def remove(body: kopf.Body, **_: Any) -> None:
        try:
            await nodes.remove(plain(body))
        except NotThereYet as error:
            raise kopf.TemporaryError(error.message, delay=_REMOVAL_RETRY) from error


def plain(value: Any) -> Any:
    """A resource as plain data: Kopf's views follow the object, ours are values."""
    if hasattr(value, "items"):
        return {key: plain(child) for key, child in value.items()}
    return [plain(child) for child in value] if isinstance(value, list | tuple) else value


def _configure(settings: kopf.OperatorSettings) -> None:
    settings.persistence.finalizer = FINALIZER
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    # Kopf keeps this copy of the spec for on.delete; nothing of ours reads it, so it need not be big.
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(
        prefix=GROUP, ignored_fields=["spec.components", "status"]
    )
    settings.peering.standalone = True
    settings.scanning.disabled = True  # no right to list CRDs or namespaces of the whole cluster
    settings.posting.enabled = False
    settings.networking.request_timeout = 30  # s
    settings.networking.connect_timeout = 10  # s
    settings.watching.server_timeout = 300  # s; Kopf's bookmarks find a silent watch long before
    settings.watching.client_timeout = 310  # s
    settings.watching.connect_timeout = 10  # s
    settings.execution.default_backoff = 15  # s
