"""From a spec to what is to be done: pure functions over values."""
