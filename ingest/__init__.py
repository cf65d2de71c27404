"""IN: a webhook becomes one delivery record on the event log."""
