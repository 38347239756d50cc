"""What every model of the API is made of: the base class, references to Secrets, CEL rules, and patterns that several share."""

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
KEY_PATTERN = r"^[-._a-zA-Z0-9]+$"
EMAIL_PATTERN = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


def cel(rule: str, message: str) -> JsonDict:
    """A validation rule in the Common Expression Language, as the API server evaluates it; `self` is the model's value."""
    return {"rule": rule, "message": message}


class Model(BaseModel):
    """Camel case outside, snake case inside; unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class SecretKey(Model):
    """One key of a Secret in the node's namespace."""

    name: str = Field(description="Name of the Secret.", pattern=NAME_PATTERN, max_length=63)
    key: str = Field(description="Key inside the Secret.", pattern=KEY_PATTERN, max_length=253)
