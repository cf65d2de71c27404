"""Everything that changes an incident over HTTP: bodies, revisions, commands, and what is answered."""
