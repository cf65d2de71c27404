"""THINK: the log becomes incidents, milestones and timelines: a runner around the pure core."""
