"""The errors of mininode, few, and each tells its reader what to do.

MininodeError            anything a user is told: what was found, where, what to do
├── ConfigError          the configuration is wrong: every mistake at once, nothing was changed       exit 2
├── NotThereYet          the node did not reach what was asked for (in time, or at all)                exit 3
├── Unavailable          something outside is missing: a tool, a cluster, a right                      exit 4
│   ├── ToolError        a tool could not be had or does not run
│   └── KubeError        the Kubernetes API answered with an error (code, reason)
└── HelmError            a Helm command failed (kind, last useful lines)                               exit 1

Everything else that is raised is a bug of ours; the command line says so and names the file with the details.
"""

import enum
from dataclasses import dataclass
from http import HTTPStatus


class Exit(enum.IntEnum):
    """Exit codes of every command, documented in docs/cli.md."""

    DONE = 0  # what was asked for is true
    FAILED = 1  # it was tried and failed, or a bug
    BAD_INPUT = 2  # nothing was changed
    NOT_THERE_YET = 3  # the node is not (yet) what was asked for
    UNAVAILABLE = 4  # a tool, a cluster or a right is missing
    INTERRUPTED = 130


class MininodeError(Exception):
    """What a user is told: `message` says what was found and where, `advice` what to do."""

    exit_code = Exit.FAILED

    def __init__(self, message: str, advice: str = "", *, reason: str = "Failed") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.reason = reason  # CamelCase: it may end up as the reason of a condition

    def __str__(self) -> str:
        return f"{self.message}\n{self.advice}" if self.advice else self.message


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in somebody's input. `line` and `column` count from 1; 0 where there is no position."""

    where: str  # the field's path as the person wrote it: node.tls.mode
    problem: str  # what was found; never a secret's value
    advice: str = ""
    source: str = ""  # file name
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        position = ":".join(str(part) for part in (self.source, self.line, self.column) if part)
        text = f"{position + ': ' if position else ''}{self.where + ': ' if self.where else ''}{self.problem}"
        return f"{text}. {self.advice}" if self.advice else text


class ConfigError(MininodeError):
    """Bad input, refused before anything was changed; carries every mistake, not the first one."""

    exit_code = Exit.BAD_INPUT

    def __init__(self, mistakes: list[Mistake], advice: str = "") -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes), advice, reason="InvalidSpec")
        self.mistakes = tuple(mistakes)


class NotThereYet(MininodeError):
    """The node did not reach what was asked for."""

    exit_code = Exit.NOT_THERE_YET


class Unavailable(MininodeError):
    """Something outside that is needed is missing."""

    exit_code = Exit.UNAVAILABLE


class ToolError(Unavailable):
    """A tool could not be had, or the one there does not run."""


class KubeError(Unavailable):
    """The Kubernetes API answered with an error, or not at all (code 0)."""

    def __init__(self, message: str, advice: str = "", *, code: int = 0, reason: str = "KubernetesError") -> None:
        super().__init__(message, advice, reason=reason)
        self.code = code

    @property
    def forbidden(self) -> bool:
        """Whether the account lacks the right."""
        return self.code == HTTPStatus.FORBIDDEN

    @property
    def not_found(self) -> bool:
        """Whether there is no such object, or no such kind of object."""
        return self.code == HTTPStatus.NOT_FOUND


class HelmError(MininodeError):
    """A Helm command failed; `message` holds its last useful lines, scrubbed."""

    def __init__(self, message: str, advice: str = "", *, reason: str = "HelmFailed", retry_soon: bool = False) -> None:
        super().__init__(message, advice, reason=reason)
        self.retry_soon = retry_soon  # another Helm command was at work: not a failure of the release
