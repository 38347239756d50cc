"""`mininode images`: the images that a node runs, and the digests of those that have none yet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="The images that a node runs, by exact version and digest.")

_LIST_HELP = """List every image with its version and digest.

Example: mininode images list -o json
"""
_COPY_HELP = """Print the commands that copy every image to a registry of yours, for a site without Internet.

The commands are for skopeo (github.com/containers/skopeo), on a computer that reaches both sides. With --bundle they come in two
parts: the first fills a folder where there is Internet, the second empties it into the registry where there is none.

Example: mininode images copy --mirror registry.hospital.example/eucaim > copy.sh
"""
_PIN_HELP = """Ask the registries for the digests that are missing and write them to images.lock.yaml.

Needs Internet. Nothing is written unless a registry has answered; comments in the file stay.

Example: mininode images pin
"""


@app.command("list", help=_LIST_HELP)
def list_images(
    output: Annotated[str, typer.Option("--output", "-o", help="table or json.")] = "table",
    mirror: Annotated[
        str | None, typer.Option(help="Registry with copies of all images, as in spec.imageMirror.")
    ] = None,
) -> None:
    """Show the lock file."""
    import json

    from mininode.assets import asset
    from mininode.errors import ConfigError, Mistake
    from mininode.planning.images import ImageLock

    if output not in ("table", "json"):
        raise ConfigError([Mistake("--output", f"{output} is no form of output", "There are table and json")])
    lock = ImageLock.load(asset("images.lock.yaml").read_text(encoding="utf-8"))
    if output == "json":
        rows = [
            {"name": one.name, "reference": one.reference(mirror), "digest": one.digest, "source": one.source}
            for one in lock.images.values()
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    width = max(len(name) for name in lock.images)
    for one in lock.images.values():
        note = "" if one.digest else "   (no digest yet: mininode images pin)"
        typer.echo(f"{one.name:<{width}}  {one.reference(mirror)}{note}")


@app.command("copy", help=_COPY_HELP)
def copy(
    mirror: Annotated[str, typer.Option(help="Registry to copy to, as in spec.imageMirror.")],
    bundle: Annotated[Path | None, typer.Option(help="Folder that carries the images from one side to the other.")] = None,
) -> None:
    """Print the commands of a mirror."""
    import re

    from mininode.api.spec import MIRROR_PATTERN
    from mininode.assets import asset
    from mininode.errors import ConfigError, Mistake
    from mininode.planning.images import ImageLock, copy_commands

    if not re.match(MIRROR_PATTERN, mirror):
        raise ConfigError([Mistake("--mirror", f"{mirror} is no registry", "Write registry.hospital.example/eucaim")])
    lock = ImageLock.load(asset("images.lock.yaml").read_text(encoding="utf-8"))
    typer.echo(copy_commands(lock, mirror, str(bundle) if bundle else None), nl=False)


@app.command("pin", help=_PIN_HELP)
def pin(
    file: Annotated[
        Path | None, typer.Option(help="Lock file to write; left out: the one of this installation.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Ask for the digests that are known, too.")] = False,
) -> None:
    """Resolve digests."""
    import datetime as dt

    import httpx

    from mininode.assets import asset
    from mininode.errors import MininodeError, Unavailable
    from mininode.planning.images import ImageLock

    path = (file or asset("images.lock.yaml")).resolve()
    if not path.is_file():
        raise MininodeError(f"{path} is no file", "Name the lock file with --file.")
    text = path.read_text(encoding="utf-8")
    wanted = [one for one in ImageLock.load(text).images.values() if again or one.digest is None]
    if not wanted:
        typer.echo("Every image has its digest.")
        return
    found: dict[str, tuple[str, str]] = {}
    failed: list[str] = []
    # The environment's proxy and certificates are respected; 20 s is long for a question of a few hundred bytes.
    with httpx.Client(timeout=20, follow_redirects=True) as client:
        for one in wanted:
            typer.echo(f"{one.name}: asking {one.registry} ...")
            try:
                digest = registry_digest(client, one.registry, one.path, one.tag)
            except (httpx.HTTPError, ValueError) as error:
                failed.append(f"{one.name}: {one.registry}: {error or type(error).__name__}")
                continue
            found[one.name] = (digest, f"{one.registry}, {dt.datetime.now(dt.UTC).date()}")
            typer.echo(f"{one.name}: {digest}")
    if found:
        write_digests(path, text, found)
        typer.echo(f"{len(found)} digest{'' if len(found) == 1 else 's'} written to {path}")
    if failed:
        raise Unavailable(
            "No digest for these images:\n" + "\n".join(failed),
            "Look at the network, and at HTTPS_PROXY if there is a proxy, and run the command again.",
            reason="RegistryUnreachable",
        )


# A registry answers with the digest of what is asked for: the index over all platforms first.
_KINDS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
_HOSTS = {"docker.io": "registry-1.docker.io"}  # where Docker Hub's API is
_UNAUTHORIZED = 401


def registry_digest(client: Any, registry: str, repository: str, tag: str) -> str:
    """Return the digest of a tag, asked of a registry without an account (OCI distribution API, Docker token scheme).

    Raises httpx.HTTPError when the registry does not answer or refuses, ValueError when its answer has no good digest.
    The digest is computed from the manifest itself: a registry's word for it must agree.
    """
    import hashlib
    import re

    url = f"https://{_HOSTS.get(registry, registry)}/v2/{repository}/manifests/{tag}"
    headers = {"Accept": _KINDS}
    answer = client.get(url, headers=headers)
    if answer.status_code == _UNAUTHORIZED:
        token = _token(client, answer.headers.get("WWW-Authenticate", ""), repository)
        answer = client.get(url, headers={**headers, "Authorization": f"Bearer {token}"})
    answer.raise_for_status()
    digest = "sha256:" + hashlib.sha256(answer.content).hexdigest()
    said = answer.headers.get("Docker-Content-Digest", digest)
    if said != digest or not re.fullmatch(r"application/[a-z0-9.+-]+json", _kind(answer)):
        raise ValueError(
            f"the answer for {repository}:{tag} is no manifest (a proxy's page?): it says {said}, and is {digest}"
        )
    return digest


def _kind(answer: Any) -> str:
    return str(answer.headers.get("Content-Type", "")).partition(";")[0].strip()


def _token(client: Any, challenge: str, repository: str) -> str:
    """Return an anonymous bearer token, from where the registry's challenge says."""
    fields = dict(_fields(challenge))
    realm = fields.get("realm", "")
    if not realm.startswith("https://"):
        raise ValueError("the registry wants an account")
    query = {"scope": f"repository:{repository}:pull"}
    if "service" in fields:
        query["service"] = fields["service"]
    answer = client.get(realm, params=query)
    answer.raise_for_status()
    body = answer.json()
    token = body.get("token") or body.get("access_token")
    if not token:
        raise ValueError(f"{realm} gave no token")
    return str(token)


def _fields(challenge: str) -> Iterator[tuple[str, str]]:
    import re

    for match in re.finditer(r'([a-z_]+)="([^"]*)"', challenge):
        yield match.group(1), match.group(2)


def write_digests(path: Path, text: str, found: dict[str, tuple[str, str]]) -> None:
    """Put digests with their sources into the lock file; comments stay, and a killed command leaves the old file."""
    import io
    import os
    import tempfile

    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    from mininode.planning.images import ImageLock

    class Explicit(RoundTripRepresenter):
        """Writes `null`, as the file does, where ruamel would leave the place empty."""

    Explicit.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml = YAML()
    yaml.Representer = Explicit
    yaml.preserve_quotes = True
    yaml.width = 4096
    document = yaml.load(text)
    for name, (digest, source) in found.items():
        document["images"][name]["digest"] = digest
        document["images"][name]["source"] = source
    buffer = io.StringIO()
    yaml.dump(document, buffer)
    ImageLock.load(buffer.getvalue())  # never replace a good file by one that can't be read
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(buffer.getvalue())
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).chmod(path.stat().st_mode & 0o777)
    Path(temporary).replace(path)
