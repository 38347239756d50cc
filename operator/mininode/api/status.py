"""What the operator found: the status of a node, as the CRD stores it."""

import enum

from pydantic import Field

from mininode.api.model import Model


class Truth(enum.StrEnum):
    """Status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Gate(enum.StrEnum):
    """What is known of a component's gate."""

    PENDING = "Pending"
    HELD = "Held"
    SIMULATED = "Simulated"


class Condition(Model):
    """One observed fact about the node."""

    type: str = Field(description="What the fact is about.", max_length=63)
    status: Truth = Field(description="Whether it holds.")
    observed_generation: int = Field(description="Generation of the spec that this was observed for.", ge=0)
    last_transition_time: str = Field(
        "", description="When the status last changed.", json_schema_extra={"format": "date-time"}
    )
    reason: str = Field(description="One word for programs; docs/spec.md lists them.", max_length=63)
    message: str = Field(description="A sentence for people.", max_length=2048)


class Attempt(Model):
    """One thing that was done for a component."""

    time: str = Field(description="When it ended.", json_schema_extra={"format": "date-time"})
    action: str = Field(description="What was done.", max_length=32)
    outcome: str = Field(description="`Succeeded`, or the reason of the failure.", max_length=63)
    digest: str = Field("", description="Digest of the inputs it was done with.", max_length=63)
    revision: int = Field(0, description="Revision of the Helm release afterwards, where it is known.", ge=0)
    chart_version: str = Field("", description="Version of the chart it was done with.", max_length=63)


class ComponentStatus(Model):
    """What the operator found for one component; itself a condition, with the release it is about."""

    name: str = Field(description="Name of the component.", max_length=63)
    ready: Truth = Field(
        description="Whether the component's gate holds. Unknown while work goes on or pods are simulated."
    )
    reason: str = Field(description="One word for programs; docs/spec.md lists them.", max_length=63)
    message: str = Field(
        description="A sentence for people: what it waits for, or what went wrong and what to do.", max_length=2048
    )
    observed_generation: int = Field(description="Generation of the spec that this was observed for.", ge=0)
    last_transition_time: str = Field(
        "", description="When `ready` last changed.", json_schema_extra={"format": "date-time"}
    )
    release: str = Field("", description="Name of the Helm release.", max_length=63)
    revision: int = Field(0, description="Revision of the Helm release; 0 when there is none.", ge=0)
    digest: str = Field("", description="Digest of the inputs that the release was made from.", max_length=63)
    wanted: str = Field("", description="Digest of the inputs that the spec asks for.", max_length=63)
    gate: Gate = Field(Gate.PENDING, description="What is known of the component's gate, for this digest and revision.")
    attempts: tuple[Attempt, ...] = Field(
        (), description="The last things that were done, the newest first.", max_length=5
    )
    failures: int = Field(0, description="Attempts that failed in a row for the digest now wanted.", ge=0)


class NodeStatus(Model):
    """What the operator found. Written by the operator only."""

    observed_generation: int = Field(0, description="Generation of the spec that this status is about.", ge=0)
    conditions: tuple[Condition, ...] = Field(
        (),
        description="Facts about the node as a whole.",
        json_schema_extra={"x-kubernetes-list-map-keys": ["type"]},
        max_length=16,
    )
    components: tuple[ComponentStatus, ...] = Field(
        (),
        description="One entry a component.",
        json_schema_extra={"x-kubernetes-list-map-keys": ["name"]},
        max_length=32,
    )
    components_summary: str = Field(
        "", description="Components whose gate held, or was simulated, of all: `4/4`.", max_length=16
    )
    version: str = Field("", description="Version of the operator that wrote this.", max_length=63)
    last_handled_reconcile_at: str = Field(
        "", description="Value of the annotation `requestedAt` that the operator acted on last.", max_length=63
    )
    kept: tuple[str, ...] = Field(
        (), description="What stayed of components that were removed: `component: Kind name`.", max_length=256
    )

    def condition(self, kind: str) -> Condition | None:
        """The condition of this type, if it was reported."""
        return next((condition for condition in self.conditions if condition.type == kind), None)
