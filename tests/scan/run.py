"""Scanners of others on what we render and on our own code: checkov and kube-score on every manifest and chart, bandit on the
package, pip-audit on the lock.

usage: run.py

Zero findings, or one with a reason in exceptions.yaml. The scanners live in an environment of their own below the user's cache;
kube-score is compiled. What they know came with them, but for pip-audit: it asks PyPI for known faults of the packages that are
installed at a site. Where it gets no answer, the last lines say what nobody looked at; that is no failure of ours.
"""

import fnmatch
import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.compiled import program

HERE = Path(__file__).parent
TREE = HERE.parents[1]
MANIFESTS = ("manifests", "tests/charts/golden")
RENDERED = ("tests/charts/golden", "manifests/operator")
ALL_WELL = 10  # kube-score's best grade
not_looked_at: list[str] = []  # what a scanner could not see, in sentences


@dataclass(frozen=True)
class Finding:
    scanner: str
    rule: str
    where: str
    text: str


def environment() -> Path:
    """The folder with the scanners' programs; made when the pinned versions are not there yet."""
    pins = (HERE / "requirements.txt").read_bytes()
    home = platformdirs.user_cache_path("mininode") / "scanners" / hashlib.sha256(pins).hexdigest()[:12]
    if not (home / "made").exists():
        print("making an environment for the scanners: about a minute", flush=True)
        venv.create(home, clear=True, with_pip=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(HERE / "requirements.txt")], check=True)
        (home / "made").touch()
    return home / "bin"


def checkov(programs: Path) -> Iterator[Finding]:
    for folder in MANIFESTS:
        command = [str(programs / "checkov"), "--directory", folder, "--framework", "kubernetes"]
        command += ["--quiet", "--compact", "--output", "json"]
        answer = json.loads(scanned(command, {0, 1}))
        reports = answer if isinstance(answer, list) else [answer]
        assert sum(one["summary"]["resource_count"] for one in reports) > 0, f"checkov saw nothing in {folder}"
        for report in reports:
            assert not report["summary"]["parsing_errors"], f"checkov can't read all of {folder}"
            for one in report["results"]["failed_checks"]:
                yield Finding("checkov", one["check_id"], one["resource"].removeprefix("Pod."), one["check_name"])


def bandit(programs: Path) -> Iterator[Finding]:
    command = [str(programs / "bandit"), "--quiet", "--recursive", "operator/mininode", "--format", "json"]
    answer = json.loads(scanned(command, {0, 1}))
    assert answer["metrics"]["_totals"]["loc"] > 0, "bandit saw nothing"
    assert not answer["errors"], answer["errors"]
    for one in answer["results"]:
        yield Finding("bandit", one["test_id"], one["filename"], f"line {one['line_number']}: {one['issue_text']}")


def kube_score(_: Path) -> Iterator[Finding]:
    files = [str(path.relative_to(TREE)) for folder in RENDERED for path in sorted((TREE / folder).glob("*.yaml"))]
    scanner = program(HERE / "kube_score", "github.com/zegl/kube-score/cmd/kube-score", "v1.20.0")
    # Processor time is never capped; that memory is, stays a question.
    command = [str(scanner), "score", "--kubernetes-version", "v1.35", "--ignore-container-cpu-limit", "--output-format", "json"]
    objects = json.loads(scanned([*command, *files], {0, 1}))
    assert len(objects) > len(files), "kube-score saw nothing"
    for one in objects:
        where = f"{one['type_meta']['kind']}.{one['object_meta']['name']}"
        for check in one["checks"]:
            if check["grade"] >= ALL_WELL or check["skipped"]:
                continue
            for comment in check["comments"] or [{"path": "", "summary": check["check"]["comment"]}]:
                yield Finding("kube-score", check["check"]["id"], where, f"{comment['path']} {comment['summary']}".strip())


def pip_audit(programs: Path) -> Iterator[Finding]:
    command = [str(programs / "pip-audit"), "--requirement", "requirements.lock", "--disable-pip", "--require-hashes"]
    command += ["--progress-spinner", "off", "--format", "json"]
    try:
        done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, timeout=300, check=False)
        packages = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError) as error:
        not_looked_at.append(f"pip-audit looked at NO package of requirements.lock: {type(error).__name__}, PyPI gave no answer")
        return
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    if unknown:
        not_looked_at.append(
            f"pip-audit did NOT look at {len(unknown)} of {len(packages)} packages of requirements.lock: "
            f"{next(one['skip_reason'] for one in packages if 'skip_reason' in one)}"
        )
    for one in packages:
        for fault in one.get("vulns", []):
            text = f"{one['name']} {one['version']}, mended in {', '.join(fault['fix_versions']) or 'no version yet'}"
            yield Finding("pip-audit", fault["id"], one["name"], text)


def scanned(command: list[str], fine: set[int]) -> str:
    quiet = os.environ | {"BC_SKIP_MAPPING": "TRUE", "LOG_LEVEL": "ERROR"}  # no questions to checkov's makers
    done = subprocess.run(command, cwd=TREE, env=quiet, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode not in fine:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def main() -> int:
    kept = yaml.safe_load((HERE / "exceptions.yaml").read_text())
    programs = environment()
    found = [one for scanner in (checkov, kube_score, bandit, pip_audit) for one in scanner(programs)]
    used: set[tuple[str, int]] = set()
    wrong = []
    for one in found:
        reasons = [
            number
            for number, entry in enumerate(kept[one.scanner])
            if entry["rule"] == one.rule and entry["reason"] and fnmatch.fnmatch(one.where, entry.get("where", "*"))
        ]
        used |= {(one.scanner, number) for number in reasons}
        if not reasons:
            wrong.append(one)
    for one in wrong:
        print(f"{one.scanner} {one.rule} {one.where}: {one.text}")
    for scanner, entries in kept.items():
        for number, entry in enumerate(entries):
            if (scanner, number) not in used:
                print(f"exceptions.yaml: nothing needs {scanner} {entry['rule']} {entry.get('where', '')} any more")
    for line in not_looked_at:
        print(f"!!! NOT RUN: {line}")
    print(f"{len(found)} findings, {len(found) - len(wrong)} of them with a reason, {len(wrong)} without")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
