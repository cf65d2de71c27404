"""One module per source type: what its bodies mean. Pure; found by name, no list to edit (docs/adding-a-source.md)."""
