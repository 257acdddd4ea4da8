"""``l2c discover``: folders of images in, clusters and contact sheets out."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l2c_jax.cli import main
from l2c_jax.io.images import ImageError, contact_sheet, image_files, read_images

RNG = np.random.default_rng(0)
QUICK = ["--width", 0.03, "--size", 16, "--iterations", 2, "--epochs", 1, "-k", 3]


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Noise around one picture for each of 3 classes; 6 new images of other sizes and kinds."""
    labeled, new = tmp_path / "labeled", tmp_path / "new"
    new.mkdir()
    for kind in "abc":
        (labeled / kind).mkdir(parents=True)
        picture = RNG.integers(0, 200, (20, 20))
        for number in range(3):
            noisy = (picture + RNG.integers(0, 50, (20, 20))).astype(np.uint8)
            Image.fromarray(noisy).save(labeled / kind / f"{number}.png")
    for number in range(6):
        color = RNG.integers(0, 256, (12 + number, 20, 3)).astype(np.uint8)
        Image.fromarray(color).save(new / f"ü {number}.{'jpg' if number % 2 else 'png'}")
    (new / "broken.png").write_bytes(b"no image")
    (new / "notes.txt").write_text("not an image")
    return labeled, new


def test_every_image_gets_a_cluster_and_a_place_on_a_sheet(folders, tmp_path, capsys):
    out = tmp_path / "out"
    assert call("discover", *folders, "-o", out, *QUICK) == 0
    said = capsys.readouterr().err
    assert "skipped " in said
    assert "broken.png" in said
    rows = list(csv.DictReader((out / "clusters.csv").read_text(encoding="utf-8").splitlines()))
    assert [Path(row["file"]) for row in rows] == sorted(folders[1].glob("ü*"))
    clusters = {int(row["cluster"]) for row in rows}
    assert clusters == set(range(len(clusters)))
    total = [sum(float(v) for k, v in row.items() if k.startswith("prob")) for row in rows]
    np.testing.assert_allclose(total, 1, atol=1e-5)
    assert len(list(out.glob("cluster_*.png"))) == len(clusters)
    with Image.open(out / "cluster_000.png") as sheet:
        assert sheet.width == 10 * 18 * 2

    again = tmp_path / "again"
    found = out / "similarity.safetensors"
    assert call("discover", folders[1], "--similarity", found, "-o", again, *QUICK[4:]) == 0
    assert (again / "clusters.csv").read_text() == (out / "clusters.csv").read_text()


@pytest.mark.parametrize("given", [[], ["one"], ["one", "two", "three"]])
def test_a_wrong_number_of_folders_is_refused(tmp_path, capsys, given):
    assert call("discover", *given, "-o", tmp_path / "out") == 2
    assert "LABELED" in capsys.readouterr().err


def test_folders_without_classes_or_images_are_refused(folders, tmp_path, capsys):
    labeled, new = folders
    assert call("discover", new, new, "-o", tmp_path / "out", *QUICK) == 2
    assert "at least 2 folders" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert call("discover", labeled, tmp_path / "empty", "-o", tmp_path / "out", *QUICK) == 2
    assert "has no images" in capsys.readouterr().err
    assert call("discover", labeled, tmp_path / "nothing", "-o", tmp_path / "out", *QUICK) == 2
    assert "no such folder" in capsys.readouterr().err


def test_an_image_that_is_no_square_is_centered_on_its_border(tmp_path):
    pixels = np.full((8, 16), 250, np.uint8)
    pixels[3:5, 6:10] = 10
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_images(image_files(tmp_path), 16).images[0, :, :, 0]
    assert found.shape == (16, 16)
    assert (found[:4] == 250).all()
    assert (found[7:9, 6:10] == 10).all()
    color = read_images(image_files(tmp_path), 16, channels=3).images
    assert color.shape == (1, 16, 16, 3)


def test_images_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"none of 1 images can be read; .*a\.png"):
        read_images(image_files(tmp_path))


def test_a_sheet_holds_all_images_in_rows(tmp_path):
    contact_sheet(np.zeros((5, 4, 4, 3), np.uint8), tmp_path / "s.png", columns=2, scale=1)
    with Image.open(tmp_path / "s.png") as sheet:
        assert (sheet.width, sheet.height) == (12, 18)
