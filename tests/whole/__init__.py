"""Tests of the whole hub: every process is real, is spoken to over HTTP, and may be killed."""
