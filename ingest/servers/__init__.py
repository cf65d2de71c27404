"""Servers of protocols that other tools speak already: their senders change one address, and nothing else."""
