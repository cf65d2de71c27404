"""How an incident is told: sentences made of records only, the draft, plain text, exports. Pure."""
