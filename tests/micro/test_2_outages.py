"""What a computer goes through: stopped, without power, its cluster deleted and made again. The same person, the same data."""

import subprocess
import sys

import pytest
from browser import Page
from kept import Kept, all_is_there, copy_beside_the_data
from micro_node import install
from person import LAB, Person
from visitors import Program

pytestmark = pytest.mark.micro


def test_stopped_and_started(person: Person, page: Page, program: Program) -> None:
    before = Kept.of(person)
    assert person.run("cluster", "stop", "--profile", person.profile).returncode == 0
    assert person.state_now() == "Stopped"
    install(person)
    all_is_there(person, page, program, before)


def test_after_a_power_cut(person: Person, page: Page, program: Program) -> None:
    if not person.engine:
        pytest.skip("the container engine is the machine's own, and others may use it")
    before = Kept.of(person)
    for what in ("kill", "up"):
        subprocess.run([sys.executable, str(LAB), what], check=True, timeout=600)
    assert person.state_now() == "Stopped"
    install(person)
    all_is_there(person, page, program, before)


def test_deleted_and_made_again_by_the_same_command(person: Person, page: Page, program: Program) -> None:
    before = Kept.of(person)
    done = person.run("cluster", "delete", "--profile", person.profile, "--confirm", person.profile)
    assert done.returncode == 0, done.stdout + done.stderr
    gone = person.docker("ps", "--all", "--quiet", "--filter", f"name=^{person.profile}$")
    assert not gone.strip()
    assert copy_beside_the_data(person) == before.copy
    install(person)
    all_is_there(person, page, program, before)
