"""`mininode check`: looks at this computer before an installation, and changes nothing."""

import json
import shutil
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mininode.cli.output import Output, OutputOption
from mininode.errors import Unavailable

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig
    from mininode.preflight.findings import Finding

_MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}
_NAME = 12  # columns of a check's name


def check(
    profile: Annotated[str | None, typer.Argument(help="micro. Left out: as the configuration says.")] = None,
    cluster: Annotated[
        str, typer.Option(help="Where to install: minikube, kind, current or rehearsal.", metavar="WAY")
    ] = "minikube",
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file. Default: config.yaml, if it is there.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that will hold the data. Default: as the configuration says.")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Look at this computer before an installation: is it large enough, is everything there, what is in the way.

    Changes nothing. Exit code 0: an installation can begin; 4: something fails, each with the command that puts it right.

    Example: mininode check micro --cluster minikube
    """
    from mininode.cli.site import site_for
    from mininode.errors import ConfigError, Mistake

    if cluster not in ("minikube", "kind", "current", "rehearsal"):
        raise ConfigError([Mistake("--cluster", f"{cluster} is no way", "There are minikube, kind, current and rehearsal")])
    site = site_for(profile, config)
    findings = examine(site, cluster, data)
    if output is not Output.TEXT:
        typer.echo(_data(findings, output))
    else:
        width = shutil.get_terminal_size((100, 24)).columns
        for line in screen(findings, width):
            typer.echo(line)
    if any(one.level == "fail" for one in findings):
        raise typer.Exit(Unavailable.exit_code)


def examine(site: "SiteConfig", way: str, data: Path | None = None, kubeconfig: Path | None = None) -> "tuple[Finding, ...]":
    """Everything that is found of this computer for installing this node by this way."""
    from mininode.preflight.judge import judge
    from mininode.preflight.observe import observe
    from mininode.preflight.wanted import wish_for

    wish = wish_for(site, way, data, kubeconfig)
    return judge(observe(wish), wish)


def stop_where_it_fails(site: "SiteConfig", way: str, kubeconfig: Path | None = None) -> None:
    """The installer's first step: shows what is to be known, and raises Unavailable where an installation would fail."""
    from mininode.preflight.findings import failing

    findings = examine(site, way, kubeconfig=kubeconfig)
    width = shutil.get_terminal_size((100, 24)).columns
    for line in _details(findings, width, levels=("warn", "fail")):
        typer.echo(line)
    if wrong := failing(findings):
        raise Unavailable(
            f"{_count(len(wrong), 'check')} failed; nothing was changed: {'; '.join(one.problem for one in wrong)}.",
            "Put right what is named above and run the same command again. `mininode check` looks without installing.",
            reason="PreflightFailed",
        )


def screen(findings: "Iterable[Finding]", width: int) -> Iterator[str]:
    """Findings for people, in lines no wider than `width`."""
    findings = tuple(findings)
    yield from _details(findings, width, levels=("ok", "warn", "fail"))
    failed = sum(one.level == "fail" for one in findings)
    warned = sum(one.level == "warn" for one in findings)
    if failed:
        yield f"{_count(failed, 'check')} of {len(findings)} failed: an installation would not succeed. Nothing was changed."
    elif warned:
        yield f"An installation can begin; {_count(warned, 'warning')}. Nothing was changed."
    else:
        yield "An installation can begin. Nothing was changed."


def _details(findings: "Iterable[Finding]", width: int, levels: tuple[str, ...]) -> Iterator[str]:
    for one in findings:
        if one.level not in levels:
            continue
        yield from _wrapped(f"{_MARKS[one.level]} {one.check:<{_NAME}} ", one.problem, width)
        if one.level != "ok":
            pad = " " * (_NAME + 3)
            if one.evidence:
                yield from _wrapped(f"{pad}seen: ", one.evidence, width)
            yield from _wrapped(f"{pad}do:   ", one.fix, width)


def _wrapped(first: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def _data(findings: "Iterable[Finding]", output: Output) -> str:
    from mininode.preflight.judge import worst

    findings = tuple(findings)
    answer = {"level": worst(findings).value, "findings": [asdict(one) | {"level": one.level.value} for one in findings]}
    if output is Output.JSON:
        return json.dumps(answer, indent=2, ensure_ascii=False)
    import yaml

    return str(yaml.safe_dump(answer, sort_keys=False, allow_unicode=True)).rstrip()
