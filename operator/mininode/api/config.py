"""The configuration file and the spec of a resource, checked: every mistake at once, with its place."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from pydantic import ConfigDict, Field, ValidationError

from mininode.api import domains
from mininode.api.computer import Computer
from mininode.api.crd import schema
from mininode.api.findings import explain, unknown_component
from mininode.api.inline_secrets import ADVICE, PROBLEM, inline_secrets
from mininode.api.model import NAME_PATTERN, Model, cel
from mininode.api.rules import broken_rules
from mininode.api.scrub import scrubbed
from mininode.api.source import Document, read
from mininode.api.spec import IMAGE_PATTERN, NodeSpec, TlsMode
from mininode.api.text import MAX_DEPTH, Path, decode, sorted_mistakes, too_deep, written
from mininode.errors import ConfigError, Mistake

M = TypeVar("M", bound=Model)

_RESOURCE = frozenset({"apiVersion", "kind", "spec"})


class OperatorConfig(Model):
    """The operator's own pod."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "!has(self.image) || (!self.image.endsWith(':latest') && "
                    "self.image.matches('(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[a-f0-9]{64})$'))",
                    "image needs an exact tag or a digest: registry/name:1.2.3 or registry/name@sha256:…",
                ),
            ]
        }
    )

    image: str | None = Field(
        None,
        description="Image of the operator, with an exact tag or a digest. Left out: `mininode-operator` of this version, from "
        "`imageMirror` if there is one.",
        pattern=IMAGE_PATTERN,
        max_length=512,
    )
    pull_secret: str | None = Field(
        None,
        description="Name of the Secret in the namespace `mininode-system` with which the operator's image is pulled, where its "
        "registry asks for a login.",
        pattern=NAME_PATTERN,
        max_length=63,
    )


class SiteConfig(Model):
    """What the installer needs to know: the node, and where in the cluster it goes."""

    name: str = Field(
        "node", description="Name of the node, as its resource is called.", pattern=NAME_PATTERN, max_length=63
    )
    namespace: str = Field(
        "eucaim-node", description="Namespace of the cluster that holds the node.", pattern=NAME_PATTERN, max_length=63
    )
    operator: OperatorConfig = Field(
        OperatorConfig(), description="The operator's own pod, where it runs as one: on your cluster, kind, and by GitOps."
    )
    computer: Computer = Field(
        Computer(),
        description="The computer, where the node runs on one by minikube; kind reads folder and ports, other ways nothing of it.",
    )
    node: NodeSpec = Field(description="What the node should be: the same fields as `spec` of an EucaimNode resource.")


def parse_config(text: str | bytes, source: str, component_names: Iterable[str]) -> SiteConfig:
    """The configuration that a file's content says. `source` is the file's name, for messages.

    Raises ConfigError with every mistake and its line and column.
    """
    document = read(decode(text, source), source)
    if not isinstance(document.data, dict) or document.data.keys() >= _RESOURCE:
        raise ConfigError([*(mistake for _, mistake in document.mistakes), _no_config(document, source)])
    check = _Check(source, document)
    for path, mistake in document.mistakes:
        check.add(path, mistake)
    config = check.model(SiteConfig, document.data, frozenset(component_names), ("node",))
    if config is None or check.found:
        raise ConfigError(sorted_mistakes(mistake for _, mistake in check.found))
    return config


def parse_spec(spec: Mapping[str, Any], component_names: Iterable[str]) -> NodeSpec:
    """The spec of a resource that comes from the Kubernetes API, as plain dicts and lists.

    Raises ConfigError with every mistake; those have a path and no line.
    """
    check = _Check(prefix=("spec",))
    if too_deep(spec):
        check.wrong((), f"has more than {MAX_DEPTH} levels, one inside the other", "")
        raise ConfigError([mistake for _, mistake in check.found])
    node = check.model(NodeSpec, spec, frozenset(component_names), ())
    if node is None or check.found:
        raise ConfigError(sorted_mistakes(mistake for _, mistake in check.found))
    return node


