"""The event log: a port and its implementations. Everything that changes an incident is a record of it."""
