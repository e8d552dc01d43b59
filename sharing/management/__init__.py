"""Floor 7: commands for the people who run the hub."""
