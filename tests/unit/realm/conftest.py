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
        spec = NodeSpec(domain="node.hospital.example", site_name=site, identity=identity or Identity())
        return desired_realm(Node("node", "eucaim-node", spec), components)

    return make


@pytest.fixture
def client(realm: Callable[..., DesiredRealm]) -> Callable[[str], Client]:
    return lambda client_id: next(one for one in realm().clients if one.client_id == client_id)
