"""What follows from the facts of one incident alone: milestones, durations, flags, the timeline. It knows no memory."""
