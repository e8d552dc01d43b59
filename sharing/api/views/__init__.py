"""The endpoints, by noun (floor 7)."""
