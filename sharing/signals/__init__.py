"""Floor 3: signals and their indicators. Submit, change, retract, read."""
