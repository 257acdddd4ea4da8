"""What every long training shares: the loop, checkpoints, processes, settings, weight files."""
