"""The four compiled programs in which a table is read, judged and labelled.

All tables share them: the arrays have the same sizes whatever N and D are. Compiled in are how
many numbers of clusters are compared (one if k is given, else K) and how many members are read
and kept, so that reading and judging have one program for k given and one for k found.
"""

import jax
import numpy as np

from l2c_jax.recurrent.inference import predict_log_probs
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.ensemble import read_ensemble
from l2c_jax.tabular.judge import VIEWS, Judge, Verdict, assess
from l2c_jax.tabular.partition_features import Cloud, partition_features
from l2c_jax.tabular.reading import Sequences, read_candidates
from l2c_jax.training.programs import Program
from l2c_jax.types import Array


def judge_candidates(judge: Judge, cloud: Cloud, log_probs: Array, counts: Array) -> Verdict:
    """Features of all candidates, and what the judge says of them; for ``jit``.

    Args:
      judge: trained.
      cloud: S rows.
      log_probs: ``[V, K', M, S, K]``.
      counts: ``[K']`` int32.

    Returns:
      The verdict.
    """
    features = partition_features(cloud, log_probs, counts)
    return assess(judge, features, counts, log_probs.shape[-1])


READ = Program(read_candidates)
JUDGE = Program(judge_candidates)
ENSEMBLE = Program(read_ensemble, static_argnames=("kept",))
LABEL = Program(predict_log_probs)


def start_programs(
    learner: Learner,
    judge: Judge,
    cloud: Cloud,
    counts: np.ndarray,
    sequences: Sequences,
    last: Sequences,
    *,
    kept: int,
    chunk: int,
) -> None:
    """Load or compile all programs that a table needs, side by side; the slowest first.

    Args:
      learner: without metadata.
      judge: trained.
      cloud: S rows.
      counts: ``[K']`` int32.
      sequences: of the members that are compared.
      last: of the members of the answer.
      kept: how many of them answer.
      chunk: rows labelled in one call.
    """
    (size, dimensions), members = cloud.axes.shape, len(sequences.order)
    logs = (VIEWS, len(counts), members, size, learner.config.num_clusters)
    JUDGE.start(judge, cloud, jax.ShapeDtypeStruct(logs, np.float32), counts)
    READ.start(learner, cloud, counts, sequences)
    state = ENSEMBLE.start(learner, cloud, np.int32(0), counts[0], last, kept=kept)
    LABEL.start(learner, state, jax.ShapeDtypeStruct((chunk, dimensions), np.float32))
