"""Section 3.3: the axioms of clustering and of meta-clustering as checks, and their experiment.

Kleinberg's axioms are about a clusterer :math:`A`, which maps a distance function to a partition:

* scale invariance: :math:`A(\\alpha d) = A(d)` for every :math:`\\alpha > 0`;
* richness: every partition is :math:`A(d)` for some :math:`d`;
* consistency: :math:`A(d') = A(d)` if :math:`d' \\le d` within the clusters of :math:`A(d)` and
  :math:`d' \\ge d` between them.

No clusterer satisfies all three. A meta-clusterer :math:`M` maps :math:`d` to a clusterer
:math:`M[d]`, which then clusters. Its axioms are :math:`M[\\alpha d](\\alpha d) = M[d](d)`; every
partition is :math:`M[d](d)` for some :math:`d`; and :math:`M[d](d') = M[d](d)` for the :math:`d'`
above: the clusterer chosen for :math:`d` is kept while the distances change.

An axiom is a statement about every case; a check decides one case. Everything but the learned
clusterer is NumPy in double precision.

    python -m experiments.meta_clustering.axioms          # committed weights: a minute
    python -m experiments.meta_clustering.axioms --smoke  # seconds

References:
  Kleinberg, *An impossibility theorem for clustering*, 2002.
"""

from experiments.meta_clustering.axioms.experiment import measure, render

__all__ = ["measure", "render"]
