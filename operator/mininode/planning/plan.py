"""From a node's spec to the ordered releases it asks for, with values and digests. Pure: charts and images come in as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mininode.api import COMPONENT_LABEL, NODE_LABEL
from mininode.components.base import Component, Node
from mininode.errors import ConfigError, Mistake
from mininode.planning.digest import RECIPES, Recipe, former
from mininode.planning.graph import ordered
from mininode.planning.images import ImageLock
from mininode.planning.values import merged, overlapping, put


@dataclass(frozen=True, slots=True)
class PlannedRelease:
    """One release that the spec asks for."""

    component: Component
    requires: tuple[str, ...]
    values: Mapping[str, Any]
    digest: str
    former: frozenset[str] = frozenset()  # digests of the same inputs by earlier recipes

    @property
    def name(self) -> str:
        """Name of the release, which is the component's."""
        return self.component.name


@dataclass(frozen=True, slots=True)
class Plan:
    """The releases of a node, dependencies first."""

    node: Node
    releases: tuple[PlannedRelease, ...]

    def release(self, name: str) -> PlannedRelease | None:
        """The planned release of a component, if the component is on."""
        return next((release for release in self.releases if release.name == name), None)

    @property
    def aliases(self) -> dict[str, str]:
        """The digests by earlier recipes that stand for one of this plan's."""
        return {other: release.digest for release in self.releases for other in release.former}


def enabled(node: Node, components: Mapping[str, Component]) -> dict[str, Component]:
    """The components that are on: the profile's, as `spec.components` changes them.

    Raises ConfigError when one that is on requires one that is off, or an override names no component.
    """
    overrides = node.spec.components
    mistakes = [
        Mistake(f"components.{name}", "there is no component of this name", f"There are {', '.join(components)}")
        for name in overrides
        if name not in components
    ]
    on = {
        name: component
        for name, component in components.items()
        if _switch(node, name, default=node.spec.profile in component.profiles) and not component.elsewhere(node.spec)
    }
    mistakes += [
        Mistake(f"components.{name}", f"{name} requires {other}, which is off", f"Switch {other} on, or {name} off")
        for name, component in on.items()
        for other in (*component.requires, *component.works_with)
        if other not in on and not components[other].elsewhere(node.spec)
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return on


def plan(
    node: Node,
    components: Mapping[str, Component],
    charts: Mapping[str, str],
    images: ImageLock,
    recipes: Sequence[Recipe] = RECIPES,
) -> Plan:
    """The plan of a node.

    `charts` gives the digest of each component's chart, where it has one; `images` the references to run, `recipes` make the
    digests. Raises ConfigError as `enabled` does.
    """
    on = enabled(node, components)
    node = replace(node, on=tuple(on[name] for name in sorted(on)))
    if mistakes := [mistake for component in on.values() for mistake in _reserved(node, component, images)]:
        raise ConfigError(mistakes)
    order = ordered({name: (*component.requires, *component.works_with) for name, component in on.items()})
    return Plan(node, tuple(_release(node, on[name], charts.get(name, ""), images, recipes) for name in order))


def _release(node: Node, component: Component, chart: str, images: ImageLock, recipes: Sequence[Recipe]) -> PlannedRelease:
    values = _values(node, component, images)
    inputs = {
        "chart": chart,
        "values": values,
        "namespace": node.namespace,
        # What a rendered Secret says, with its inputs' names in place of their values.
        "rendered": {
            f"{secret.name}/{secret.key}": secret.render(
                node, tuple(f"{{{one.name}/{one.key}}}" for one in secret.inputs)
            )
            for secret in component.rendered
        },
    }
    requires = tuple(name for name in component.requires if any(one.name == name for one in node.on))
    return PlannedRelease(component, requires, values, recipes[0](inputs), former(inputs, recipes))


def _values(node: Node, component: Component, images: ImageLock) -> dict[str, Any]:
    spec, override = node.spec, node.spec.components.get(component.name)
    values = merged(
        merged(component.sizes.get(spec.size, {}), component.values(node)),
        {
            "node": {"name": node.name, "namespace": node.namespace, "domain": spec.domain, "url": spec.url},
        },
    )
    for position, (path, image) in enumerate(component.images.items()):
        own = override.image if override and position == 0 else None
        values = put(values, path, own or images.reference(image, spec.image_mirror))
    if override and override.resources:
        values = merged(values, {"resources": override.resources.model_dump(by_alias=True, exclude_none=True)})
    return merged(values, override.values) if override and override.values else values


def _reserved(node: Node, component: Component, images: ImageLock) -> list[Mistake]:
    """Values of the spec that would replace what the operator sets itself: names, addresses, images, volumes."""
    override = node.spec.components.get(component.name)
    if override is not None and not component.chart and (override.values or override.image or override.resources):
        advice = "Leave them out; `enabled` is all that there is to say of it"
        return [Mistake(f"components.{component.name}", "it has no pods: no image, resources or values", advice)]
    if override is None or not override.values:
        return []
    # What only follows from the size may be replaced: that is what `values` is for.
    own = _values(_without_values(node, component.name), replace(component, sizes={}), images)
    return [
        Mistake(
            f"components.{component.name}.values.{path}",
            "the operator sets this value itself",
            "Leave it out; the fields of the node's spec (domain, storage, image, resources) decide it",
        )
        for path in overlapping(own, override.values)
    ]


def _without_values(node: Node, component: str) -> Node:
    override = node.spec.components[component].model_copy(update={"values": None})
    return replace(
        node, spec=node.spec.model_copy(update={"components": {**node.spec.components, component: override}})
    )


def _switch(node: Node, name: str, *, default: bool) -> bool:
    override = node.spec.components.get(name)
    return default if override is None or override.enabled is None else override.enabled


def release_labels(node: Node, component: str) -> dict[str, str]:
    """The labels that tell whose a release is."""
    return {NODE_LABEL: node.name, COMPONENT_LABEL: component}
