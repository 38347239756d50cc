"""The software comes and goes, the data stay: another image, back to the first, uninstalled, installed again."""

import pytest
from browser import Page
from kept import Kept, all_is_there, copy_beside_the_data
from micro_node import install, pods, read, revisions
from person import Person, until
from visitors import Program

from mininode.assets import asset
from mininode.planning.images import ImageLock

pytestmark = pytest.mark.micro


def test_another_image_upgrades_its_component_alone(person: Person, page: Page, program: Program) -> None:
    locked = ImageLock.load(asset("images.lock.yaml").read_text()).images["postgresql"]
    first, other = f"{locked.repository}:{locked.tag}", f"{locked.repository}:{locked.tag}-another"
    person.docker("exec", person.profile, "ctr", "-n", "k8s.io", "images", "tag", "--force", first, other)
    before, were = Kept.of(person), revisions(person)

    def images() -> set[str]:
        return {c["image"] for one in pods(person) for c in one["spec"]["containers"] if "postgresql" in one["metadata"]["name"]}

    install(person, postgresql={"image": other})
    assert images() == {other}
    assert revisions(person) == were | {"postgresql": were["postgresql"] + 1}
    all_is_there(person, page, program, before)
    install(person)
    assert images() != {other}
    all_is_there(person, page, program, before)


def test_uninstalled_the_data_stay_and_an_install_finds_them(person: Person, page: Page, program: Program) -> None:
    before = Kept.of(person)
    done = person.run("uninstall", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    until(lambda: not pods(person), 90, "the pods have ended")
    assert "postgresql-data" in done.stdout
    claims = {one["metadata"]["name"] for one in read(person, "persistentvolumeclaims")["items"]}
    assert {"postgresql-data", "datasets", "datalake"} <= claims
    assert not read(person, "secrets", "-l", "owner=helm")["items"]
    assert copy_beside_the_data(person) == before.copy
    install(person)
    all_is_there(person, page, program, before)
