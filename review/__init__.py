"""OUT: people read, correct and export; reports read."""
