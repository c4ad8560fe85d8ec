"""The demo's tools really run, on the scratch project and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnout.demo.tools import execute, make_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_project(tmp_path)
    return tmp_path


def test_the_project_is_two_python_files(project: Path) -> None:
    assert sorted(path.name for path in project.iterdir()) == ["cart.py", "test_cart.py"]


def test_reading_a_file(project: Path) -> None:
    assert "def total" in execute("read_file", {"path": "cart.py"}, project).text


def test_the_projects_tests_really_run_and_fail_as_the_story_says(project: Path) -> None:
    result = execute("run_command", {"command": "python -m unittest -q"}, project)
    assert "190 != 180" in result.text
    assert result.text.endswith("(exit code 1)")
    assert not result.failed


def test_the_mend_that_the_story_proposes_is_right(project: Path) -> None:
    cart = project / "cart.py"
    cart.write_text(cart.read_text().replace("sum(prices) - discount", "sum(prices) * (1 - discount / 100)"))
    assert "(exit code 0)" in execute("run_command", {"command": "python -m unittest -q"}, project).text


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("read_file", {"path": "../secret"}, "outside the project"),
        ("read_file", {"path": "/etc/passwd"}, "outside the project"),
        ("read_file", {"path": "nothing.py"}, "cannot be read"),
        ("run_command", {"command": "rm -rf ."}, "Only Python can be run here"),
        ("run_command", {"command": ""}, "Only Python can be run here"),
        ("read_file", {"file": "cart.py"}, "no tool read_file that takes file"),
        ("fly", {}, "no tool fly that takes nothing"),
    ],
)
def test_what_cannot_be_done_is_told_to_the_model(
    project: Path, name: str, arguments: dict[str, object], told: str
) -> None:
    result = execute(name, arguments, project)
    assert result.failed
    assert told in result.text
