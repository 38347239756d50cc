"""Facts as they are seen: on real folders, ports and sockets, and on a tree that looks like another computer's /proc and /sys."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from mininode.preflight import seen_clusters, seen_machine, seen_network
from mininode.preflight.facts import Unseen
from mininode.preflight.observe import observe
from mininode.preflight.wanted import bytes_of, hosts, wish_for
from mininode.preflight.wish import GIB, Wish

WISH = Wish("minikube", data="/")


def computer(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_cgroup_version_and_controllers_are_read(tmp_path: Path) -> None:
    seen = seen_machine.machine(WISH, computer(tmp_path, {"sys/fs/cgroup/cgroup.controllers": "cpu memory pids\n"}))
    assert (seen.cgroup, seen.controllers) == (2, {"cpu", "memory", "pids"})


def test_the_old_cgroups_are_told_from_none(tmp_path: Path) -> None:
    assert seen_machine.machine(WISH, tmp_path).cgroup == 0
    (tmp_path / "sys/fs/cgroup/memory").mkdir(parents=True)
    assert seen_machine.machine(WISH, tmp_path).cgroup == 1


def test_selinux_apparmor_and_watches_are_read(tmp_path: Path) -> None:
    files = {
        "sys/fs/selinux/enforce": "1",
        "sys/module/apparmor/parameters/enabled": "Y\n",
        "proc/sys/fs/inotify/max_user_instances": "128\n",
    }
    seen = seen_machine.machine(WISH, computer(tmp_path, files))
    assert (seen.selinux, seen.apparmor, seen.inotify_instances) == ("enforcing", True, 128)


def test_this_computer_has_memory_and_cores() -> None:
    seen = seen_machine.machine(WISH)
    assert seen.cores >= 1
    assert seen.memory == psutil.virtual_memory().total


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    seen = seen_machine.folder(tmp_path / "srv" / "eucaim")
    assert (seen.exists, seen.on, seen.writable) == (False, str(tmp_path), True)
    assert seen.free > 0
    assert seen.filesystem


def test_the_memory_file_system_is_recognised() -> None:
    assert seen_machine.folder(Path("/proc")).filesystem == "proc"
    assert seen_machine.folder(Path("/proc")).acl is False


def test_a_port_that_is_taken_shows_its_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        (seen,) = seen_network.ports(Wish("minikube", ports=(number,)))
    assert (seen.taken, seen.pid, seen.ours) == (True, psutil.Process().pid, False)
    assert seen.holder == psutil.Process().name()
    assert seen_network.ports(Wish("minikube", ports=(number,)))[0].taken is False


def test_a_name_is_looked_up() -> None:
    assert "127.0.0.1" in seen_network.name(Wish("minikube", domain="localhost")).addresses
    nowhere = seen_network.name(Wish("minikube", domain="nowhere.invalid"))
    assert nowhere.addresses == ()
    assert nowhere.problem


@pytest.fixture
def proxy() -> Iterator[int]:
    """A real HTTP proxy that refuses every host."""

    class Refusing(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_error(403, "Forbidden by policy")

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def through(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for one in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.delenv(one, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", address)


def test_what_a_proxy_blocks_is_listed_with_its_answer(proxy: int, monkeypatch: pytest.MonkeyPatch) -> None:
    through(monkeypatch, f"http://it:PLAINTEXT@127.0.0.1:{proxy}")
    seen = seen_network.network(Wish("minikube", hosts=("quay.io", "dl.k8s.io")))
    assert seen.proxy == f"http://127.0.0.1:{proxy}"
    assert [host.name for host in seen.hosts if "403" in host.problem] == ["quay.io", "dl.k8s.io"]
    assert "PLAINTEXT" not in repr(seen)


def test_a_proxy_that_is_not_there_is_told_from_one_that_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    through(monkeypatch, f"http://127.0.0.1:{port}")
    assert "refused" in seen_network.network(WISH).proxy_problem


def test_a_certificate_that_is_not_trusted_is_told_from_a_host_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    through(monkeypatch, "")
    certificate, key = authority_files(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.handle_request, daemon=True)
    thread.start()
    (seen,) = seen_network.network(Wish("minikube", hosts=(f"127.0.0.1:{server.server_port}",))).hosts
    thread.join(10)
    server.server_close()
    assert seen.certificate
    assert "not trusted" in seen.problem


def authority_files(folder: Path) -> tuple[Path, Path]:
    from mininode.cluster.pki import CLUSTER, Pki  # noqa: PLC0415 - the rehearsal's own certificates are real ones

    pki = Pki(folder / "pki")
    pki.folder.mkdir()
    pki.ensure()
    return pki.certificate(CLUSTER), pki.key(CLUSTER)


def test_a_file_of_authorities_is_read(tmp_path: Path) -> None:
    certificate, _ = authority_files(tmp_path)
    seen = seen_network.read_authority("SSL_CERT_FILE", str(certificate))
    assert (seen.problem, len(seen.subjects), seen.expired) == ("", 1, ())
    (tmp_path / "text.pem").write_text("nothing")
    assert seen_network.read_authority("SSL_CERT_FILE", str(tmp_path / "text.pem")).problem == "it holds no certificate in PEM"
    assert seen_network.read_authority("SSL_CERT_FILE", str(tmp_path / "none")).problem == "No such file or directory"


KUBECONFIG = {"kind": "Config", "clusters": [{"cluster": {"certificate-authority": "ca.crt"}}], "users": [{"user": {}}]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (json.dumps(KUBECONFIG), "it names ca.crt, which is not there"),
        (json.dumps(KUBECONFIG | {"clusters": []}), ""),
        ("{", "it is damaged: not valid YAML"),
        ("", "it is no access file: kind is not Config"),
        (json.dumps({"kind": "Config", "clusters": [None], "users": None}), ""),
    ],
)
def test_an_access_file_is_sound_or_it_is_said_why_not(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    assert seen_clusters.kubeconfig_problem(file) == problem


def test_stray_variables_of_minikube_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIKUBE_DRIVER", "none")
    assert "MINIKUBE_DRIVER" in seen_clusters.cluster(WISH).stray


def test_one_look_that_hangs_and_one_that_breaks_do_not_take_the_others_with_them() -> None:
    hang = threading.Event()

    def breaks(_wish: Wish) -> None:
        raise ZeroDivisionError("no")

    looks = {"machine": lambda _wish: hang.wait(60), "folder": breaks, "name": seen_network.name}
    seen = observe(Wish("minikube", domain="localhost"), looks, deadline=0.5)
    hang.set()
    assert seen.machine == Unseen("no answer within 0.5 s")
    assert seen.folder == Unseen("ZeroDivisionError: no")
    assert not isinstance(seen.name, Unseen | None)


def test_mirrors_stand_in_for_the_publishers() -> None:
    open_way = hosts("minikube", "", {})
    assert {"registry-1.docker.io", "quay.io", "dl.k8s.io", "registry.k8s.io"} <= set(open_way)
    mirrored = hosts("current", "registry.hospital.eu/eucaim", {"MININODE_MIRROR": "https://it:PLAINTEXT@mirror.hospital.eu/k8s"})
    assert mirrored == ("mirror.hospital.eu", "registry.hospital.eu")
    assert hosts("rehearsal", "", {}) == ()


def test_the_wish_adds_up_the_volumes() -> None:
    from mininode.cli.site import site_for  # noqa: PLC0415 - as the command does

    wish = wish_for(site_for("micro", None), "minikube", Path("/srv/eucaim"))
    assert (wish.data, wish.data_bytes) == ("/srv/eucaim", 135 * GIB)
    assert [bytes_of(text) for text in ("1Gi", "2G", "3Mi", "1T")] == [GIB, 2 * 10**9, 3 * 2**20, 10**12]
