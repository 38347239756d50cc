"""`mininode config init`: the few questions that matter, each answer checked, and a documented config.yaml from them."""

import difflib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from mininode.cli.config_draft import Place, with_answers
from mininode.cli.config_file import DEFAULT
from mininode.errors import ConfigError, Mistake

CERTIFICATE = "node-certificate"  # the Secret that a certificate of the site's own is put into
Check = Callable[[str], Mistake | None]


@dataclass(slots=True)
class Answers:
    """What the person said; empty where nothing was said."""

    profile: str = ""
    domain: str = ""
    data: str = ""
    tls: str = ""
    admins: list[str] = field(default_factory=list)

    def fields(self) -> dict[Place, Any]:
        """As paths of the configuration file; None where a field stays as it is."""
        provided = self.tls == "provided"
        return {
            ("node", "profile"): self.profile or None,
            ("node", "domain"): self.domain or None,
            ("node", "contact"): self.admins[0] if self.admins else None,
            ("node", "tls", "mode"): self.tls or None,
            ("node", "tls", "certificateRef", "name"): CERTIFICATE if provided else None,
            ("node", "tls", "certificateRef", "key"): "tls.crt" if provided else None,
            ("node", "tls", "privateKeyRef", "name"): CERTIFICATE if provided else None,
            ("node", "tls", "privateKeyRef", "key"): "tls.key" if provided else None,
            DATA_FIELD: self.data or None,
            ("node", "identity", "admins"): self.admins or None,
        }


DATA_FIELD: Place = ("computer", "dataFolder")


def init(
    config: Annotated[Path, typer.Option("--config", "-c", help="The file to write.")] = DEFAULT,
    profile: Annotated[str, typer.Option(help="What the node offers: micro.")] = "",
    domain: Annotated[str, typer.Option(help="Public name of the node, such as node.hospital.example.")] = "",
    data: Annotated[str, typer.Option(help="Folder of this computer for all data. Left out: a folder in your home.")] = "",
    tls: Annotated[str, typer.Option(help="Where the certificate comes from: acme, ownCA or provided.")] = "",
    admin: Annotated[list[str] | None, typer.Option(help="E-mail address of an administrator. May be repeated.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take the options, and defaults for the rest.")] = False,
) -> None:
    """Ask the few questions that matter and write config.yaml, with every other field explained in it.

    What the options say is not asked. Where there is a file already, only these fields are changed in it.

    Example: mininode config init --domain node.hospital.eu --tls acme --admin ada@hospital.eu --yes
    """
    answers = Answers(profile, domain, data, tls, list(admin or ()))
    _refuse(answers)
    before = _text(config)
    asks = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    if asks:
        _ask(answers, before)
    elif not answers.domain and not before:
        advice = "Give --domain, such as node.hospital.eu, or run it on a terminal to be asked"
        raise ConfigError([Mistake("--domain", "the node needs a public name", advice)])
    if not before:
        _defaults(answers)
    _refuse(answers)
    after = with_answers(before or example(), answers.fields())
    _right(after, config)
    if before == after:
        typer.echo(f"{config}: nothing to change")
        return
    if before:
        for line in _difference(before, after, config):
            typer.echo(line)
        if asks:
            typer.confirm(f"Change {config} so?", default=True, abort=True)
    write(config, after)
    _conclude(config, answers)


def wrong_profile(text: str) -> Mistake | None:
    """The mistake in a profile's name."""
    from mininode.api.spec import Profile

    names = [one.value for one in Profile]
    return None if text in names else Mistake("profile", f"there is no profile {text!r}", f"There is {' and '.join(names)}")


def wrong_domain(text: str) -> Mistake | None:
    """The mistake in a public name."""
    from mininode.api.domains import explain
    from mininode.api.spec import is_domain

    return None if is_domain(text) else Mistake("domain", *explain(text))


def wrong_data(text: str) -> Mistake | None:
    """The mistake in a folder for data."""
    import re

    from mininode.api.computer import FOLDER_PATTERN

    if re.fullmatch(FOLDER_PATTERN, text) and ".." not in text.split("/"):
        return None
    problem = f"{text!r} is no absolute path of plain names"
    return Mistake("data", problem, "Write it from the top and without `..`, such as /srv/eucaim")


def wrong_tls(text: str) -> Mistake | None:
    """The mistake in an origin of certificates."""
    from mininode.api.spec import TlsMode

    names = [one.value for one in TlsMode]
    return None if text in names else Mistake("tls", f"{text!r} is no origin of certificates", f"There are {', '.join(names)}")


def wrong_admin(text: str) -> Mistake | None:
    """The mistake in an e-mail address."""
    import re

    from mininode.api.model import EMAIL_PATTERN

    if re.fullmatch(EMAIL_PATTERN, text):
        return None
    return Mistake("admin", f"{text!r} is no e-mail address", "Write one address, such as ada@hospital.eu")


def _refuse(answers: Answers) -> None:
    """Raise ConfigError with every mistake in what was said so far."""
    checks: list[tuple[str, Check]] = [
        (answers.profile, wrong_profile), (answers.domain, wrong_domain), (answers.data, wrong_data), (answers.tls, wrong_tls),
        *((one, wrong_admin) for one in answers.admins),
    ]  # fmt: skip
    found = [mistake for text, check in checks if text and (mistake := check(text))]
    if found:
        raise ConfigError([Mistake(f"--{one.where}", one.problem, one.advice) for one in found])


