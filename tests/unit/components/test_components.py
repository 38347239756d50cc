"""The components together: order, names, Secrets."""

import json
from typing import Any

import pytest

from mininode.api.spec import NodeSpec, Profile
from mininode.assets import asset
from mininode.components.base import Node
from mininode.components.registry import all_components
from mininode.planning.graph import ordered
from mininode.planning.images import ImageLock


def test_micro_is_these_in_this_order() -> None:
    micro = {one.name: one.requires for one in all_components().values() if Profile.MICRO in one.profiles}
    order = ordered(micro)
    assert set(order) == {
        "platform", "storage", "edge", "postgresql", "keycloak", "identity", "dataset-service", "guacamole"
    }  # fmt: skip
    assert list(order)[:4] == ["platform", "storage", "edge", "postgresql"]
    assert order.index("keycloak") < order.index("identity") < order.index("dataset-service")


def test_every_component_has_its_chart_its_page_and_its_images() -> None:
    images = ImageLock.load(asset("images.lock.yaml").read_text()).images
    for component in all_components().values():
        assert (asset("charts") / component.name / "Chart.yaml").is_file() == component.chart
        assert (asset("charts").parent / "docs" / "components" / f"{component.name}.md").is_file()
        assert set(component.images.values()) <= set(images)
        assert next(iter(component.images), "image") == "image"


def test_every_image_of_the_lock_file_is_used() -> None:
    used = {image for component in all_components().values() for image in component.images.values()}
    assert used == set(ImageLock.load(asset("images.lock.yaml").read_text()).images)


def test_names_of_secrets_begin_with_their_component_s_and_are_unique() -> None:
    pairs = [
        (component.name, secret.name)
        for component in all_components().values()
        for secret in (*component.credentials, *component.rendered)
    ]
    assert [name for owner, name in pairs if not name.startswith(f"{owner}-")] == []
    assert len({name for _, name in pairs}) == len(pairs)


def test_names_of_claims_are_unique() -> None:
    claims = [claim for component in all_components().values() for claim in component.volumes]
    assert len(set(claims)) == len(claims)


def test_a_rendered_secret_is_made_of_credentials_that_are_there_before() -> None:
    components = all_components()
    for component in components.values():
        makers = [component, *(components[name] for name in component.requires)]
        there = {(one.name, key.key) for maker in makers for one in maker.credentials for key in one.generated}
        for secret in component.rendered:
            assert {(one.name, one.key) for one in secret.inputs} <= there


@pytest.fixture
def configuration() -> Any:
    node = Node("demo", "eucaim", NodeSpec(domain="node.hospital.example"))
    secret = all_components()["dataset-service"].rendered[0]
    return json.loads(secret.render(node, ('pass"word\\', "client-secret")))


def test_the_dataset_service_s_configuration_holds_its_passwords_as_they_are(configuration: Any) -> None:
    found = (configuration["db"]["password"], configuration["auth"]["client"]["client_secret"])
    assert found == ('pass"word\\', "client-secret")


def test_the_dataset_service_is_told_every_address(configuration: Any) -> None:
    """Left out, a key falls back to a public host of another project."""
    texts = json.dumps(configuration)
    assert configuration["tracer"]["url"] == ""
    assert (
        configuration["auth"]["token_validation"]["issuer"] == "https://node.hospital.example/auth/realms/EUCAIM-NODE"
    )
    for address in (configuration["auth"]["client"]["auth_url"], configuration["auth"]["admin_api"]["url"]):
        assert address.startswith("https://node.hospital.example/auth/")
    assert configuration["auth"]["admin_api"]["url"].endswith("/")
    assert "chaimeleon" not in texts.lower()


def test_the_job_s_log_file_carries_the_data_set_s_id(configuration: Any) -> None:
    assert "%s" in configuration["self"]["log"]["dataset_creation_job"]["file_path"]
    assert "%s" in configuration["self"]["dataset_link_format"]


def test_a_changed_password_does_not_change_the_values() -> None:
    """The digest in the values is of the open part: it may be read by everybody who may read a Deployment."""
    node = Node("demo", "eucaim", NodeSpec(domain="node.hospital.example"))
    values = all_components()["dataset-service"].values(node)
    assert values == all_components()["dataset-service"].values(node)
    other = Node("demo", "eucaim", NodeSpec(domain="other.hospital.example"))
    assert values["configDigest"] != all_components()["dataset-service"].values(other)["configDigest"]
