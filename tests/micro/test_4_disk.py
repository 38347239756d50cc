"""The disk of the data is full: a condition says so with advice, nothing that was accepted is lost, and room mends everything."""

import pytest
from browser import Page
from disk import Disk
from kept import Kept, all_is_there
from micro_node import condition, ready
from person import Person, until
from visitors import DATASETS, Program, logged_in

pytestmark = pytest.mark.micro

LARGE = "x" * 500_000  # of the log of what is written, which PostgreSQL makes in files of 16 MiB
MOST = 400


def test_a_full_disk_is_told_and_nothing_accepted_is_lost(person: Person, page: Page, program: Program, disk: Disk) -> None:
    before = Kept.of(person)
    token = logged_in(page, program)
    accepted: list[str] = []

    def look_again() -> dict[str, str]:
        assert person.run("reconcile").returncode == 0
        return condition(person, "DataDiskHasRoom")

    with disk.full():
        assert disk.free < 2**20
        for number in range(MOST):
            name = f"Full {number}"
            answer = program.ask("POST", DATASETS, token, json={"name": name, "description": name + LARGE})
            if answer.status_code != 201:
                break
            accepted.append(name)
        assert answer.status_code >= 500, f"{MOST} data sets fit on a disk that is full"
        until(lambda: look_again()["reason"] == "DiskFull", 60, "the condition")
        said = condition(person, "DataDiskHasRoom")
        assert said["status"] == "False"
        assert "Make room on the machine" in said["message"]
        assert "has less than 1 GiB left" in person.run("status").stdout.replace("\n", " ")

    until(lambda: look_again()["status"] == "True", 120, "the condition is gone")
    until(lambda: ready(person), 600, "every gate holds by itself")
    all_is_there(person, page, program, before)
    found = program.datasets(token)
    for name in accepted:
        assert found[name]["description"] == name + LARGE
    assert f"Full {len(accepted)}" not in found