def _ask(answers: Answers, before: str) -> None:
    """The questions, less those that options answered. An answer that is wrong is asked again, with what is wrong."""
    from mininode.api.domains import unreachable

    has = _values(before)
    typer.echo(
        "Five questions. Everything else is explained in the file, and can be changed there. Enter takes what is in brackets."
    )
    if not answers.profile:
        typer.echo("\nProfile: what the node offers. micro: log-in, data sets, desktops.")
        answers.profile = _asked("Profile", has.get("profile", "micro"), wrong_profile)
    if not answers.domain:
        typer.echo("\nDomain: the public name by which people reach the node. It needs a DNS entry with this computer's address.")
        answers.domain = _asked("Domain", has.get("domain", ""), wrong_domain)
    if doubt := unreachable(answers.domain):
        typer.echo(f"  to consider: {doubt}")
    if not answers.tls:
        typer.echo("\nTLS: where the certificate comes from.")
        typer.echo("  acme      a public authority such as Let's Encrypt gives it; the name must lead here from the Internet")
        typer.echo("  ownCA     the node makes an authority of its own, which people's computers must be told of")
        typer.echo("  provided  you bring a certificate of your hospital's authority")
        answers.tls = _asked("TLS", has.get("tls") or ("ownCA" if doubt else "acme"), wrong_tls)
    if not answers.data:
        typer.echo("\nData: the folder of this computer that holds everything people bring. Best on a disk of its own.")
        answers.data = _asked("Data", has.get("data", "/srv/eucaim"), wrong_data)
    for line in _doubts_about_disk(answers.data):
        typer.echo(f"  to consider: {line}")
    if not answers.admins:
        typer.echo("\nAdmin: e-mail address of who administers the node. They get an account, and mails about certificates.")
        answers.admins = [_asked("Admin", has.get("admin", ""), wrong_admin)]


def _asked(question: str, default: str, check: Check) -> str:
    while True:
        said = str(typer.prompt(question, default=default or None)).strip()
        mistake = check(said)
        if mistake is None:
            return said
        typer.echo(f"  {mistake.problem}. {mistake.advice}")


def _doubts_about_disk(data: str) -> list[str]:
    """What the checks say of the folder, at once and not after an hour of installing."""
    from mininode.preflight.findings import Level
    from mininode.preflight.judge_storage import judge_acl, judge_filesystem
    from mininode.preflight.seen_machine import folder
    from mininode.preflight.wish import Wish

    seen = folder(Path(data))
    found = (judge(seen, Wish("minikube", data=data)) for judge in (judge_filesystem, judge_acl))
    return [f"{one.problem} ({one.evidence})" for one in found if one.level is not Level.OK]


def _defaults(answers: Answers) -> None:
    from mininode.api.domains import unreachable

    answers.profile = answers.profile or "micro"
    answers.tls = answers.tls or ("ownCA" if unreachable(answers.domain) else "acme")


def _values(text: str) -> Mapping[str, str]:
    """The present answers of a file that is there, to be offered."""
    from mininode.api.source import read

    whole = read(text, "").data if text else None
    node = _below(whole, "node")
    admins = _below(_below(node, "identity"), "admins")
    found = {
        "profile": _below(node, "profile"),
        "domain": _below(node, "domain"),
        "tls": _below(_below(node, "tls"), "mode"),
        "data": _below(_below(whole, "computer"), "dataFolder"),
        "admin": admins[0] if isinstance(admins, list) and admins else None,
    }
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _below(data: Any, key: str) -> Any:
    return data.get(key) if isinstance(data, dict) else None


def _text(config: Path) -> str:
    """The file's text; empty where there is none. Raises ConfigError where it can't be read, or is not right already."""
    from mininode.api.text import decode
    from mininode.cli.config_file import read_bytes

    if not config.exists():
        return ""
    text = decode(read_bytes(config), str(config))
    if text.strip():
        _right(text, config)
    return text if text.strip() else ""


def example() -> str:
    """The documented example, as the beginning of a file of one's own."""
    from mininode.assets import asset

    _, _, rest = asset("config.example.yaml").read_text("utf-8").partition("\n")
    return "# The configuration of this node. After a change say `mininode config check`.\n" + rest.replace(
        "# Generated by `make generate`.\n", "", 1
    )


def _right(text: str, config: Path) -> None:
    from mininode.api.config import parse_config
    from mininode.components.registry import all_components

    parse_config(text, str(config), tuple(all_components()))


def _difference(before: str, after: str, config: Path) -> list[str]:
    """What changes in the file. It holds no secrets: a configuration with one is refused."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(config), str(config), n=1, lineterm="")
    return [f"  {line}" for line in list(lines)[2:]]


def write(config: Path, text: str) -> None:
    """Write the file whole or not at all. Raises ConfigError where that can't be done."""
    new = config.with_name(f".{config.name}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(config)
    except OSError as error:
        new.unlink(missing_ok=True)
        advice = "Make the folder, or name another file with --config"
        raise ConfigError([Mistake("--config", f"{config} can't be written: {error.strerror}", advice)]) from error


def _conclude(config: Path, answers: Answers) -> None:
    named = "" if config == DEFAULT else f" --config {config}"
    typer.echo(f"Written: {config}. No password is in it, and none belongs there.")
    if answers.tls == "provided":
        typer.echo("Your certificate is put into the cluster after the first install, or before it into a cluster that is there:")
        typer.echo(f"  mininode secrets set {CERTIFICATE} tls.crt --from-file certificate.pem")
        typer.echo(f"  mininode secrets set {CERTIFICATE} tls.key --from-file key.pem")
    typer.echo(f"Next: mininode check{named} · mininode install{named}")
