"""The commit in records: this project's, marked if code was changed, or unknown."""

import subprocess
from pathlib import Path

import pytest

from experiments.lib import provenance
from experiments.lib.provenance import CHANGED, UNKNOWN, commit

HERE = Path(provenance.__file__).relative_to(provenance.ROOT)


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(root), *who, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path) -> Path:
    """A repository that tracks a file of library, experiments and results each."""
    for name in ("l2c_jax/a.py", HERE, "experiments/results/table1.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "all")
    return tmp_path


def test_the_commit_is_that_of_the_project(project):
    assert commit(project) == git(project, "rev-parse", "--short=12", "HEAD")


@pytest.mark.parametrize("name", ["l2c_jax/a.py", HERE])
def test_a_change_of_library_or_experiments_is_marked(project, name):
    (project / name).write_text("2\n")
    assert commit(project).endswith(CHANGED)


def test_new_records_are_no_change(project):
    (project / "experiments/results/table1.json").write_text("2\n")
    assert not commit(project).endswith(CHANGED)


def test_another_project_around_the_package_is_unknown(project):
    inner = project / "venv"
    (inner / HERE).parent.mkdir(parents=True)
    (inner / HERE).write_text("1\n")
    assert commit(inner) == UNKNOWN


def test_no_repository_is_unknown(tmp_path):
    (tmp_path / HERE).parent.mkdir(parents=True)
    (tmp_path / HERE).write_text("1\n")
    assert commit(tmp_path) == UNKNOWN
