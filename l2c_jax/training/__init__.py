"""What all long trainings share: loop, checkpoints, processes, process settings, weight files."""
