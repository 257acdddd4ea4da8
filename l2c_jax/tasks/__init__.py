"""Where labelled clustering problems come from."""

from l2c_jax.tasks.mixture import MixedConfig, draw_mixed_task
from l2c_jax.tasks.prior import PriorConfig, draw_prior_task
from l2c_jax.tasks.tables import Pool, PoolConfig, draw_pool_task, make_pool

from l2c_jax.tasks.base import *
from l2c_jax.tasks.base import TaskDistribution
from l2c_jax.tasks.gaussian import GaussianTasks
from l2c_jax.tasks.prior import BroadPrior
from l2c_jax.tasks.description import describe, from_description
