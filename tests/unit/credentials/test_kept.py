"""The file with a node's credentials: what it says, and what it refuses."""

import json

import pytest

from mininode.api.spec import NodeSpec
from mininode.components.base import Node
from mininode.credentials.kept import Kept, KeptSecret, from_objects, read, text_of, to_object
from mininode.errors import MininodeError

NODE = Node("node", "eucaim", NodeSpec(domain="node.hospital.example"))
KEPT: Kept = {
    "postgresql-superuser": KeptSecret("postgresql", "Opaque", {"password": "czNjcmV0"}),
    "own-ca": KeptSecret("edge", "kubernetes.io/tls", {"tls.key": "a2V5", "tls.crt": "Y3J0"}, immutable=True),
}
PHRASE = "correct horse battery staple"
PLACE = "/data/credentials/eucaim.node.json"


@pytest.mark.parametrize("passphrase", [None, PHRASE])
def test_what_was_kept_is_what_comes_back(passphrase: str | None) -> None:
    assert read(text_of(NODE, KEPT, passphrase), NODE, passphrase, PLACE) == KEPT


def test_objects_come_back_as_they_were() -> None:
    objects = [to_object(NODE, name, one) for name, one in KEPT.items()]
    assert from_objects(objects) == KEPT
    assert [one.get("immutable") for one in objects] == [None, True]


def test_with_a_pass_phrase_no_value_and_no_name_of_a_secret_is_readable() -> None:
    text = text_of(NODE, KEPT, PHRASE)
    assert [word for word in ("czNjcmV0", "superuser", "own-ca", PHRASE) if word in text] == []
    assert text != text_of(NODE, KEPT, PHRASE)


@pytest.mark.parametrize(
    ("passphrase", "said", "advice"),
    [(None, "there is no pass phrase", "passphraseRef"), ("another", "does not open", "nothing was changed")],
)
def test_the_wrong_pass_phrase_stops_with_advice(passphrase: str | None, said: str, advice: str) -> None:
    with pytest.raises(MininodeError) as caught:
        read(text_of(NODE, KEPT, PHRASE), NODE, passphrase, PLACE)
    assert said in caught.value.message
    assert PLACE in caught.value.message
    assert advice in caught.value.advice


def test_another_node_s_file_is_refused_even_when_its_name_was_changed_in_it() -> None:
    other = Node("other", "eucaim", NODE.spec)
    text = text_of(other, KEPT, PHRASE)
    with pytest.raises(MininodeError, match="belongs to node other in namespace eucaim"):
        read(text, NODE, PHRASE, PLACE)
    with pytest.raises(MininodeError, match="does not open"):
        read(json.dumps(json.loads(text) | {"node": "node"}), NODE, PHRASE, PLACE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"format": 1}',
        text_of(NODE, KEPT, None)[:-40],
        '{"format": 1, "node": "node", "namespace": "eucaim", "secrets": 3}',
    ],
    ids=["empty", "no fields", "a list", "no node", "cut off", "another shape"],
)
def test_a_damaged_file_is_refused_and_never_taken_for_an_empty_one(text: str) -> None:
    with pytest.raises(MininodeError, match="damaged") as caught:
        read(text, NODE, None, PLACE)
    assert "from a backup" in caught.value.advice


def test_a_file_of_a_later_mininode_is_refused() -> None:
    text = json.dumps(json.loads(text_of(NODE, KEPT, None)) | {"format": 2})
    with pytest.raises(MininodeError, match="format 2"):
        read(text, NODE, None, PLACE)


def test_a_file_can_t_ask_for_much_memory() -> None:
    found = json.loads(text_of(NODE, KEPT, PHRASE))
    found["encrypted"]["scrypt"] = [2**30, 8, 1]
    with pytest.raises(MininodeError, match="parameters"):
        read(json.dumps(found), NODE, PHRASE, PLACE)
