"""Any table of numbers: how many clusters, and which row belongs to which."""
