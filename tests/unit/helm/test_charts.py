"""The digest of a chart: names and contents of its files, and nothing else."""

import shutil
from pathlib import Path

import pytest

from mininode.components.registry import charted
from mininode.helm import charts


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "charts/db/templates").mkdir(parents=True)
    (tmp_path / "charts/db/Chart.yaml").write_text("name: db\n")
    (tmp_path / "charts/db/templates/a.yaml").write_text("a: 1\n")
    monkeypatch.setattr(charts, "asset", tmp_path.joinpath)
    return tmp_path / "charts/db"


def test_every_chart_of_ours_has_its_own() -> None:
    found = [charts.chart_digest(name) for name in charted()]
    assert len(set(found)) == len(found)


def test_a_changed_a_moved_and_a_new_file_show(tree: Path) -> None:
    seen = [charts.chart_digest("db")]
    (tree / "templates/a.yaml").write_text("a: 2\n")
    seen.append(charts.chart_digest("db"))
    (tree / "templates/a.yaml").rename(tree / "templates/b.yaml")
    seen.append(charts.chart_digest("db"))
    (tree / "templates/c.yaml").touch()
    seen.append(charts.chart_digest("db"))
    (tree / "templates/c.yaml").rename(tree / "c.yaml")
    seen.append(charts.chart_digest("db"))
    assert len(set(seen)) == len(seen)


def test_content_can_not_wander_from_one_file_to_the_next(tree: Path) -> None:
    (tree / "templates/a.yaml").write_text("a: 1\nb: 2\n")
    (tree / "templates/b.yaml").write_text("c: 3\n")
    before = charts.chart_digest("db")
    (tree / "templates/a.yaml").write_text("a: 1\n")
    (tree / "templates/b.yaml").write_text("b: 2\nc: 3\n")
    assert charts.chart_digest("db") != before


def test_a_copy_elsewhere_with_links_resolved_is_the_same_chart(tree: Path) -> None:
    shared = tree.parent / "common.tpl"
    shared.write_text("shared\n")
    (tree / "templates/_common.tpl").symlink_to(shared)
    before = charts.chart_digest("db")
    shutil.copytree(tree, tree.parent / "copy")  # copies what links point to
    assert not (tree.parent / "copy/templates/_common.tpl").is_symlink()
    assert charts.chart_digest("copy") == before
    shared.write_text("changed\n")
    assert charts.chart_digest("db") != before
