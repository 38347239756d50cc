"""The configuration that a command is about: a file, or what the profile alone gives."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

LOCAL_DOMAIN = "node.mininode.internal"  # for use on this computer; a site that has people sets its own


def site_for(profile: str | None, config: Path | None) -> "SiteConfig":
    """The configuration in the file, or one for this computer only. Raises ConfigError with every mistake."""
    from mininode.api.config import parse_config
    from mininode.cli.config_file import DEFAULT, read_config
    from mininode.components.registry import all_components
    from mininode.errors import ConfigError, Mistake

    file = config or (DEFAULT if DEFAULT.exists() else None)
    if file is None:
        text = f"node:\n  profile: {profile or 'micro'}\n  domain: {LOCAL_DOMAIN}\n  tls:\n    mode: ownCA\n"
        return parse_config(text, "the command line", tuple(all_components()))
    site = read_config(file)
    if profile is not None and profile != site.node.profile:
        problem = f"the command line says {profile}, {file} says {site.node.profile}"
        raise ConfigError([Mistake("profile", problem, "Change one of them")])
    return site
