"""The store: decisions kept for good, and the current rows that are their fold."""
