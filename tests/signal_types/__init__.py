"""Tests of the signal types: no database, no Django."""
