"""How adapters read what senders write: JSON, times, durations, severities, labels, fields. Pure."""
