"""Builds the wheel, installs it alone in a fresh environment, and uses what was installed.

Not a pytest file: ``make test`` runs it after the tests. The environment borrows the
dependencies of the one that runs this, so that nothing is fetched.
"""

import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHECK = """
import importlib.metadata, pathlib, sys
import l2c_jax
from l2c_jax import load_learner, pretrained_weights
package = pathlib.Path(l2c_jax.__file__).parent
assert pathlib.Path(sys.prefix) in package.parents, f"not the installed package: {package}"
assert (package / "py.typed").exists(), "py.typed is missing"
for name in ("demo", "universal"):
    assert name in pretrained_weights(), f"the packaged weights {name} are missing"
    load_learner(name)
print("installed", importlib.metadata.version("l2c_jax"))
"""


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command, or stop with its exit code."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, check=False)
    if done.returncode:
        sys.exit(f"failed ({done.returncode}): {' '.join(map(str, command))}")


def main() -> None:
    """Build, install, use."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(
            sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT,
            cwd=folder,
        )  # fmt: skip
        (wheel,) = folder.glob("*.whl")
        home = folder / "env"
        venv.create(home, with_pip=False)
        site = next(home.glob("lib/python*/site-packages"))
        borrowed = sysconfig.get_paths()["purelib"]
        run(
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
            "--target", site, wheel,
            cwd=folder,
        )  # fmt: skip
        # last on the path and without its .pth files, so that the editable install stays out
        (site / "borrowed.pth").write_text(borrowed + "\n")
        python = home / "bin" / "python"
        run(python, "-c", CHECK, cwd=folder)
        table = folder / "table.csv"
        table.write_text("a,b\n" + "".join(f"{i % 2 * 9 + i / 50},{i % 7}\n" for i in range(40)))
        outputs = ("-o", "out.csv", "--save", "model.safetensors", "--report", "report.html")
        run(python, "-m", "l2c_jax", "cluster", table, "-k", "2", *outputs, cwd=folder)
        run(python, "-m", "l2c_jax", "predict", "model.safetensors", table, cwd=folder)
        run(python, "-m", "l2c_jax", "info", "universal", cwd=folder)
        assert "</html>" in (folder / "report.html").read_text()
        assert len((folder / "out.csv").read_text().splitlines()) == 41


if __name__ == "__main__":
    main()
