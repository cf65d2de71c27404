"""The shapes that cross a process boundary: typed, frozen, versioned; JSON Schema and golden examples beside them."""
