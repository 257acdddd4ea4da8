"""The possibility of meta-clustering (section 3.3): axioms as checks, and Theorem 1.

Kleinberg's axioms are about a clusterer :math:`A`, which takes a distance function to a partition:

* scale invariance: :math:`A(\\alpha d) = A(d)` for every :math:`\\alpha > 0`;
* richness: every partition is :math:`A(d)` for some :math:`d`;
* consistency: :math:`A(d') = A(d)` if :math:`d' \\le d` within the clusters of :math:`A(d)` and
  :math:`d' \\ge d` between them.

No clusterer keeps all three. A meta-clusterer :math:`M` looks at :math:`d` first and picks the
clusterer :math:`M[d]`, which then clusters. Its axioms are :math:`M[\\alpha d](\\alpha d) =
M[d](d)`; every partition is :math:`M[d](d)` for some :math:`d`; and :math:`M[d](d') = M[d](d)` for
the :math:`d'` above: what was picked for :math:`d` stays while the distances change.

An axiom says "for every"; a check looks at one case. All is NumPy in double precision.

References:
  Kleinberg, *An impossibility theorem for clustering*, 2002.
"""

from l2c_jax.axioms.checks import (
    Change,
    Clusterer,
    MetaClusterer,
    applied,
    keeps_consistency,
    keeps_meta_consistency,
    keeps_meta_richness,
    keeps_meta_scale_invariance,
    keeps_richness,
    keeps_scale_invariance,
    same_partition,
    unadapted,
)
from l2c_jax.axioms.distances import (
    checked,
    consistent_change,
    is_consistent,
    realisations,
    realise,
    scaled,
)
from l2c_jax.axioms.linkage import meta_single_linkage, single_linkage

__all__ = [
    "Change",
    "Clusterer",
    "MetaClusterer",
    "applied",
    "checked",
    "consistent_change",
    "is_consistent",
    "keeps_consistency",
    "keeps_meta_consistency",
    "keeps_meta_richness",
    "keeps_meta_scale_invariance",
    "keeps_richness",
    "keeps_scale_invariance",
    "meta_single_linkage",
    "realisations",
    "realise",
    "same_partition",
    "scaled",
    "single_linkage",
    "unadapted",
]
