"""What sources say: one notification of an alert or a pager, or their silence."""
