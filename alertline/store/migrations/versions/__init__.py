"""One module per step, named after its revision; a step that was released is never changed."""
