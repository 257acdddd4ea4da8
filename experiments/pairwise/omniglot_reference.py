"""Accuracy of the reference implementation of *Learning to Cluster* on Omniglot.

From the README of github.com/GT-RIPL/L2C: accuracies on the 20 evaluation alphabets at the full
width of the networks.
"""

AVERAGES = {
    "learned (MCL, true K)": 0.857,
    "learned (MCL, K=100)": 0.825,
    "learned (KCL, true K)": 0.824,
    "learned (KCL, K=100)": 0.750,
}
"""Accuracy, the mean over alphabets, by method."""

_TRUE_AND_100 = {  # per cent
    "Angelic": (91.7, 82.2),
    "Atemayar_Qelisayer": (86.0, 89.2),
    "Atlantean": (93.5, 83.3),
    "Aurek-Besh": (92.4, 92.8),
    "Avesta": (86.1, 85.8),
    "Ge_ez": (86.6, 84.0),
    "Glagolitic": (87.4, 85.3),
    "Gurmukhi": (78.0, 78.7),
    "Kannada": (81.2, 81.1),
    "Keble": (94.3, 95.1),
    "Malayalam": (73.0, 75.0),
    "Manipuri": (81.5, 81.2),
    "Mongolian": (90.2, 89.0),
    "Old_Church_Slavonic_(Cyrillic)": (89.8, 90.7),
    "Oriya": (75.3, 73.4),
    "Sylheti": (80.6, 68.2),
    "Syriac_(Serto)": (89.8, 82.0),
    "Tengwar": (85.5, 76.4),
    "Tibetan": (81.9, 80.2),
    "ULOG": (89.1, 77.1),
}

BY_ALPHABET = {
    "learned (MCL, true K)": {name: round(v[0] / 100, 3) for name, v in _TRUE_AND_100.items()},
    "learned (MCL, K=100)": {name: round(v[1] / 100, 3) for name, v in _TRUE_AND_100.items()},
}
"""Accuracy by method and alphabet, where it is published."""
