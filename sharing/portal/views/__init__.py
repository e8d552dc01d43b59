"""Pages of the portal (floor 7)."""
