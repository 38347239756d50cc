"""A configuration is read whole or refused whole, with every mistake at its place."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mininode.api.config import SiteConfig, parse_config, parse_spec, warnings
from mininode.api.inline_secrets import PROBLEM
from mininode.api.model import SecretKey
from mininode.api.spec import (
    ComponentOverride,
    Exposure,
    ExposureMode,
    NodeSpec,
    ResourceAmounts,
    Resources,
    Storage,
    StorageSizes,
    Tls,
    TlsMode,
)
from mininode.api.text import MAX_BYTES, MAX_MISTAKES, MAX_VALUES
from mininode.errors import ConfigError, Mistake

NAMES = ("dataset-service", "guacamole", "keycloak", "postgresql")
SOURCE = "config.yaml"


def mistakes(text: str | bytes) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, SOURCE, NAMES)
    return caught.value.mistakes


def places(text: str | bytes) -> set[tuple[int, int, str]]:
    return {(mistake.line, mistake.column, mistake.where) for mistake in mistakes(text)}


# Each: what is in the file, where the mistakes are, and words that the person reads.
BAD = {
    "unknown key, as good as right": (
        "node:\n  domian: a.example\n",
        {(1, 1, "node.domain"), (2, 3, "node.domian")},
        "Did you mean domain?",
    ),
    "unknown key, in snake case": (
        "node:\n  domain: a.example\n  site_name: x\n",
        {(3, 3, "node.site_name")},
        "Did you mean siteName?",
    ),
    "known key in the wrong place": (
        "node:\n  domain: a.example\n  datalake: 5Gi\n",
        {(3, 3, "node.datalake")},
        "Did you mean node.storage.sizes.datalake?",
    ),
    "fields of the node at the top": (
        "domain: a.example\n",
        {(1, 1, "domain"), (1, 1, "node")},
        "Did you mean node.domain?",
    ),
    "a resource in place of a configuration": (
        "apiVersion: mininode.cancerimage.eu/v1alpha1\nkind: EucaimNode\nspec: {}\n",
        {(1, 1, "")},
        "kubectl apply",
    ),
    "wrong types": (
        (
            "node:\n  domain: 5\n  suspend: 1\n  tls: []\n"
            "  components:\n    keycloak:\n      enabled: 'true'\n      values: 3\n"
        ),
        {
            (2, 11, "node.domain"),
            (3, 12, "node.suspend"),
            (4, 8, "node.tls"),
            (7, 16, "node.components.keycloak.enabled"),
            (8, 15, "node.components.keycloak.values"),
        },
        "must be true or false, found the text 'true'",
    ),
    "a quantity that is a number": (
        "node:\n  domain: a.example\n  components:\n    keycloak:\n      resources: {limits: {cpu: 2}}\n",
        {(5, 33, "node.components.keycloak.resources.limits.cpu")},
        "Put it in quotes",
    ),
    "unknown profile": ("node:\n  profile: maxi\n  domain: a.example\n", {(2, 12, "node.profile")}, "There are: micro"),
    "a profile in upper case": (
        "node:\n  profile: Micro\n  domain: a.example\n",
        {(2, 12, "node.profile")},
        "Did you mean micro?",
    ),
    "unknown component": (
        "node:\n  domain: a.example\n  components:\n    keyclaok: {}\n    grafana: {}\n",
        {(4, 5, "node.components.keyclaok"), (5, 5, "node.components.grafana")},
        "There are: dataset-service, guacamole, keycloak, postgresql",
    ),
    "rules that cross fields": (
        (
            "node:\n  domain: a.example\n  tls: {mode: provided}\n  exposure:\n    mode: gateway\n"
            "  storage:\n    className: a\n    hostPath: /srv\n"
        ),
        {(3, 3, "node.tls"), (4, 3, "node.exposure"), (6, 3, "node.storage")},
        "give className or hostPath, not both",
    ),
    "an image that floats": (
        (
            "node:\n  domain: a.example\n  components:\n    keycloak:\n      image: quay.io/keycloak/keycloak:latest\n"
            "    guacamole:\n      image: guacamole/guacamole\n"
        ),
        {(4, 5, "node.components.keycloak"), (6, 5, "node.components.guacamole")},
        "exact tag or a digest",
    ),
    "a rule is asked in spite of another mistake nearby": (
        "node:\n  domain: a.b\n  components:\n    keycloak:\n      image: a:latest\n      values: {password: hunter}\n",
        {(4, 5, "node.components.keycloak"), (6, 26, "node.components.keycloak.values.password")},
        "exact tag or a digest",
    ),
    "a rule is not asked about what is wrong already": (
        "node:\n  domain: a.example\n  tls:\n    mode: providd\n    certificateRef: {name: a, key: b}\n",
        {(4, 11, "node.tls.mode")},
        "Did you mean provided?",
    ),
    "a wrong name": ("name: My_Node\nnode: {domain: a.example}\n", {(1, 7, "name")}, "Kubernetes name"),
    "nothing in the node": ("node:\n", {(1, 1, "node")}, "is empty. Give it a value"),
    "an empty domain": ("node:\n  domain:\n", {(2, 3, "node.domain")}, "is empty. Give it a value"),
    "an optional field left empty": ("node:\n  domain: a.example\n  tls:\n", {(3, 3, "node.tls")}, "remove the line"),
    "a key twice": (
        "node:\n  domain: a.example\n  domain: b.example\n",
        {(3, 3, "node.domain")},
        "is there twice, first in line 2",
    ),
    "a word that YAML 1.1 takes for a truth value": (
        "node:\n  domain: a.example\n  suspend: no\n",
        {(3, 12, "node.suspend")},
        "Write true or false",
    ),
    "numbers that YAML 1.1 and 1.2 read differently": (
        "node:\n  domain: a.example\n  components: {keycloak: {values: {a: 010, b: 1:30, c: 1_000}}}\n",
        {(3, 39, "node.components.keycloak.values.a"), (3, 47, "node.components.keycloak.values.b"),
         (3, 56, "node.components.keycloak.values.c")},
        "a number that readers of YAML take differently",
    ),
    "numbers that JSON has not": (
        "node:\n  domain: a.b\n  components: {keycloak: {values: {a: .inf, b: 1e999, c: 1234567890123456789012}}}\n",
        {(3, 39, "node.components.keycloak.values.a"), (3, 48, "node.components.keycloak.values.b"),
         (3, 58, "node.components.keycloak.values.c")},
        "more than 64 bits",
    ),
    "a tab": ("node:\n\tdomain: a.example\n\ttls: {}\n", {(2, 1, ""), (3, 1, "")}, "replace it by spaces"),
    "not YAML": ("node: [a, {b\n", {(1, 13, "")}, "not valid YAML"),
    "a colon too many": ("node:\n  domain: a: b\n", {(2, 12, "")}, "a ':' stands where none can"),
    "two documents": ("node: {domain: a.b}\n---\nnode: {domain: c.d}\n", {(2, 1, "")}, "second YAML document"),
    "references": (
        "node:\n  domain: &d a.example\n  siteName: *d\n",
        {(2, 11, "node.domain"), (3, 13, "node.siteName")},
        "Write the value out",
    ),
    "merge keys": ("node:\n  domain: a.b\n  <<: {suspend: true}\n", {(3, 3, "node['<<']")}, "Write the fields out"),
    "tags": ("node:\n  domain: !!str a.example\n", {(2, 11, "node.domain")}, "Leave the tag out"),
    "a key that is no text": ("node: {domain: a.example}\n? [a]\n: b\n", {(2, 3, "")}, "a key must be a text"),
    "empty": ("", {(1, 1, "")}, "the file is empty"),
    "comments only": ("# nothing\n", {(1, 1, "")}, "the file is empty"),
    "a list at the top": ("- node\n", {(1, 1, "")}, "found a list"),
    "one word": ("hunter2\n", {(1, 1, "")}, "found one value"),
    "not UTF-8": (b"node:\n  domain: \xe9.example\n", {(2, 11, "")}, "it holds the byte 0xe9"),
    "UTF-16": ("node: {}".encode("utf-16"), {(0, 0, "")}, "Save it as UTF-8"),
    "NUL": (b"node:\n  domain: a\x00b\n", {(2, 12, "")}, "control character U+0000"),
    "too large": (b"#" * (MAX_BYTES + 1), {(0, 0, "")}, "larger than 1 MiB"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "words"), BAD.values(), ids=BAD.keys())
def test_every_mistake_is_told_with_its_place(
    text: str | bytes, expected: set[tuple[int, int, str]], words: str
) -> None:
    found = mistakes(text)
    assert {(mistake.line, mistake.column, mistake.where) for mistake in found} == expected
    assert len(found) == len(expected)
    assert words in "\n".join(map(str, found))
    assert all(mistake.source == SOURCE for mistake in found)


DOMAINS = {
    "https://node.hospital.example": ("begins with https://", "Write node.hospital.example"),
    "Node.Hospital.example": ("upper case", "Write node.hospital.example"),
    "node.hospital.example:8443": ("a port (:8443)", "Write node.hospital.example"),
    "node.hospital.example/eucaim": ("a path", "Write node.hospital.example"),
    "HTTPS://Node.hospital.example:443/x": ("begins with HTTPS://, has a path ('/'), has a port (:443), has upper case",
                                            "Write node.hospital.example"),
    "node.hospital.example.": ("ends with a dot", "Write node.hospital.example"),
    "my_node.hospital.example": ("an underscore", "Write my-node.hospital.example"),
    "192.168.1.10": ("is an IP address", "ask for a DNS entry"),
    "https://10.0.0.1:443/": ("is an IP address", "ask for a DNS entry"),
    "2001:db8::1": ("is an IP address", "ask for a DNS entry"),
    "localhost": ("has one part only", "Write the full public name"),
    "node..example": ("an empty part", "Write the full public name"),
    "-node.example": ("begins or ends with '-'", "Write the full public name"),
    "*.hospital.example": ("a wildcard", "Write the full public name"),
    "a b.example": ("a space in it", "Write the full public name"),
    "it@hospital.example": ("an e-mail address", "Write the full public name"),
    "höspital.example": ("xn--", "Write the full public name"),
    "node.example.1a": ("begins with a digit", "Write the full public name"),
    "a" * 64 + ".example": ("more than 63 characters", "Write the full public name"),
}  # fmt: skip


@pytest.mark.parametrize(("domain", "words"), DOMAINS.items(), ids=DOMAINS.keys())
def test_a_bad_domain_is_explained(domain: str, words: tuple[str, str]) -> None:
    (mistake,) = mistakes(json.dumps({"node": {"domain": domain}}, ensure_ascii=False))
    assert mistake.where == "node.domain"
    assert words[0] in mistake.problem
    assert words[1] in mistake.advice


SECRETS = (
    "components: {keycloak: {values: {adminPassword: PLAINTEXT}}}",
    "components: {keycloak: {values: {deep: [{api_key: PLAINTEXT}]}}}",
    "components: {keycloak: {values: {env: [{name: DB_PASSWORD, value: PLAINTEXT}]}}}",
    "components: {keycloak: {values: {tokens: [PLAINTEXT]}}}",
    "components: {keycloak: {values: {db: 'postgres://me:PLAINTEXT@db/x'}}}",
    "components: {keycloak: {values: {file: '-----BEGIN RSA PRIVATE KEY-----PLAINTEXT'}}}",
    "components: {keycloak: {password: PLAINTEXT}}",
    "tls: {mode: provided, privateKeyRef: PLAINTEXT}",
    "imageMirror: https://me:PLAINTEXT@registry.example",
    "clientSecret: PLAINTEXT",
    "secret: PLAINTEXT",
)


@pytest.mark.parametrize("line", SECRETS)
def test_a_secret_in_the_open_is_refused_and_never_repeated(line: str) -> None:
    found = mistakes(f"node:\n  domain: a.example\n  {line}\n")
    assert [mistake.problem for mistake in found if mistake.problem == PROBLEM] == [PROBLEM]
    assert "PLAINTEXT" not in "\n".join(map(str, found))


@pytest.mark.parametrize(
    "values",
    [
        "{existingSecret: keycloak-admin, secretName: x, imagePullSecrets: [registry]}",
        "{automountServiceAccountToken: false, passwordPolicy: length, tokenLifespan: 300, password: ''}",
        "{env: [{name: LOG_LEVEL, value: debug}], url: 'https://idp.hospital.example/auth'}",
        "{passwordRef: {name: a, key: b}, passwordSecretRef: {name: a, key: b}}",
    ],
)
def test_what_only_names_a_secret_is_no_secret(values: str) -> None:
    text = f"node:\n  domain: a.example\n  components: {{keycloak: {{values: {values}}}}}\n"
    assert parse_config(text, SOURCE, NAMES).node.components["keycloak"].values


def test_the_smallest_configuration() -> None:
    config = parse_config("node:\n  domain: a.example\n", SOURCE, NAMES)
    assert config == SiteConfig(node=NodeSpec(domain="a.example"))


def test_editors_of_other_systems_are_understood() -> None:
    config = parse_config(b"\xef\xbb\xbfname: n1\r\nnode:\r\n  domain: a.example\r\n", SOURCE, NAMES)
    assert (config.name, config.node.domain) == ("n1", "a.example")


def test_placeholders_are_doubted_and_not_refused() -> None:
    doubts = warnings(NodeSpec(domain="node.hospital.example"))
    assert [doubt.where for doubt in doubts] == ["domain", "tls.mode"]
    assert [doubt.where for doubt in warnings(NodeSpec(domain="n.local", tls=Tls(mode=TlsMode.OWN_CA)))] == ["domain"]
    assert warnings(NodeSpec(domain="node.hospital.eu")) == ()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "{a: " * 250_000,
        "- " * 500_000,
        "? " * 500_000,
        "a: [" + "x, " * 340_000 + "]",
        "\n".join("- [[[]]]" for _ in range(110_000)),
    ],
    ids=["lists", "maps", "dashes", "question marks", "a long list", "many lists"],
)
def test_a_hostile_file_is_given_up_on_quickly(text: str) -> None:
    started = time.process_time()
    (mistake,) = mistakes(text)
    assert time.process_time() - started < 2.0
    assert (
        "levels" in mistake.problem
        or f"more than {MAX_VALUES} values" in mistake.problem
        or "not valid YAML" in mistake.problem
    )


def test_references_that_multiply_are_not_followed() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    found = mistakes("\n".join(rows))
    assert len(found) == MAX_MISTAKES + 1
    assert "more mistakes" in found[-1].problem


def test_a_usual_file_is_checked_quickly() -> None:
    values = "\n".join(f"        key{n}: {{a: 1, b: [x, y], c: text {n}}}" for n in range(200))
    text = f"node:\n  domain: a.example\n  components:\n    keycloak:\n      values:\n{values}\n"
    parse_config(text, SOURCE, NAMES)  # the first call also loads the libraries
    started = time.process_time()
    parse_config(text, SOURCE, NAMES)
    assert time.process_time() - started < 0.3


def test_a_spec_from_the_api_is_held_to_the_same() -> None:
    spec: dict[str, Any] = {
        "domain": "a.example",
        "tls": {"mode": "provided"},
        "nonsense": 1,
        "components": {"nope": {}, "keycloak": {"values": {"adminPassword": "PLAINTEXT"}}},
    }
    with pytest.raises(ConfigError) as caught:
        parse_spec(spec, NAMES)
    assert {mistake.where for mistake in caught.value.mistakes} == {
        "spec.tls", "spec.nonsense", "spec.components.nope", "spec.components.keycloak.values.adminPassword",
    }  # fmt: skip
    assert caught.value.reason == "InvalidSpec"
    assert "PLAINTEXT" not in str(caught.value)
    assert parse_spec({"domain": "a.example"}, NAMES) == NodeSpec(domain="a.example")


def test_a_spec_deeper_than_any_stack_is_refused() -> None:
    values: dict[str, Any] = {}
    for _ in range(100_000):
        values = {"a": values}
    with pytest.raises(ConfigError, match="more than 40 levels"):
        parse_spec({"domain": "a.example", "components": {"keycloak": {"values": values}}}, NAMES)


label = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
domain = st.lists(label, min_size=2, max_size=4).map(".".join)
printable = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="\ufeff\u2028\u2029"),
    max_size=40,
)
size = st.from_regex(r"[1-9][0-9]{0,3}(Gi|Ti|G)", fullmatch=True)
amounts = st.builds(ResourceAmounts, cpu=st.sampled_from([None, "500m", "2"]), memory=st.sampled_from([None, "2Gi"]))
free = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | printable,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "no", "1", "b c"]), inner, max_size=3)
    ),
    max_leaves=8,
)
override = st.builds(
    ComponentOverride,
    enabled=st.sampled_from([None, True, False]),
    image=st.sampled_from([None, "quay.io/keycloak/keycloak:26.4.2", "a@sha256:" + "0" * 64]),
    resources=st.none() | st.builds(Resources, requests=st.none() | amounts, limits=st.none() | amounts),
    values=st.none() | st.dictionaries(st.sampled_from(["x", "y", "on"]), free, max_size=3),
)
secret = st.builds(SecretKey, name=label, key=st.just("tls.crt"))
tls = st.builds(Tls, mode=st.sampled_from([TlsMode.ACME, TlsMode.OWN_CA])) | st.builds(
    Tls, mode=st.just(TlsMode.PROVIDED), certificate_ref=secret, private_key_ref=secret
)
exposure = st.just(Exposure()) | st.builds(Exposure, mode=st.just(ExposureMode.GATEWAY), class_name=label)
storage = st.builds(Storage, class_name=st.none() | label, sizes=st.builds(StorageSizes, database=size, datalake=size))
node = st.builds(
    NodeSpec,
    domain=domain,
    site_name=printable,
    contact=st.none() | st.just("a@b.example"),
    exposure=exposure,
    tls=tls,
    storage=storage,
    components=st.dictionaries(st.sampled_from(NAMES), override, max_size=4),
    suspend=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(st.builds(SiteConfig, name=label, namespace=label, node=node))
def test_what_is_written_is_what_is_read(config: SiteConfig) -> None:
    """JSON is YAML too, and says every value in its own way."""
    data = config.model_dump(mode="json", by_alias=True, exclude_none=True)
    # Free values keep their nulls: there they mean "remove", as in Helm.
    for name, component in config.node.components.items():
        if component.values is not None:
            data["node"]["components"][name]["values"] = component.values
    assert parse_config(json.dumps(data, ensure_ascii=False), SOURCE, NAMES) == config


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_nothing_but_an_answer_comes_of_any_input(data: str | bytes) -> None:
    try:
        assert isinstance(parse_config(data, SOURCE, NAMES), SiteConfig)
    except ConfigError as error:
        assert error.mistakes  # noqa: PT017 - either outcome is right


words = [
    "node:",
    "domain: ",
    "a.example",
    "tls:",
    "mode: ",
    "provided",
    "components:",
    "keycloak:",
    "values:",
    "password: ",
]
signs = [
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "&a ",
    "*a",
    "? ",
    ">",
    "|",
    "'",
    '"',
    "<<: ",
    "#",
    "---",
    "\t",
]
pieces = st.sampled_from([*words, *signs, "x", "1", "no", "null", "!!str "])


@settings(max_examples=400, deadline=None)
@given(st.lists(pieces, max_size=30).map("".join))
def test_nothing_but_an_answer_comes_of_what_looks_like_a_configuration(text: str) -> None:
    try:
        assert isinstance(parse_config(text, SOURCE, NAMES), SiteConfig)
    except ConfigError as error:
        for mistake in error.mistakes:
            assert 0 <= mistake.line <= text.count("\n") + 1
            assert mistake.problem


def test_the_positions_are_those_of_another_reader() -> None:
    """ruamel.yaml counts lines and columns by itself."""
    text = "name: n\nnode:\n  domain: a.example\n  tls:\n    mode: wrong\n    certificateRef: 5\n"
    node_section = YAML().load(text)["node"]
    (line, column), (line2, column2) = (node_section["tls"].lc.value(key) for key in ("mode", "certificateRef"))
    assert places(text) == {
        (line + 1, column + 1, "node.tls.mode"),
        (line2 + 1, column2 + 1, "node.tls.certificateRef"),
    }
