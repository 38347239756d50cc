"""The faults of the installer before us, one test each, by their number in the study of it (74, EUCAIM/mini-node at 91939be).

A fault is checked here (`Checked`), shown to be gone by tests elsewhere that this file pins by name (`Shown`), or belongs to a part
that this version has not (`NotHere`: the test fails as soon as the part comes, and wants a row of its own then).

Behaviour is shown by running it. Where a check here searches sources, the fault was a text (an address, a path, a switched-off
verification) that no run can show to be absent; its docstring says so.
"""

import ast
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mininode.api.config import parse_config, parse_spec, warnings
from mininode.api.spec import NodeSpec
from mininode.components.registry import all_components
from mininode.credentials.store import fresh
from mininode.errors import ConfigError

TREE = Path(__file__).parents[3]
PACKAGE = TREE / "operator" / "mininode"
GOLDEN = TREE / "tests" / "charts" / "golden"
NAMES = tuple(all_components())
SOURCES = {path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


def rendered() -> Iterator[dict[str, Any]]:
    """Every object of every reviewed rendering."""
    for path in sorted(GOLDEN.glob("*.yaml")):
        yield from (one for one in yaml.safe_load_all(path.read_text("utf-8")) if isinstance(one, dict))


def holders(pattern: str) -> set[str]:
    """The files of the package that have this in them."""
    return {name for name, text in SOURCES.items() if re.search(pattern, text)}


def refuses(text: str) -> list[str]:
    """Where the mistakes of a configuration are."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "config.yaml", NAMES)
    return [one.where for one in caught.value.mistakes]


# -- running it again


def no_priority_class_is_made_or_used() -> None:
    """Its value can't be changed later: whoever comes second has none of his own. A node makes none, and uses none."""
    objects = list(rendered())
    assert len(objects) > 50
    assert [one["metadata"]["name"] for one in objects if one["kind"] == "PriorityClass"] == []
    assert [one["metadata"]["name"] for one in objects if "'priorityClassName'" in str(one)] == []


def every_function_is_defined_once() -> None:
    """A fault of text: the second definition silently won."""
    for name, text in SOURCES.items():
        defined = [one.name for one in ast.parse(text).body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
        assert len(defined) == len(set(defined)), name


def no_code_is_commented_out() -> None:
    """A fault of text."""
    line = re.compile(r"^\s*#\s*(if .*:|for .*:|def .*:|return\b.*\(.*|\w+\(.*\)|\w+ = .*\(.*)$", re.MULTILINE)
    assert {name: line.findall(text) for name, text in SOURCES.items() if len(line.findall(text)) > 3} == {}


# -- errors


def acme_without_a_contact_is_possible_and_a_reserved_name_is_doubted() -> None:
    spec = NodeSpec.model_validate({"domain": "node.hospital.example"})
    assert [one.where for one in warnings(spec)] == ["domain", "tls.mode"]


def a_name_that_leads_nowhere_is_no_default_address() -> None:
    from mininode.preflight.facts import Name  # noqa: PLC0415 - of this check only
    from mininode.preflight.judge_network import judge_name  # noqa: PLC0415
    from mininode.preflight.wish import Wish  # noqa: PLC0415

    assert judge_name(Name("n.hospital.eu", (), (), "unknown"), Wish("minikube", domain="n.hospital.eu")).level == "fail"


# -- surroundings


def no_site_of_others_is_wired_in() -> None:
    """A fault of text: no run shows that an address is nowhere. The names that are left are the dataset service's own claims."""
    named = holders(r"\bupv\.es\b|chaimeleon|i3m")
    assert {name for name in named if "secret" not in name} <= {
        "components/dataset_service.py",
        "api/example.py",
        "cli/upstream_keys.py",
    }


def no_machine_is_named() -> None:
    assert [one["metadata"]["name"] for one in rendered() if "nodeName" in str((one.get("spec") or {}).get("template"))] == []


def a_data_folder_is_taken_as_written() -> None:
    spec = parse_spec({"domain": "n.hospital.eu", "storage": {"hostPath": "/home/ubuntu/data"}}, NAMES)
    assert spec.storage.host_path == "/home/ubuntu/data"
    assert refuses("node: {domain: n.hospital.eu, storage: {hostPath: ../data}}\n") == ["node.storage.hostPath"]


def no_path_of_a_home_is_wired_in() -> None:
    """A fault of text; that everything works in a home elsewhere is what tests/cli does in every test."""
    assert holders(r"/home/(ubuntu|\w+)/|~/mini-node") <= {"api/example.py", "cli/upstream_keys.py"}


def nothing_is_installed_on_the_machine() -> None:
    """A fault of text: such commands stand in advice only, never in what is run."""
    asks = holders(r"\b(apt-get|apt|dnf|yum) install|pip3? install")
    assert all("subprocess" not in line or "install" not in line for name in asks for line in SOURCES[name].splitlines())


def python_packages_are_locked_by_hash() -> None:
    lock = (TREE / "requirements.lock").read_text("utf-8")
    assert lock.count("==") > 20
    assert lock.count("--hash=sha256:") >= lock.count("==")


def the_configuration_is_found_and_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mininode.cli.main", "config", "check", "--config", "/nowhere/x.yaml"],
        capture_output=True, text=True, timeout=60, check=False, cwd=TREE / "operator",
    )  # fmt: skip
    assert done.returncode == 2
    assert "/nowhere/x.yaml" in done.stderr


# -- security


def secrets_can_not_be_written_into_the_configuration() -> None:
    text = "node: {domain: n.hospital.eu, components: {keycloak: {values: {adminPassword: PLAINTEXT}}}}\n"
    assert refuses(text) == ["node.components.keycloak.values.adminPassword"]


def passwords_can_not_be_told_in_advance() -> None:
    """Whoever knows the state of Python's generator, as upstream's passwords came from it, knows nothing of ours."""
    made = []
    for _ in range(2):
        random.seed(74)
        made.append([fresh(32) for _ in range(20)])
    assert set(made[0]).isdisjoint(made[1])
    assert len(set(made[0])) == 20


def images_are_pinned() -> None:
    images = yaml.safe_load((TREE / "images.lock.yaml").read_text("utf-8"))["images"]
    assert all(str(one["tag"]) not in ("latest", "develop", "") for one in images.values())


@dataclass(frozen=True)
class Checked:
    by: Callable[[], None]


@dataclass(frozen=True)
class Shown:
    by: tuple[str, ...]  # file::test below tests/

    def __init__(self, *by: str) -> None:
        object.__setattr__(self, "by", by)


@dataclass(frozen=True)
class NotHere:
    component: str


Proof = Checked | Shown | NotHere
FAULTS: dict[int, tuple[str, Proof]] = {
    1: ("the data root is deleted in every run", Shown("minikube/test_remade.py::test_deleted_and_made_again_it_has_the_same_data_and_passwords", "charts/test_volumes.py::test_data_stays_as_it_is_and_nobody_else_may_write_to_it")),
    2: ("all claims of Keycloak are deleted in every run", Shown("control_plane/test_upstream_faults.py::test_fault_02_no_claim_is_deleted_by_a_further_run")),
    3: ("finalizers of volumes are stripped", Shown("control_plane/test_upstream_faults.py::test_fault_03_what_somebody_holds_on_to_is_not_torn_away")),
    4: ("the exit code of wc is taken for a count", Shown("control_plane/test_upstream_faults.py::test_fault_04_no_release_is_taken_away_by_a_further_run")),
    5: ("a password is made anew while the database stays", Shown("control_plane/test_changes.py::test_a_component_that_is_switched_off_goes_and_comes_back_with_its_password")),
    6: ("a Secret is deleted, then created", Shown("control_plane/test_upstream_faults.py::test_fault_06_no_secret_is_deleted_to_be_made_anew")),
    7: ("a folder is emptied before the new content is there", Shown("unit/toolbox/test_download.py::test_a_killed_download_leaves_nothing_that_looks_finished")),
    8: ("Deployments are deleted to refresh them", Shown("control_plane/test_upstream_faults.py::test_fault_08_nothing_that_serves_is_deleted_to_be_refreshed")),
    9: ("the Beam key can never be replaced", NotHere("federated-search")),
    10: ("no backup of any database", Shown("minikube/test_remade.py::test_deleted_and_made_again_it_has_the_same_data_and_passwords")),
    11: ("client secrets change with every run", Shown("services/test_reconcile.py::test_second_pass_writes_nothing_by_keycloaks_own_count")),
    12: ("a token file that is not there stops the API server", Shown("minikube/test_life.py::test_fault_12_the_api_server_is_told_the_same_in_every_life", "unit/cluster/minikube/test_wish.py::test_the_first_start_says_everything_and_nothing_that_deletes")),
    13: ("the signing key's id is pinned", Shown("services/test_reconcile.py::test_current_signing_key_is_recorded_and_a_rotation_is_seen")),
    14: ("a changed ConfigMap restarts nobody", Shown("control_plane/test_upstream_faults.py::test_fault_14_a_changed_configuration_starts_anew_whoever_reads_it")),
    15: ("files are copied to a folder that is not the volume", Shown("control_plane/test_storage.py::test_claims_of_a_node_bind_to_its_own_folders")),
    16: ("a bootstrap script with a syntax error", Shown("charts/test_scripts.py::test_the_first_run_makes_tables_and_leaves_no_default_password")),
    17: ("provider and broker are only printed", NotHere("federated-search")),
    18: ("a section of the configuration is never read", Shown("unit/api/test_config.py::test_every_mistake_is_told_with_its_place")),
    19: ("tracked files are edited in place", Shown("cli/test_upstream_faults.py::test_fault_19_no_file_of_the_source_is_written")),
    20: ("every address in a manifest is rewritten by pattern", Shown("charts/test_contracts.py::test_issuer_is_the_same_everywhere")),
    21: ("every foreign host name is replaced", Shown("charts/test_rendering.py::test_it_renders_what_was_reviewed")),
    22: ("a replacement by exact text silently does nothing", Shown("charts/test_rendering.py::test_a_value_that_means_nothing_is_refused")),
    23: ("a changed password never reaches those who are there", Shown("charts/test_scripts.py::test_a_changed_password_is_carried_out_and_stays_out_of_the_log")),
    24: ("two owners of one priority class", Checked(no_priority_class_is_made_or_used)),
    25: ("a database password is changed after a race with its restart", Shown("charts/test_scripts.py::test_the_superuser_s_password_is_the_secret_s_again_and_stays_out_of_the_log")),
    26: ("a certificate is restored with the server's metadata", Shown("unit/credentials/test_kept.py::test_objects_come_back_as_they_were")),
    27: ("the TLS backup is never refreshed", Shown("unit/components/test_certificate.py::test_the_certificate_is_issued_anew_at_two_thirds_of_its_life_by_the_same_authority")),
    28: ("a function is defined twice", Checked(every_function_is_defined_once)),
    29: ("130 lines of code are commented out", Checked(no_code_is_commented_out)),
    30: ("success is printed whatever happened", Shown("unit/engine/test_report.py::test_nothing_simulated_nothing_unproven_is_ever_called_ready")),
    31: ("14 waits are ignored", Shown("unit/engine/test_work.py::test_a_gate_that_never_holds_is_tried_as_often_as_anything_and_then_given_up")),
    32: ("an empty list of pods counts as running", Shown("unit/engine/test_health.py::test_a_workload")),
    33: ("a database that is never ready does not stop what needs it", Shown("unit/engine/test_look.py::test_installed_is_not_enough_the_gate_must_hold")),
    34: ("a missing plugin that gates the login is a warning", Shown("charts/test_rendering.py::test_only_images_of_the_lock_file_run")),
    35: ("a failed build of the interface is ignored", Shown("charts/test_rendering.py::test_only_images_of_the_lock_file_run")),
    36: ("blanket handlers", Shown("cli/test_main.py::test_a_fault_of_ours_is_a_sentence_and_a_file", "control_plane/engine/test_failures.py::test_an_install_that_the_cluster_refuses_is_retried_counted_given_up_and_taken_up_again")),
    37: ("no address, no certificate, “success”", Checked(acme_without_a_contact_is_possible_and_a_reserved_name_is_doubted)),
    38: ("running is taken for ready", Shown("unit/engine/test_look.py::test_installed_is_not_enough_the_gate_must_hold")),
    39: ("a loop ends silently", Shown("unit/engine/test_work.py::test_a_gate_that_never_holds_is_tried_as_often_as_anything_and_then_given_up")),
    40: ("exit codes are dropped", Shown("unit/helm/test_process.py::test_a_failure_is_its_last_useful_lines")),
    41: ("empty certificates get past a check", NotHere("federated-compute")),
    42: ("failures are warnings, then “applied successfully”", Shown("control_plane/engine/test_failures.py::test_an_install_that_the_cluster_refuses_is_retried_counted_given_up_and_taken_up_again")),
    43: ("an error gives a default address", Checked(a_name_that_leads_nowhere_is_no_default_address)),
    44: ("applying again without validation", Shown("control_plane/test_upstream_faults.py::test_fault_44_what_the_api_does_not_know_is_refused_and_not_dropped")),
    45: ("registries and domains of one site are wired in", Checked(no_site_of_others_is_wired_in)),
    46: ("the API's port is wired in", Shown("control_plane/test_install.py::test_micro_is_rehearsed_in_the_order_of_its_needs")),
    47: ("pods reach the public name only by hairpin", Shown("charts/test_contracts.py::test_issuer_is_the_same_everywhere")),
    48: ("nothing comes back after a restart of the machine", Shown("minikube/test_power.py::test_after_a_reboot_everything_is_there", "unit/cluster/minikube/test_wish.py::test_systemd_finds_nothing_wrong_with_the_unit")),
    49: ("a job asks for 7 processors and 60 GB", NotHere("batch")),
    50: ("the machine must be called minikube", Checked(no_machine_is_named)),
    51: ("the data folder is rewritten to the caller's home", Checked(a_data_folder_is_taken_as_written)),
    52: ("a fixed folder in the home", Checked(no_path_of_a_home_is_wired_in)),
    53: ("apt inside the machine", Checked(nothing_is_installed_on_the_machine)),
    54: ("the storage class depends on the profile", Shown("charts/test_contracts.py::test_sizes_and_class_come_from_the_spec")),
    55: ("cert-manager is overwritten", NotHere("cert-manager")),
    56: ("grep for an addon matches another", Shown("unit/cluster/minikube/test_observe.py::test_fault_56_what_only_has_our_name_in_its_own_is_not_ours")),
    57: ("a port-forward to a fixed port, three seconds", Shown("unit/components/test_gates.py::test_guacamole_holds_and_leaves_no_session_behind")),
    58: ("undeclared Python packages", Checked(python_packages_are_locked_by_hash)),
    59: ("a chart from one registry only", Shown("unit/helm/test_charts.py::test_every_chart_of_ours_has_its_own")),
    60: ("charts of a catalogue that has moved", Shown("unit/helm/test_charts.py::test_every_chart_of_ours_has_its_own")),
    61: ("the configuration is looked for in the current folder only", Checked(the_configuration_is_found_and_named)),
    62: ("no proxy, no authority, no mirror", Shown("unit/preflight/test_seen.py::test_a_proxy_that_is_not_there_is_told_from_one_that_blocks", "charts/test_rendering.py::test_every_image_comes_from_the_mirror")),
    63: ("cluster-admin for a job, with a token that never ends", Shown("control_plane/test_rights.py::test_no_wildcard_and_no_way_to_more_rights")),
    64: ("secrets in plain files", Checked(secrets_can_not_be_written_into_the_configuration)),
    65: ("passwords from a predictable generator", Checked(passwords_can_not_be_told_in_advance)),
    66: ("chmod 777", Shown("charts/test_volumes.py::test_folders_get_their_owners_and_modes_and_a_second_run_changes_nothing")),
    67: ("registration without mail, no administrator", Shown("unit/realm/test_desired.py::test_without_a_mail_server_nobody_is_asked_to_wait_for_a_message")),
    68: ("every address to come back to, implicit flow", Shown("unit/realm/test_desired.py::test_no_client_takes_passwords_from_applications_or_every_address")),
    69: ("artefacts without checksum", Checked(images_are_pinned)),
    70: ("user names collide", Shown("unit/realm/test_desired.py::test_two_addresses_never_make_one_administrator")),
    71: ("an administrator's name that anybody may register", Shown("unit/realm/test_desired.py::test_user_name_of_an_administrator_is_one_that_the_profile_takes")),
    72: ("verification of certificates is off", Shown("charts/test_trust.py::test_java_believes_the_public_name_by_the_chart_s_options", "unit/preflight/test_seen.py::test_a_certificate_that_is_not_trusted_is_told_from_a_host_that_is_away")),
    73: ("no network policy, no Pod Security", Shown("charts/test_security.py::test_nothing_that_restricted_refuses_is_an_exception")),
    74: ("secrets in arguments and logs", Shown("cli/test_upstream_faults.py::test_fault_74_no_secret_is_in_an_argument", "cli/test_upstream_faults.py::test_fault_74_no_secret_is_in_a_log_or_on_a_screen")),
}  # fmt: skip


@pytest.mark.parametrize("number", FAULTS, ids=[f"fault-{number:02}" for number in FAULTS])
def test_fault(number: int) -> None:
    match FAULTS[number][1]:
        case Checked(by):
            by()
        case Shown(by):
            for one in by:
                file, _, name = one.partition("::")
                text = (TREE / "tests" / file).read_text("utf-8")
                assert f"def {name}(" in text, f"{one} shows that fault {number} is gone, and is not there"
        case NotHere(component):
            assert component not in NAMES, f"{component} has come: fault {number} needs a test of its own now"


def test_every_fault_of_the_study_has_its_row() -> None:
    assert list(FAULTS) == list(range(1, 75))
