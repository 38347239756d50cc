"""Credentials outlive their cluster: kept in a file beside the data, and put back on a real API server before anything starts."""

import asyncio
import base64
import stat
from pathlib import Path
from typing import Any, cast

import pytest

from mininode.api.spec import NodeSpec
from mininode.cluster.rehearsal import Rehearsal
from mininode.components.base import Node
from mininode.components.registry import all_components
from mininode.engine.act import Actor
from mininode.engine.keep import Keeper
from mininode.errors import MininodeError
from mininode.helm.client import Helm
from mininode.kube.client import Kube

pytestmark = pytest.mark.control_plane

ORDER = ("postgresql", "keycloak", "dataset-service")  # the last one has a file that is computed from the others' passwords


class Site:
    """What the operator does about credentials, with a folder to keep them in, in one namespace."""

    def __init__(self, rehearsal: Rehearsal, folder: Path, namespace: str, **storage: Any) -> None:
        spec = {"domain": "node.hospital.example", "storage": {"hostPath": "/data", **storage}}
        components = all_components()
        self.node = Node("node", namespace, NodeSpec.model_validate(spec), on=tuple(components[name] for name in ORDER))
        self.rehearsal, self.folder = rehearsal, folder

    def make(self, *names: str) -> None:
        async def go() -> None:
            async with await Kube.connect(self.rehearsal.kubeconfig) as kube:
                actor = Actor(kube, cast(Helm, None), self.node, keeper=Keeper(kube, self.folder))
                for name in names or ORDER:
                    await actor.credentials(all_components()[name])

        asyncio.run(go())

    @property
    def file(self) -> Path:
        return self.folder / f"{self.node.namespace}.node.json"


def values(kubectl: Any, namespace: str) -> dict[str, dict[str, str]]:
    items = kubectl.json("get", "secrets", "-n", namespace)["items"]
    return {one["metadata"]["name"]: one["data"] for one in items}


def lose(kubectl: Any, namespace: str) -> None:
    """The cluster goes, and with it everything that etcd knew."""
    kubectl("delete", "secrets", "--all", "-n", namespace)
    assert values(kubectl, namespace) == {}


def test_a_new_cluster_gets_the_old_passwords_all_before_the_first_component(
    kubectl: Any, rehearsal: Rehearsal, namespace: str, tmp_path: Path
) -> None:
    site = Site(rehearsal, tmp_path, namespace)
    site.make()
    before = values(kubectl, namespace)
    assert len(before) >= 7
    assert stat.S_IMODE(site.file.stat().st_mode) == 0o600
    assert "dataset-service-config" not in site.file.read_text(), "what is computed is not kept"
    lose(kubectl, namespace)

    site.make("postgresql")
    regained = values(kubectl, namespace)
    assert regained.keys() == before.keys() - {"dataset-service-config"}
    site.make()
    assert values(kubectl, namespace) == before


def test_a_value_in_the_cluster_is_never_overwritten_and_is_kept_from_then_on(
    kubectl: Any, rehearsal: Rehearsal, namespace: str, tmp_path: Path
) -> None:
    site = Site(rehearsal, tmp_path, namespace)
    site.make()
    changed = base64.b64encode(b"changed by hand").decode()
    secret = kubectl.json("get", "secret", "keycloak-admin", "-n", namespace)
    secret["data"]["password"] = changed
    kubectl("delete", "secret", "keycloak-admin", "-n", namespace)  # one that can't be changed is made anew
    kept = {key: secret[key] for key in ("apiVersion", "kind", "type", "data")}
    kubectl.apply(kept | {"metadata": about(secret)}, namespace=namespace)
    site.make()
    assert values(kubectl, namespace)["keycloak-admin"]["password"] == changed
    lose(kubectl, namespace)
    site.make()
    assert values(kubectl, namespace)["keycloak-admin"]["password"] == changed


def about(secret: dict[str, Any]) -> dict[str, Any]:
    return {"name": secret["metadata"]["name"], "labels": secret["metadata"]["labels"]}


def test_with_a_pass_phrase_the_file_is_closed_and_opens_in_a_new_cluster(
    kubectl: Any, rehearsal: Rehearsal, namespace: str, tmp_path: Path
) -> None:
    site = Site(rehearsal, tmp_path, namespace, passphraseRef={"name": "phrase", "key": "value"})
    with pytest.raises(MininodeError, match="phrase"):
        site.make()
    assert not site.file.exists()
    assert values(kubectl, namespace) == {}, "no password is made that could not be kept"

    phrase = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "phrase"}, "stringData": {"value": "open sesame"}}
    kubectl.apply(phrase, namespace=namespace)
    site.make()
    before = values(kubectl, namespace)
    plain = base64.b64decode(before["keycloak-admin"]["password"]).decode()
    assert plain not in site.file.read_text()
    assert before["keycloak-admin"]["password"] not in site.file.read_text()

    lose(kubectl, namespace)
    kubectl.apply(phrase | {"stringData": {"value": "wrong"}}, namespace=namespace)
    with pytest.raises(MininodeError, match="does not open"):
        site.make()
    assert values(kubectl, namespace).keys() == {"phrase"}, "nothing new is made over data that it would not open"
    kubectl.apply(phrase, namespace=namespace)
    site.make()
    assert values(kubectl, namespace) == before


def test_a_folder_that_can_t_be_written_to_stops_with_advice(rehearsal: Rehearsal, namespace: str, tmp_path: Path) -> None:
    site = Site(rehearsal, tmp_path / "not-there", namespace)
    with pytest.raises(MininodeError, match="can't be kept") as caught:
        site.make("postgresql")
    assert "mininode storage folders" in caught.value.advice
    (tmp_path / "not-there").mkdir()
    site.make("postgresql")
    assert site.file.exists()


def test_nothing_to_do_writes_nothing(rehearsal: Rehearsal, namespace: str, tmp_path: Path) -> None:
    site = Site(rehearsal, tmp_path, namespace)
    site.make()
    before = site.file.stat()
    site.make()
    assert site.file.stat().st_ino == before.st_ino
    assert [one.name for one in tmp_path.iterdir()] == [site.file.name]
