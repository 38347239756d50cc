"""Whether a configuration's node can be made true at all: its components fit together, and their charts know its values."""

import json
from typing import TYPE_CHECKING, Any

from mininode.errors import ConfigError, Mistake

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig
    from mininode.planning.plan import PlannedRelease


def check_plan(site: "SiteConfig") -> None:
    """Raise ConfigError with every mistake that only the components and charts of this version can tell."""
    from mininode.assets import asset
    from mininode.components.base import Node
    from mininode.components.registry import all_components, charted
    from mininode.helm.charts import chart_digest
    from mininode.planning.images import ImageLock
    from mininode.planning.plan import plan

    components = all_components()
    digests = {name: chart_digest(name) for name in charted()}
    images = ImageLock.load(asset("images.lock.yaml").read_text())
    planned = plan(Node(site.name, site.namespace, site.node), components, digests, images)
    if mistakes := [mistake for release in planned.releases if release.component.chart for mistake in _unknown_values(release)]:
        raise ConfigError(mistakes)


def _unknown_values(release: "PlannedRelease") -> list[Mistake]:
    """What the chart's own schema says of the values; Helm would say it later, and a piece at a time."""
    from jsonschema.validators import validator_for

    from mininode.helm.charts import chart_path

    folder = chart_path(release.name)
    schema = json.loads((folder / "values.schema.json").read_text())
    values = _merged_with_defaults(folder, release.values)
    return [
        Mistake(
            ".".join(["components", release.name, "values", *(str(part) for part in error.path)]),
            error.message.replace("Additional properties", "Further values"),
            f"charts/{release.name}/values.yaml shows which values there are",
        )
        for error in validator_for(schema)(schema).iter_errors(values)
    ]


def _merged_with_defaults(folder: Any, values: Any) -> dict[str, Any]:
    from mininode.documents import yaml_document
    from mininode.planning.values import merged

    return merged(yaml_document((folder / "values.yaml").read_text()) or {}, values)
