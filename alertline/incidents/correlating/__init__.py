"""To which incident an episode belongs, and what that does to incidents: they open, resolve, reopen, become one."""
