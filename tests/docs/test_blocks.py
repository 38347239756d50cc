"""The reader of documents: it finds every command, and a script of them stops where one fails."""

import subprocess
from pathlib import Path

from tests.docs.blocks import Block, blocks, script

TEXT = """\
# Page
<!-- setup: echo hello > greeting -->

1. Look:

   <!-- run -->
   ```console
   $ cat greeting
   hello
   $ export WHO=world; \\
     cat greeting
   ```

<!-- run: exit 0 or 4 -->
```console
$ (exit 4)
```

<!-- not run: needs a cluster -->
```console
$ kubectl get nodes
```

```console
$ nobody said
```

- As a file:

  <!-- file: config.yaml -->
  ```yaml
  node:
    domain: $HOME
  ```

<!-- run on minikube -->
```console
$ mininode cluster stop
```
"""


def test_every_block_is_found_with_its_mark() -> None:
    assert blocks(TEXT) == [
        Block(2, ("echo hello > greeting",), runs=True),
        Block(7, ("cat greeting", "export WHO=world; \\\ncat greeting"), runs=True),
        Block(15, ("(exit 4)",), runs=True, codes=(0, 4)),
        Block(20, ("kubectl get nodes",), runs=False, reason="needs a cluster"),
        Block(24, ("nobody said",), runs=False),
        Block(31, ("cat > config.yaml <<'END-OF-FILE'\nnode:\n  domain: $HOME\nEND-OF-FILE",), runs=True),
        Block(37, ("mininode cluster stop",), runs=False, reason="run by tests/minikube/test_documents.py", on_minikube=True),
    ]


def bash(text: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["bash"], input=script(blocks(text)), capture_output=True, text=True, check=False, timeout=30, cwd=folder)


def test_they_are_run_in_one_shell(tmp_path: Path) -> None:
    done = bash(TEXT, tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("hello\n") >= 2
    assert done.stdout.endswith(":: done\n")
    assert (tmp_path / "config.yaml").read_text() == "node:\n  domain: $HOME\n"


def test_it_stops_at_the_first_that_fails_and_names_it(tmp_path: Path) -> None:
    done = bash("<!-- run -->\n```console\n$ true\n$ (exit 3)\n$ echo never\n```\n", tmp_path)
    assert done.returncode == 1
    assert ":: line 2: (exit 3)\n:: exit 3\n" in done.stdout
    assert "\nnever\n" not in done.stdout
