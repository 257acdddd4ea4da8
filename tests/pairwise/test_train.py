"""Adam in stages."""

import jax
import numpy as np
import pytest

from l2c_jax.pairwise.train import check_crop, check_stages, optimizer


def test_step_size_falls_tenfold_after_each_share_of_the_training():
    adam = optimizer(0.1, (0.5, 0.75), 8)
    update = jax.jit(adam.update)
    params, sizes = np.zeros(1, np.float32), []
    state = adam.init(params)
    for _ in range(8):
        moved, state = update(np.ones(1, np.float32), state)  # constant gradient: lr
        sizes.append(float(-moved[0]))
    np.testing.assert_allclose(sizes, [0.1] * 4 + [0.01] * 2 + [0.001] * 2, rtol=1e-4)


@pytest.mark.parametrize(
    ("rate", "drops"), [(0.0, ()), (np.nan, ()), (1.0, (0.0,)), (1.0, (1.0,))]
)
def test_schedules_that_make_no_sense_are_refused(rate, drops):
    with pytest.raises(ValueError, match=r"learning_rate must be positive|drops are shares"):
        check_stages(rate, drops)


@pytest.mark.parametrize("crop", [(0.0, 1.0), (0.9, 0.8), (0.5, 1.1)])
def test_crops_that_make_no_sense_are_refused(crop):
    with pytest.raises(ValueError, match="least and a largest share"):
        check_crop(crop)
