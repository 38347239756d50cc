"""From the configuration to what minikube is asked for; folders and drivers by system; the systemd unit."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mininode.api.computer import ALLOWED_ARGUMENTS
from mininode.api.config import SiteConfig, parse_config
from mininode.cluster.minikube.act import create_flags
from mininode.cluster.minikube.paths import DRIVERS, REFUSED, BadFolder, host_folder
from mininode.cluster.minikube.seen import Stored
from mininode.cluster.minikube.unit import Boot, unit
from mininode.cluster.minikube.wish import Machine, Wish, wish
from mininode.errors import ConfigError

MACHINE = Machine("linux", 16, 65536, Path("/home/x/.local/share/mininode/data"))


def site(text: str = "") -> SiteConfig:
    return parse_config(f"{text}\nnode: {{domain: node.hospital.example, profile: micro}}\n", "config.yaml", ())


def asked(text: str = "", machine: Machine = MACHINE) -> Wish:
    return wish(site(text), machine)


@pytest.mark.parametrize(
    ("size", "machine", "cpus", "memory"),
    [
        ("small", MACHINE, 4, 12 * 1024),
        ("medium", MACHINE, 8, 28 * 1024),
        ("large", MACHINE, 16, 60 * 1024),
        ("large", replace(MACHINE, cpus=4, memory=16384), 4, 15360),
        ("small", replace(MACHINE, cpus=2, memory=8192), 2, 7168),
    ],
)
def test_sizes_by_tier_and_never_more_than_there_is(size: str, machine: Machine, cpus: int, memory: int) -> None:
    one = asked(f"computer: {{size: {size}}}", machine)
    assert (one.cpus, one.memory, one.sized) == (cpus, memory, False)


def test_what_is_written_out_goes_before_the_size() -> None:
    one = asked("computer: {cpus: 6, memory: 24Gi, ports: {http: 8080, https: 8443, address: 10.1.2.3}}")
    assert (one.cpus, one.memory, one.sized) == (6, 24576, True)
    assert one.ports == ("10.1.2.3:8080:80", "10.1.2.3:8443:443")


def test_a_wish_survives_the_record() -> None:
    one = asked('computer: {minikube: {startArguments: ["--cni=bridge"]}}')
    assert Wish.from_json(json.loads(json.dumps(one.as_json()))) == one


DANGEROUS = (
    "--extra-config=apiserver.v=9", "--force=true", "--delete-on-failure=true", "--mount-string=/a:/b", "--ports=80:80",
    "--driver=none", "--cnix=bridge", "--kubernetes-version=v1.30.0",
)  # fmt: skip


@pytest.mark.parametrize("argument", DANGEROUS)
def test_dangerous_arguments_are_refused_before_anything(argument: str) -> None:
    with pytest.raises(ConfigError, match="startArguments may hold only these"):
        site(f'computer: {{minikube: {{startArguments: ["{argument}"]}}}}')


@pytest.mark.parametrize("argument", ["cni=bridge", "--cni", "--cni=a b", '--cni=a\\"b', "-c=x"])
def test_arguments_of_another_form_are_refused(argument: str) -> None:
    with pytest.raises(ConfigError):
        site(f"computer: {{minikube: {{startArguments: ['{argument}']}}}}")


def test_same_ports_are_refused() -> None:
    with pytest.raises(ConfigError, match="must be different"):
        site("computer: {ports: {http: 443, https: 443}}")


@pytest.mark.parametrize("name", ALLOWED_ARGUMENTS)
def test_allowed_arguments_are_taken(name: str) -> None:
    assert asked(f'computer: {{minikube: {{startArguments: ["--{name}=x"]}}}}').arguments == (f"--{name}=x",)


FOLDERS = (
    ("linux", "/srv/mininode", "/srv/mininode"),
    ("linux", "/srv//mininode/", "/srv/mininode"),
    ("linux", "/srv/./x", "/srv/x"),
    ("darwin", "/Users/x/mininode/", "/Users/x/mininode"),
    ("windows", "c:\\Users\\x\\mininode\\", "C:\\Users\\x\\mininode"),
    ("windows", "C:/Users/x/mininode", "C:\\Users\\x\\mininode"),
)
BAD = (
    ("linux", "srv"), ("linux", "/"), ("linux", "/a:b"), ("linux", "/a,b"), ("linux", "/a/../b"), ("linux", "/a\nb"),
    ("darwin", "~/x"), ("windows", "\\\\server\\share"), ("windows", "//server/share"), ("windows", "/c/x"), ("windows", "C:\\"),
    ("windows", "C:\\a:b"), ("windows", "x"),
)  # fmt: skip


@pytest.mark.parametrize(("system", "text", "same"), FOLDERS)
def test_a_folder_is_always_the_same_bytes(system: str, text: str, same: str) -> None:
    assert host_folder(text, system) == same
    assert host_folder(same, system) == same


@pytest.mark.parametrize(("system", "text"), BAD)
def test_folders_that_minikube_can_not_take_are_refused(system: str, text: str) -> None:
    with pytest.raises(BadFolder):
        host_folder(text, system)


def test_drivers_on_which_databases_lose_data_are_refused_with_a_reason() -> None:
    assert all(REFUSED.values())
    assert not {driver.name for driver in DRIVERS.values()} & REFUSED.keys()
    assert all(driver.before_kubernetes for driver in DRIVERS.values())


def test_logging_in_is_a_file_that_is_there_from_the_start(tmp_path: Path) -> None:
    assert json.loads(asked().authentication)["jwt"] == []
    authority = tmp_path / "ca.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\n")
    text = f"computer: {{kubernetesLogin: {{enabled: true, certificateAuthorityFile: {authority}}}}}"
    (jwt,) = json.loads(asked(text).authentication)["jwt"]
    assert jwt["issuer"]["url"] == "https://node.hospital.example/auth/realms/EUCAIM-NODE"
    assert jwt["issuer"]["audiences"] == ["kubernetes"]
    assert "BEGIN CERTIFICATE" in jwt["issuer"]["certificateAuthority"]


def test_an_authority_that_can_not_be_read_is_named() -> None:
    with pytest.raises(ConfigError, match="certificateAuthorityFile"):
        asked("computer: {kubernetesLogin: {enabled: true, certificateAuthorityFile: /nowhere/ca.pem}}")


def test_the_first_start_says_everything_and_nothing_that_deletes() -> None:
    flags = create_flags(asked())
    names = {flag.partition("=")[0] for flag in flags}
    assert names >= {"--driver", "--container-runtime", "--kubernetes-version", "--cpus", "--memory", "--mount-string", "--ports"}
    assert not names & {"--force", "--delete-on-failure", "--mount", "--listen-address"}


def test_what_minikube_stores_is_read_whatever_is_missing() -> None:
    assert Stored.of({}) == Stored("", "", "", 0, 0, (), ())
    assert Stored.of({"MountString": "/a:/b"}).mounts == ("/a:/b",)
    assert Stored.of({"ContainerVolumeMounts": None, "KubernetesConfig": None, "ExposedPorts": ["80:80"]}).ports == ("80:80",)


BOOT = Boot(
    user="daemon", python=Path("/bin/sh"), data=Path("/srv/some data"), profile="mininode", system=True,
    environment=(("HOME", "/home/some one"), ("PATH", "/usr/bin:/bin"), ("HTTPS_PROXY", "http://proxy:3128/%20")),
)  # fmt: skip


@pytest.mark.parametrize("system", [True, False])
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path, system: bool) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not there: install the package systemd")
    (tmp_path / "docker.service").write_text("[Service]\nType=oneshot\nExecStart=/bin/true\n")
    file = tmp_path / "mininode.service"
    file.write_text(unit(replace(BOOT, system=system)))
    done = subprocess.run(
        [program, "verify", *([] if system else ["--user"]), "--man=no", str(file)],
        capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{tmp_path}:",
        "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
    )  # fmt: skip
    assert "mininode.service" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


def test_the_unit_waits_for_engine_and_disk_and_is_no_loop() -> None:
    text = unit(BOOT)
    assert "Requires=docker.service" in text
    assert 'RequiresMountsFor="/srv/some data"' in text
    assert "Restart=" not in text
    assert "%%20" in text
    assert "User=" not in unit(replace(BOOT, system=False))
