"""`mininode config init` and `migrate` as processes: with a terminal, without one, and with a file that is there."""

import os
import pty
import sys
from pathlib import Path
from typing import Any

import yaml

OLD = """\
public_domain: node.hospital.eu
keycloak: {admin_emails: ada@hospital.eu, admin_password: PLAINTEXT}
letsencrypt: {email: it@hospital.eu}
"""
OPTIONS = ("--domain", "node.hospital.eu", "--tls", "acme", "--admin", "ada@hospital.eu", "--data", "/srv/eucaim")


def dialogue(home: Any, answers: list[tuple[str, str]], *arguments: str) -> tuple[int, str]:
    """Type each answer once its question is on the screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home.folder)
        os.execve(sys.executable, [sys.executable, "-m", "mininode.cli.main", *arguments], home.environment)  # noqa: S606
    shown, done, waiting = "", 0, list(answers)
    while True:
        try:
            part = os.read(terminal, 4096).decode(errors="replace")
        except OSError:
            break
        if not part:
            break
        shown += part
        if waiting and waiting[0][0] in shown[done:]:
            done = len(shown)
            os.write(terminal, f"{waiting.pop(0)[1]}\n".encode())
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert not waiting, f"never asked: {waiting}; the screen: {shown}"
    return os.waitstatus_to_exitcode(status), shown.replace("\r\n", "\n")


def test_with_options_nothing_is_asked_and_the_file_is_right(blank: Any) -> None:
    done = blank.run("config", "init", *OPTIONS, "--yes")
    assert done.returncode == 0, done.stderr
    text = (blank.folder / "config.yaml").read_text()
    assert "# Who may log in to the node, and how." in text
    node = yaml.safe_load(text)["node"]
    assert (node["domain"], node["contact"]) == ("node.hospital.eu", "ada@hospital.eu")
    assert yaml.safe_load(text)["computer"]["dataFolder"] == "/srv/eucaim"
    assert blank.run("config", "check").returncode == 0


def test_every_wrong_option_is_named_at_once_and_nothing_is_written(blank: Any) -> None:
    done = blank.run(
        "config", "init", "--domain", "My_Node", "--tls", "no", "--admin", "nobody", "--data", "x", "--profile", "maxi"
    )
    assert done.returncode == 2
    for option in ("--domain", "--tls", "--admin", "--data", "--profile"):
        assert f"{option}: " in done.stderr
    assert not (blank.folder / "config.yaml").exists()


def test_without_a_terminal_it_wants_the_name(blank: Any) -> None:
    done = blank.run("config", "init")
    assert done.returncode == 2
    assert "--domain" in done.stderr


def test_on_a_terminal_it_asks_and_asks_again_where_the_answer_is_wrong(blank: Any) -> None:
    answers = [
        ("Profile [micro]:", ""),
        ("Domain:", "https://Node.Hospital.EU/"),
        ("Domain:", "node.hospital.eu"),
        ("TLS [acme]:", "ownCA"),
        ("Data [/srv/eucaim]:", "data"),
        ("Data [/srv/eucaim]:", "/srv/eucaim"),
        ("Admin:", "ada"),
        ("Admin:", "ada@hospital.eu"),
    ]
    code, screen = dialogue(blank, answers, "config", "init")
    assert code == 0, screen
    assert "begins with https://" in screen
    assert "no absolute path" in screen
    assert "no e-mail address" in screen
    node = yaml.safe_load((blank.folder / "config.yaml").read_text())["node"]
    assert (node["domain"], node["tls"]["mode"], node["identity"]["admins"]) == ("node.hospital.eu", "ownCA", ["ada@hospital.eu"])


def test_a_file_that_is_there_keeps_its_comments_and_shows_what_would_change(blank: Any) -> None:
    (blank.folder / "config.yaml").write_text("# ours\nnode:\n  domain: a.hospital.eu # from IT\n")
    answers = [
        ("Profile [micro]:", ""), ("Domain [a.hospital.eu]:", "b.hospital.eu"), ("TLS [acme]:", ""), ("Data [", ""),
        ("Admin:", "ada@hospital.eu"), ("Change config.yaml so?", "n"),
    ]  # fmt: skip
    code, screen = dialogue(blank, answers, "config", "init")
    assert code == 130
    assert "-  domain: a.hospital.eu # from IT" in screen
    assert "+  domain: b.hospital.eu # from IT" in screen
    assert (blank.folder / "config.yaml").read_text().startswith("# ours\nnode:\n  domain: a.hospital.eu")


def test_a_second_time_nothing_changes(blank: Any) -> None:
    assert blank.run("config", "init", *OPTIONS, "--yes").returncode == 0
    before = (blank.folder / "config.yaml").read_bytes()
    again = blank.run("config", "init", *OPTIONS, "--yes")
    assert "nothing to change" in again.stdout
    assert (blank.folder / "config.yaml").read_bytes() == before


def test_a_file_with_mistakes_is_left_alone(blank: Any) -> None:
    (blank.folder / "config.yaml").write_text("node: {domain: x.hospital.eu, admins: [PLAIN]}\n")
    done = blank.run("config", "init", *OPTIONS, "--yes")
    assert done.returncode == 2
    assert "node.admins" in done.stderr


def migrate(home: Any, *arguments: str) -> Any:
    (home.folder / "config.private.yaml").write_text(OLD)
    return home.run("config", "migrate", "config.private.yaml", *arguments)


def test_migrate_tells_of_each_key_writes_the_file_and_copies_no_secret(blank: Any) -> None:
    done = migrate(blank)
    assert done.returncode == 0, done.stderr
    for key in ("public_domain", "keycloak.admin_emails", "keycloak.admin_password", "letsencrypt.email"):
        assert key in done.stdout
    text = (blank.folder / "config.yaml").read_text()
    assert "PLAINTEXT" not in text + done.stdout + done.stderr
    assert blank.run("config", "check").returncode == 0
    assert (blank.folder / "config.private.yaml").read_text() == OLD


def test_migrate_never_writes_over_a_file(blank: Any) -> None:
    (blank.folder / "config.yaml").write_text("mine")
    assert migrate(blank).returncode == 2
    assert (blank.folder / "config.yaml").read_text() == "mine"


def test_migrate_of_what_is_no_configuration(blank: Any, tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("- 1\n")
    assert "holds no keys" in blank.run("config", "migrate", str(tmp_path / "old.yaml")).stderr
    (tmp_path / "old.yaml").write_text("a: [\n")
    assert blank.run("config", "migrate", str(tmp_path / "old.yaml")).returncode == 2
