"""Hostile bytes for everything that comes from the air. `python -m tests.fuzz` runs for long."""