def warnings(spec: NodeSpec) -> tuple[Mistake, ...]:
    """What is allowed and yet hardly meant; `where` is the field's path within the spec."""
    reason = domains.unreachable(spec.domain)
    if not reason:
        return ()
    doubts = [Mistake(where="domain", problem=reason, advice="Set your own public name before people use the node")]
    if spec.tls.mode is TlsMode.ACME:
        problem = f"no public authority issues a certificate for {spec.domain}"
        doubts.append(Mistake(where="tls.mode", problem=problem, advice="ownCA or provided work with such a name"))
    return tuple(doubts)


@dataclass(slots=True)
class _Check:
    """One look at one input. A mistake silences those that follow from it: at its path, below it, and about it."""

    source: str = ""
    document: Document | None = None
    prefix: Path = ()
    found: list[tuple[Path, Mistake]] = field(default_factory=list)

    def add(self, path: Path, mistake: Mistake) -> None:
        """Note a mistake unless one at this path, or at a part it belongs to, is noted already."""
        if not any(path[: len(other)] == other for other, _ in self.found):
            self.found.append((path, mistake))

    def wrong(self, path: Path, problem: str, advice: str, *, key: bool = False) -> None:
        """Note a mistake at `path` of the input; `key` points at the key and not at the value."""
        place = self.document.place(path, key=key) if self.document else None
        line, column = (place.line, place.column) if place else (0, 0)
        where = written((*self.prefix, *path))
        shown = scrubbed(problem)  # it may repeat a value, and a slip can carry a password into any of them
        self.add(
            path, Mistake(where=where, problem=shown, advice=advice, source=self.source, line=line, column=column)
        )

    def model(self, model: type[M], data: Mapping[str, Any], names: frozenset[str], spec_path: Path) -> M | None:
        """`data` as the model, or None when it is none; all mistakes are noted.

        `names` are the components there are; `spec_path` leads to the NodeSpec inside.
        """
        shape = _shape(model)
        for path in inline_secrets(data):
            self.wrong(path, PROBLEM, ADVICE)
        parsed = self._typed(model, data, shape)
        self._components(_below(data, (*spec_path, "components")), names, (*spec_path, "components"))
        if isinstance(_below(data, spec_path), dict):
            for rule in broken_rules(shape, data, {path for path, _ in self.found}):
                self.wrong(rule.path, rule.message, "", key=True)
        return parsed

    def _typed(self, model: type[M], data: Mapping[str, Any], shape: Mapping[str, Any]) -> M | None:
        try:
            # By way of JSON: only there is pydantic as strict as the API server and yet takes enums as text.
            return model.model_validate_json(json.dumps(data), strict=True, by_alias=True, by_name=False)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                path = tuple(part for part in detail["loc"] if part != "[key]")
                problem, advice = explain(detail, shape, path)
                self.wrong(path, problem, advice, key=detail["type"] in {"extra_forbidden", "missing"})
            return None

    def _components(self, components: Any, names: frozenset[str], path: Path) -> None:
        if not isinstance(components, dict):
            return
        for name in components:
            if name not in names:
                self.wrong((*path, name), *unknown_component(name, names), key=True)


@cache
def _shape(model: type[Model]) -> Mapping[str, Any]:
    """The model's schema, to be read only: the operator looks at it each time that it looks at a node, and it takes 5 ms."""
    return schema(model)


def _no_config(document: Document, source: str) -> Mistake:
    place = document.place(())
    advice = "Begin with a copy of config.example.yaml"
    if document.data is None:
        problem = "the file is empty"
    elif isinstance(document.data, dict):
        problem = "this is a Kubernetes resource, not a configuration of the installer"
        advice = "Give it to `kubectl apply`, or write what stands under `spec:` under `node:`"
    else:
        # Not the text itself: a file that is one word may be somebody's password.
        kind = "a list" if isinstance(document.data, list) else "one value"
        problem = f"the file must hold keys such as `node:`, found {kind}"
    return Mistake(where="", problem=problem, advice=advice, source=source, line=place.line, column=place.column)


def _below(data: Any, path: Path) -> Any:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data
