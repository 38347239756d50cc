"""Looks at a computer before anything is changed on it: facts are gathered side by side, then judged by pure functions."""
