"""The shapes of what comes in and goes out (floor 7)."""
