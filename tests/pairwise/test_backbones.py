"""Backbones: VGGS against Flax's own layers, descriptions, a backbone without Flax."""

import json

import flax.linen as nn
import jax
import numpy as np
import pytest

from l2c_jax.pairwise.backbones import (
    MLP,
    VGGS,
    backbone_from_description,
    default_backbone,
    describe_backbone,
)
from l2c_jax.pairwise.layers import EPSILON
from l2c_jax.pairwise.points import as_float, checked_points

SMALL = VGGS(size=16, channels=2, width=1 / 32)  # 2, 4, 8 and 8 channels
IMAGES = np.random.default_rng(0).random((3, 16, 16, 2)).astype(np.float32)


def start():
    return jax.jit(SMALL.init)(jax.random.key(0))


class Reference(nn.Module):
    """VGGS as published: convolution, batch norm, ReLU, pooling, with Flax's own layers."""

    @nn.compact
    def __call__(self, images, train):
        for number, channels in enumerate(SMALL.convolutions, 1):
            images = nn.Conv(channels, (3, 3), use_bias=False, name=f"convolution{number}")(images)
            images = nn.BatchNorm(not train, momentum=0.9, epsilon=EPSILON, name=f"norm{number}")(
                images
            )
            images = nn.max_pool(nn.relu(images), (2, 2), (2, 2))
        return images.reshape(images.shape[0], -1)


def test_vggs_is_the_published_stack_of_layers_in_value_and_statistics():
    with jax.enable_x64(True):
        variables = jax.tree.map(lambda x: x.astype(np.float64), start())
        images = IMAGES.astype(np.float64)
        found = jax.jit(lambda v: SMALL.apply(v, images, True))(variables)
        expected, stats = jax.jit(
            lambda v: Reference().apply(v._asdict(), images, True, mutable=["batch_stats"])
        )(variables)
        assert found[0].dtype == np.float64
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)  # noqa: E731
    jax.tree.map(close, found, (expected, stats["batch_stats"]))


def test_full_width_has_the_published_sizes():
    assert VGGS().convolutions == (64, 128, 256, 256)
    assert VGGS().features == 1024
    assert VGGS(width=0.5).convolutions == (32, 64, 128, 128)
    assert MLP(3, (7, 5)).features == 5


def test_pixels_are_normalized_and_uint8_is_divided_by_255():
    backbone = VGGS(size=16, channels=2, width=1 / 32, mean=0.1, scale=0.5)
    pixels = (255 * IMAGES).astype(np.uint8)
    variables = start()
    by_hand = (pixels.astype(np.float32) / 255 - 0.1) / 0.5
    found, _ = jax.jit(lambda v, x: backbone.apply(v, as_float(x), False))(variables, pixels)
    expected, _ = jax.jit(lambda v, x: SMALL.apply(v, x, False))(variables, by_hand)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_shape_of_the_points_chooses_the_backbone():
    assert default_backbone(IMAGES) == VGGS(size=16, channels=2)
    assert default_backbone([[1.0, 2.0]]) == MLP(columns=2)
    with pytest.raises(ValueError, match=r"table \[N, D\] or images.*shape \(3,\)"):
        default_backbone(np.zeros(3))


@pytest.mark.parametrize("backbone", [SMALL, MLP(3, (7, 5))])
def test_a_description_survives_json(backbone):
    text = json.dumps(describe_backbone(backbone))
    assert backbone_from_description(json.loads(text)) == backbone


def test_a_class_that_is_no_dataclass_is_described_by_its_name():
    class Own:
        pass

    assert describe_backbone(Own()) == {"name": "Own"}


@pytest.mark.parametrize(
    ("points", "backbone", "message"),
    [
        (IMAGES, VGGS(), r"shape \[N, 32, 32, 1\] for VGGS.*got \(3, 16, 16, 2\)"),
        (IMAGES[..., 0], SMALL, r"shape \[N, 16, 16, 2\].*got \(3, 16, 16\)"),
        (np.zeros((3, 2)), MLP(3), r"shape \[N, 3\] for MLP.*got \(3, 2\)"),
        (np.zeros(3), MLP(3), r"got \(3,\)"),
        (np.zeros((1, 3)), MLP(3), "at least 2 points are needed, got 1"),
        (np.full((2, 3), np.nan), MLP(3), "must be finite"),
        (np.full((2, 3), 1e300), MLP(3), "must be finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_points_that_do_not_fit_are_refused(points, backbone, message):
    with pytest.raises(ValueError, match=message):
        checked_points(points, backbone, least=2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VGGS(size=20), "multiple of 16"),
        (lambda: VGGS(size=0), "multiple of 16"),
        (lambda: VGGS(channels=0), "channels at least 1"),
        (lambda: VGGS(width=0.0), "must be positive"),
        (lambda: MLP(0), "at least 1"),
        (lambda: MLP(2, ()), "at least 1"),
        (lambda: MLP(2, (3, 0)), "at least 1"),
    ],
)
def test_impossible_backbones_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
