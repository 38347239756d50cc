"""Realms of nodes, computed without a server."""

from collections.abc import Callable

import pytest

from mininode.api.identity import Identity
from mininode.api.spec import NodeSpec
from mininode.components.base import Node
from mininode.realm.desired import desired_realm
from mininode.realm.model import Client, DesiredRealm

EVERY = ("batch", "dataset-service", "federated-compute", "guacamole", "kubeapps", "orthanc", "tracer", "workspaces")


@pytest.fixture
def realm() -> Callable[..., DesiredRealm]:
    def make(identity: Identity | None = None, components: tuple[str, ...] = EVERY, site: str = "") -> DesiredRealm:
        node = Node("node", "eucaim-node", NodeSpec(domain="node.hospital.example", site_name=site))
        return desired_realm(node, identity or Identity(), components)

    return make


@pytest.fixture
def client(realm: Callable[..., DesiredRealm]) -> Callable[[str], Client]:
    return lambda client_id: next(one for one in realm().clients if one.client_id == client_id)
