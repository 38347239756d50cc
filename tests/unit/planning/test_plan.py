"""From a spec to the releases it asks for."""

import dataclasses
from typing import Any

import pytest

from mininode.api.spec import NodeSpec
from mininode.assets import asset
from mininode.components.base import Component, Node
from mininode.components.registry import all_components
from mininode.errors import ConfigError
from mininode.planning.images import ImageLock
from mininode.planning.plan import Plan, plan, release_labels

IMAGES = ImageLock.load(asset("images.lock.yaml").read_text(encoding="utf-8"))
OWN = "registry.hospital.example/guacamole:9.9.9"


def planned(chart: str = "chart", known: dict[str, Component] | None = None, name: str = "demo", **spec: Any) -> Plan:
    parsed = NodeSpec.model_validate({"domain": "node.hospital.example"} | spec)
    known = known or all_components()
    return plan(Node(name, "eucaim", parsed), known, dict.fromkeys(known, chart), IMAGES)


def digests(one: Plan) -> dict[str, str]:
    return {release.name: release.digest for release in one.releases}


def changed(**spec: Any) -> set[str]:
    """The components whose digest this spec changes against the plain one."""
    before, after = digests(planned()), digests(planned(**spec))
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def values(component: str, **spec: Any) -> dict[str, Any]:
    release = planned(**spec).release(component)
    assert release is not None
    return dict(release.values)


def test_micro_in_the_order_of_its_needs() -> None:
    names = [release.name for release in planned().releases]
    assert set(names) == {
        "platform", "storage", "edge", "postgresql", "keycloak", "identity", "dataset-service", "guacamole"
    }  # fmt: skip
    assert names[:4] == ["platform", "storage", "edge", "postgresql"]
    assert names.index("keycloak") < names.index("identity") < names.index("dataset-service")


def test_the_same_spec_gives_the_same_digests() -> None:
    assert digests(planned()) == digests(planned())
    assert len(set(digests(planned()).values())) == len(all_components())


@pytest.mark.parametrize(
    ("override", "image"),
    [({}, IMAGES.reference("guacamole")), ({"components": {"guacamole": {"image": OWN}}}, OWN)],
)
def test_an_image_of_ones_own_is_the_main_containers(override: dict[str, Any], image: str) -> None:
    found = values("guacamole", **override)
    assert found["image"] == image
    assert found["guacd"]["image"] == IMAGES.reference("guacd")


def test_an_image_of_ones_own_changes_one_component() -> None:
    assert changed(components={"guacamole": {"image": OWN}}) == {"guacamole"}


def test_a_mirror_holds_for_every_image_but_the_one_given() -> None:
    mirror = "registry.hospital.example/eucaim"
    found = values("guacamole", imageMirror=mirror, components={"guacamole": {"image": OWN}})
    assert found["image"] == OWN
    assert found["guacd"]["image"] == IMAGES.reference("guacd", mirror)
    assert found["guacd"]["image"].startswith(f"{mirror}/")
    assert changed(imageMirror=mirror) == digests(planned()).keys() - {"identity", "platform"}  # which run nothing


def test_resources_reach_the_chart_as_kubernetes_spells_them() -> None:
    wish = {"requests": {"cpu": "250m"}, "limits": {"memory": "2Gi"}}
    found = values("keycloak", components={"keycloak": {"resources": wish}})["resources"]
    assert found == {"requests": {"cpu": "250m", "memory": "768Mi"}, "limits": {"memory": "2Gi"}}, "what is not said is the size's"
    assert changed(components={"keycloak": {"resources": wish}}) == {"keycloak"}


def test_the_size_sets_resources_and_what_only_follows_from_it_may_be_replaced() -> None:
    assert changed(size="large") == {"postgresql", "keycloak", "dataset-service", "guacamole"}
    large = values("postgresql", size="large")
    assert large["resources"]["limits"]["memory"] == "8Gi"
    own = {"postgresql": {"values": {"parameters": {"max_connections": "400"}}}}
    found = values("postgresql", size="large", components=own)["parameters"]
    assert found == large["parameters"] | {"max_connections": "400"}


def test_values_of_ones_own_are_merged_as_helm_merges() -> None:
    before = values("dataset-service")
    own = {"service": {"type": "NodePort"}, "list": [1], "gone": None}
    found = values("dataset-service", components={"dataset-service": {"values": own}})
    assert found == {**before, **own}
    assert changed(components={"dataset-service": {"values": own}}) == {"dataset-service"}


@pytest.mark.parametrize("own", [{"node": {"domain": "other.example"}}, {"image": "x:1"}])
def test_what_the_spec_decides_is_not_taken_from_values(own: dict[str, Any]) -> None:
    """Two places for one wish would let them differ."""
    with pytest.raises(ConfigError, match=r"components\.postgresql\.values"):
        planned(components={"postgresql": {"values": own}})


def test_what_no_chart_reads_upgrades_nothing() -> None:
    assert changed(suspend=True) == set()


def test_the_contact_is_told_to_the_authority_by_the_door() -> None:
    assert changed(contact="it@hospital.example") == {"edge"}


@pytest.mark.parametrize(
    "spec", [{"identity": {"mfa": "required"}}, {"identity": {"admins": ["a@b.example"]}}]
)
def test_what_only_the_realm_shows_changes_the_realm_only(spec: dict[str, Any]) -> None:
    assert changed(**spec) == {"identity"}


def test_the_site_s_name_is_on_the_login_and_on_the_front_page() -> None:
    assert changed(siteName="Radiology") == {"identity", "edge"}


def test_another_domain_another_chart_another_name_upgrade_everything() -> None:
    every = digests(planned()).keys()
    assert changed(domain="other.hospital.example") == every
    assert changed(chart="another") == every
    assert changed(name="other") == every


def test_the_text_of_a_rendered_secret_counts() -> None:
    component = all_components()["dataset-service"]
    (secret,) = component.rendered
    other = dataclasses.replace(secret, render=lambda node, inputs: secret.render(node, inputs) + "\n")
    known = {**all_components(), "dataset-service": dataclasses.replace(component, rendered=(other,))}
    before, after = digests(planned()), digests(planned(known=known))
    assert {name for name in before if before[name] != after[name]} == {"dataset-service"}


def test_a_component_that_is_off_is_not_planned() -> None:
    off = planned(components={"guacamole": {"enabled": False}})
    assert off.release("guacamole") is None
    assert len(off.releases) == len(all_components()) - 1


def test_what_is_needed_and_off_is_told_for_each_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        planned(components={"keycloak": {"enabled": False}, "nextcloud": {}})
    said = [(mistake.where, mistake.problem) for mistake in caught.value.mistakes]
    assert sorted(said) == [
        ("components.guacamole", "guacamole requires keycloak, which is off"),
        ("components.identity", "identity requires keycloak, which is off"),
        ("components.nextcloud", "there is no component of this name"),
    ]
    assert all(mistake.advice for mistake in caught.value.mistakes)


def test_all_off_from_the_ground_is_no_mistake() -> None:
    everything = {name: {"enabled": False} for name in all_components()}
    assert planned(components=everything).releases == ()


def test_labels_tell_whose_a_release_is() -> None:
    labels = release_labels(planned().node, "keycloak")
    assert set(labels.values()) == {"demo", "keycloak"}
    assert all(key.startswith("mininode.cancerimage.eu/") for key in labels)
