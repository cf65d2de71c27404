"""The pure core: recorded facts in, decisions out. No I/O, no clock, no randomness."""
