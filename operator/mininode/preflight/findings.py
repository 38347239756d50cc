"""What a check says: a level, what was found, the evidence, and the command that puts it right."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Level(enum.StrEnum):
    """How much a finding weighs. Only `fail` stops an installation."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's answer."""

    check: str
    level: Level
    problem: str  # what was found, in a sentence; with level ok, what is right
    evidence: str = ""  # the figures or words that it rests on, and where they were read
    fix: str = ""  # a command, or what to ask whom for


def ok(check: str, problem: str, evidence: str = "") -> Finding:
    """All is well."""
    return Finding(check, Level.OK, problem, evidence)


def warn(check: str, problem: str, evidence: str, fix: str) -> Finding:
    """It works, and yet somebody should know."""
    return Finding(check, Level.WARN, problem, evidence, fix)


def fail(check: str, problem: str, evidence: str, fix: str) -> Finding:
    """An installation would fail, or do harm."""
    return Finding(check, Level.FAIL, problem, evidence, fix)


def failing(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that stop an installation."""
    return tuple(one for one in findings if one.level is Level.FAIL)
