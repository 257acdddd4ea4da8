"""x"""
from importlib.metadata import version
from l2c_jax.recurrent import Learner, fit, load_learner, save_learner, adapt, predict
__version__ = version("l2c_jax")
