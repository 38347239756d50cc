"""What a node keeps, whatever happens to its software and its cluster."""

from collections.abc import Mapping
from dataclasses import dataclass

from browser import Page
from micro_node import NAMESPACE, read, ready
from person import Person
from visitors import Program, logged_in


@dataclass(frozen=True)
class Kept:
    """What may never change: whose data it is, the passwords in the cluster, and their copy beside the data."""

    marker: str
    passwords: Mapping[str, Mapping[str, str]]
    copy: str

    @classmethod
    def of(cls, person: Person) -> "Kept":
        found = read(person, "secrets", "-l", "mininode.cancerimage.eu/credential=kept")["items"]
        return cls(
            (person.data / ".mininode/node.json").read_text(),
            {one["metadata"]["name"]: one["data"] for one in found},
            copy_beside_the_data(person),
        )


def copy_beside_the_data(person: Person) -> str:
    """The file as it lies on the computer; read as root, for it is the operator's alone."""
    file = person.data / "node/credentials" / f"{NAMESPACE}.node.json"
    assert file.stat().st_mode & 0o777 == 0o600
    return file.read_text()


def all_is_there(person: Person, page: Page, program: Program, before: Kept) -> None:
    """Ready, the administrator comes in with the password that she chose, and sees her data set; nothing was made anew.

    The program still believes the authority that it learned before.
    """
    assert ready(person)
    assert Kept.of(person) == before
    kept = program.datasets(logged_in(page, program))["Kept"]
    assert kept["description"] == "stays"
    assert (person.data / "node/datasets" / kept["id"] / "eforms.json").read_text() == "[]"
