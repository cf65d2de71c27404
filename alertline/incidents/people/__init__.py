"""What people say: entries, commands, corrections, and taking them back."""
