"""What the hub is for: one Django app, sliced by noun into packages that stand on floors (docs/architecture.md)."""
