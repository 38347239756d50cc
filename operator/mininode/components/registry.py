"""The components there are: every module of this package that defines `COMPONENT`. Adding a file adds a component."""

import importlib
import pkgutil
from functools import cache

import mininode.components
from mininode.components.base import Component


@cache
def all_components() -> dict[str, Component]:
    """Every component by name, in alphabetical order. Raises ValueError when two carry one name or an edge leads nowhere."""
    found: dict[str, Component] = {}
    for info in pkgutil.iter_modules(mininode.components.__path__):
        component = getattr(importlib.import_module(f"mininode.components.{info.name}"), "COMPONENT", None)
        if component is None:
            continue
        if component.name in found:
            raise ValueError(f"two components are called {component.name}")
        found[component.name] = component
    for component in found.values():
        if missing := [name for name in (*component.requires, *component.works_with) if name not in found]:
            raise ValueError(f"component {component.name} requires {', '.join(missing)}, which there is not")
    return dict(sorted(found.items()))


def charted() -> dict[str, Component]:
    """The components that have a chart, by name."""
    return {name: component for name, component in all_components().items() if component.chart}
