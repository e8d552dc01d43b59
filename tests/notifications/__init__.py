"""Webhooks, held against a real receiver on loopback."""
