"""The lock file of images: what it gives, and what it refuses."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mininode.assets import asset
from mininode.errors import MininodeError
from mininode.planning.images import ImageLock, copy_commands

DIGEST = "sha256:" + "a" * 64
GOOD: dict[str, Any] = {
    "repository": "docker.io/library/postgres",
    "tag": "17.11",
    "digest": DIGEST,
    "source": "docker.io",
}


def load(**images: dict[str, Any]) -> ImageLock:
    return ImageLock.load(yaml.safe_dump({"images": images}))


def test_a_reference_has_tag_and_digest() -> None:
    assert load(db=GOOD).reference("db") == f"docker.io/library/postgres:17.11@{DIGEST}"


def test_without_a_digest_the_tag_stands_alone() -> None:
    assert load(db=GOOD | {"digest": None}).reference("db") == "docker.io/library/postgres:17.11"


@pytest.mark.parametrize("mirror", ["registry.hospital.example:5000/eucaim", "registry.hospital.example:5000/eucaim/"])
def test_a_mirror_takes_the_place_of_the_registry(mirror: str) -> None:
    wanted = f"registry.hospital.example:5000/eucaim/library/postgres:17.11@{DIGEST}"
    assert load(db=GOOD).reference("db", mirror) == wanted


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(MininodeError, match="no image called cache, only db"):
        load(db=GOOD).reference("cache")


@pytest.mark.parametrize("tag", ["latest", "17", "stable", "main", "v1", "bookworm", "", "17.11 ", "alpine3.22"])
def test_a_floating_tag_is_refused(tag: str) -> None:
    with pytest.raises(MininodeError, match=r"images\.db\.tag"):
        load(db=GOOD | {"tag": tag})


@pytest.mark.parametrize("tag", ["17.11", "v1.6.0", "26.7.3", "26.7.3-0", "9.6.1-alpine3.22", "1.0.0-beta.1"])
def test_an_exact_tag_is_taken(tag: str) -> None:
    assert load(db=GOOD | {"tag": tag}).images["db"].tag == tag


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"digest": "sha256:abc"}, "digest"),
        ({"digest": "sha512:" + "a" * 64}, "digest"),
        ({"repository": "postgres"}, "repository"),
        ({"repository": "library/postgres"}, "repository"),
        ({"repository": "docker.io/library/Postgres"}, "repository"),
        ({"repository": "https://docker.io/library/postgres"}, "repository"),
        ({"source": ""}, "source"),
        ({"tag": 17.11}, "tag"),
        ({"version": "17.11"}, "version"),
    ],
)
def test_a_wrong_entry_is_named(change: dict[str, Any], where: str) -> None:
    with pytest.raises(MininodeError, match=rf"images\.db\.{where}"):
        load(db=GOOD | change)


def test_every_wrong_entry_is_named_at_once() -> None:
    with pytest.raises(MininodeError) as error:
        load(one=GOOD | {"tag": "latest"}, two=GOOD | {"digest": "none"})
    assert "images.one.tag: 'latest' is no exact version" in str(error.value)
    assert "images.two.digest" in str(error.value)


@pytest.mark.parametrize("text", ["", "images: [", "images: 3", "images:\n  db:\n"])
def test_what_is_no_lock_file_is_told(text: str) -> None:
    with pytest.raises(MininodeError, match=r"images\.lock\.yaml is wrong"):
        ImageLock.load(text)


def test_two_registries_with_one_path_would_be_one_image_in_a_mirror() -> None:
    with pytest.raises(MininodeError, match="library/postgres"):
        load(one=GOOD, two=GOOD | {"repository": "quay.io/library/postgres"})


def test_the_lock_file_of_the_tree_is_good() -> None:
    images = ImageLock.load(asset("images.lock.yaml").read_text()).images
    assert {"postgresql", "keycloak", "dataset-service-backend", "guacamole", "guacd", "caddy"} == set(images)


def test_the_copying_script_names_every_image_and_passes_a_shell(tmp_path: Path) -> None:
    lock = ImageLock.load((Path(__file__).parents[3] / "images.lock.yaml").read_text("utf-8"))
    skopeo = tmp_path / "skopeo"
    skopeo.write_text('#!/bin/sh\necho "$@"\n')
    skopeo.chmod(0o700)

    def run(script: str, *words: str) -> list[str]:
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-s", *words], input=script, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path
        )
        return done.stdout.splitlines()

    direct = run(copy_commands(lock, "r.example/m"))
    targets = {f"docker://{image.reference('r.example/m').partition('@')[0]}" for image in lock.images.values()}
    assert {line.split()[-1] for line in direct} == targets
    for image, line in zip(lock.images.values(), direct, strict=True):
        assert (f"@{image.digest}" if image.digest else f":{image.tag}") in line.split()[-2]
        assert line.startswith("copy --all --preserve-digests ")

    two = copy_commands(lock, "r.example/m", "a folder")
    fetched, pushed = run(two, "fetch"), run(two, "push")
    assert {line.split()[-1] for line in pushed} == targets
    assert len(fetched) == len(pushed) == len(lock.images)
    assert (tmp_path / "a folder").is_dir()
