"""What can be said of a rehearsal without running one: ports, logs, state of an empty, stopped or leftover home."""

import socket
from pathlib import Path

import pytest

from mininode.cluster.control_plane import ORDER, Layout, specs
from mininode.cluster.loglines import last_useful_line, says_port_taken
from mininode.cluster.ports import NAMES, choose, forget, is_free, remembered
from mininode.cluster.processes import ProcessSpec
from mininode.cluster.rehearsal import Rehearsal, State, default_home


def no_tool(name: str) -> Path:
    raise AssertionError(f"{name} was asked for")


def nobody(_name: str) -> bool:
    return False


class TestPorts:
    def test_they_differ_are_free_and_are_kept(self, tmp_path: Path) -> None:
        first = choose(tmp_path / "ports.json", nobody)

        assert set(first) == set(NAMES)
        assert len(set(first.values())) == len(NAMES)
        assert all(is_free(port) for port in first.values())
        assert choose(tmp_path / "ports.json", nobody) == first

    def test_only_a_taken_one_changes(self, tmp_path: Path) -> None:
        first = choose(tmp_path / "ports.json", nobody)
        with socket.socket() as other:
            other.bind(("127.0.0.1", first["etcd"]))
            other.listen()
            second = choose(tmp_path / "ports.json", nobody)
            ours = choose(tmp_path / "ports.json", lambda _name: True)

        assert {name for name in NAMES if first[name] != second[name]} == {"etcd"}
        assert ours == second  # our own process holds it: that is no reason to change

    def test_a_forgotten_one_changes(self, tmp_path: Path) -> None:
        first = choose(tmp_path / "ports.json", nobody)
        forget(tmp_path / "ports.json", frozenset({"kube-apiserver"}))

        assert remembered(tmp_path / "ports.json") == {
            name: port for name, port in first.items() if name != "kube-apiserver"
        }

    @pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"etcd": "x"}', '{"etcd": 0}', '{"etcd": 70000}'])
    def test_nonsense_is_not_remembered(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "ports.json").write_text(text)

        assert remembered(tmp_path / "ports.json") == {}


class TestLogs:
    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("", ""),
            ("one\n\ntwo\n", "two"),
            (
                'E1123 22:11:51.794823 5 run.go:72] "failed" err="no such flag"\nI1123 22:11:51.8 5 a.go:3] bye',
                '"failed" err="no such flag"',
            ),
            (
                '{"level":"fatal","msg":"discovery failed","error":"data are damaged"}\n{"level":"info","msg":"bye"}\n',
                "discovery failed: data are damaged",
            ),
            ("Error: unknown flag: --x\nUsage:\n  kwok [flags]\n", "Error: unknown flag: --x"),
        ],
    )
    def test_the_line_that_says_why(self, tmp_path: Path, text: str, line: str) -> None:
        (tmp_path / "a.log").write_text(text)

        assert last_useful_line(tmp_path / "a.log") == line

    def test_a_missing_log_says_nothing(self, tmp_path: Path) -> None:
        assert last_useful_line(tmp_path / "a.log") == ""
        assert not says_port_taken(tmp_path / "a.log")

    def test_a_taken_port_is_recognized(self, tmp_path: Path) -> None:
        text = "failed to create listener: failed to listen on 127.0.0.1:6443: bind: address already in use"
        (tmp_path / "a.log").write_text(text)

        assert says_port_taken(tmp_path / "a.log")


class TestSpecs:
    def made(self, home: Path) -> list[ProcessSpec]:
        rehearsal = Rehearsal(home, lambda name: Path("/opt") / name)
        return rehearsal._prepare()  # noqa: SLF001 - what would run, without running it

    def test_everything_listens_on_loopback_only(self, tmp_path: Path) -> None:
        listening = [
            word for spec in self.made(tmp_path / "home") for word in spec.argv if "listen-" in word or "--bind" in word
        ]

        assert len(listening) == 5  # etcd's two doors, three of Kubernetes
        assert all("127.0.0.1" in word for word in listening)
        assert not any("http://" in word for word in listening)

    def test_the_fingerprint_follows_what_is_read(self, tmp_path: Path) -> None:
        first, same = self.made(tmp_path / "home"), self.made(tmp_path / "home")
        layout = Layout(tmp_path / "home")
        layout.stages.write_text("changed")
        changed = specs(layout, remembered(layout.ports), lambda name: Path("/opt") / name)

        assert [spec.name for spec in first] == list(ORDER)
        assert same == first
        assert [new.name for old, new in zip(first, changed, strict=True) if old != new] == ["kwok"]


class TestAtRest:
    def test_an_untouched_home_is_stopped_and_stays_untouched(self, tmp_path: Path) -> None:
        one = Rehearsal(tmp_path / "home", no_tool)

        status = one.status()
        one.stop(print)
        one.reset(print)

        assert status.state is State.STOPPED
        assert (status.server, status.version, status.since, status.memory) == ("", "", None, 0)
        assert not (tmp_path / "home").exists()

    def test_reset_takes_nothing_that_is_not_the_rehearsals(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("mine")
        (tmp_path / "etcd").mkdir()

        Rehearsal(tmp_path, no_tool).reset(print)

        assert (tmp_path / "thesis.txt").read_text() == "mine"
        assert not (tmp_path / "etcd").exists()

    def test_home_follows_the_desktop_standard(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

        assert default_home() == tmp_path / "mininode" / "rehearsal"
