"""A few thousand of the 100,000 configurations with mistakes of `make fuzz`, in each run."""

import pytest
from tests.fuzz.configs import SECRET, mutated, run

PART = 500
WHOLE = 2500


@pytest.mark.parametrize("first", range(1, WHOLE, PART))
def test_each_is_accepted_or_refused_with_advice(first: int) -> None:
    tally = run(first, PART)
    assert tally.wrong == []
    assert tally.accepted + tally.refused == PART
    assert tally.refused > PART // 2, "most of them have a mistake that is to be seen"
    assert tally.accepted > 0, "some of them are right all the same"


def test_a_seed_is_a_configuration_and_secrets_are_among_them() -> None:
    assert mutated(7) == mutated(7)
    assert any(SECRET.encode() in (text if isinstance(text, bytes) else text.encode()) for text in map(mutated, range(50)))
