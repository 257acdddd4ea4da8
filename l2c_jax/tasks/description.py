import dataclasses
from l2c_jax.tasks.gaussian import GaussianTasks
from l2c_jax.tasks.prior import BroadPrior


def describe(d):
    return {"kind": type(d).__name__, **dataclasses.asdict(d)}


def from_description(d):
    d = {k: v for k, v in d.items() if k != "kind"}
    return GaussianTasks(**d)
