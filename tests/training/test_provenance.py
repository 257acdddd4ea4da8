"""Commits are reported only of the repository that tracks this code."""

import os
import shutil
import subprocess
from pathlib import Path

import jax
import pytest

from l2c_jax.training import provenance as module
from l2c_jax.training.provenance import provenance, versions

GIT = {
    **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
    **{f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", folder, *arguments], env=GIT, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path) -> Path:
    """A repository of another project, in which a copy of the package is not tracked."""
    root = tmp_path / "project"
    package = root / "l2c_jax"
    (package / "training").mkdir(parents=True)
    shutil.copy(module.__file__, package / "training" / "provenance.py")
    (root / "main.py").write_text("print('another project')\n")
    git(root, "init", "-q")
    git(root, "add", "main.py")
    git(root, "commit", "-q", "-m", "another project")
    return package


def commit_all(package: Path) -> str:
    git(package.parent, "add", "-A")
    git(package.parent, "commit", "-q", "-m", "all")
    return git(package, "rev-parse", "--short=12", "HEAD")


def test_the_commit_of_another_project_is_not_reported(package):
    assert provenance(package)["commit"] == "unknown"


def test_an_ignored_copy_is_not_reported(package):
    (package.parent / ".gitignore").write_text("l2c_jax/\n")
    commit_all(package)
    assert provenance(package)["commit"] == "unknown"


def test_without_a_repository_the_commit_is_unknown(tmp_path):
    assert provenance(tmp_path)["commit"] == "unknown"


def test_without_git_the_commit_is_unknown(package, monkeypatch):
    commit_all(package)
    monkeypatch.setenv("PATH", "")
    assert provenance(package)["commit"] == "unknown"


def test_before_the_first_commit_it_is_unknown(package):
    git(package.parent, "update-ref", "-d", "HEAD")
    git(package.parent, "add", "-A")
    assert provenance(package)["commit"] == "unknown"


def test_the_commit_of_the_tracked_package_is_reported(package):
    commit = commit_all(package)
    assert provenance(package)["commit"] == commit


def test_the_environment_of_a_hook_does_not_redirect(package, tmp_path, monkeypatch):
    commit = commit_all(package)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert provenance(package)["commit"] == commit


@pytest.mark.parametrize(
    ("name", "marked"),
    [
        ("l2c_jax/training/provenance.py", True),
        ("l2c_jax/new.py", True),
        ("experiments/lib/runner.py", True),
        ("experiments/new.py", True),
        ("experiments/results/table.json", False),
        ("main.py", False),
    ],
)
def test_changes_of_the_code_are_marked(package, name, marked):
    root = package.parent
    (root / "experiments" / "lib").mkdir(parents=True)
    (root / "experiments" / "results").mkdir()
    (root / "experiments" / "lib" / "runner.py").write_text("1\n")
    (root / "experiments" / "results" / "table.json").write_text("1\n")
    commit = commit_all(package)
    with (root / name).open("a") as file:
        file.write("# changed\n")
    assert provenance(package)["commit"] == commit + " (changed)" * marked


def test_only_the_folders_given_are_compared(package):
    root = package.parent
    (root / "experiments").mkdir()
    (root / "experiments" / "run.py").write_text("1\n")
    commit = commit_all(package)
    (root / "experiments" / "run.py").write_text("2\n")
    assert provenance(package, [package])["commit"] == commit
    assert provenance(package, [root / "experiments"])["commit"] == f"{commit} (changed)"


def test_device_and_versions_are_named(package):
    assert provenance(package)["device"].endswith(f" x{jax.device_count()}")
    assert versions().keys() == {"python", "l2c_jax", "jax", "jaxlib", "optax", "numpy"}
