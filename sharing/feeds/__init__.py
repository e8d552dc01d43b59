"""Floor 5: what members copy to themselves. The feed of changes, in commit order."""
