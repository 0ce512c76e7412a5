"""Faults on purpose, a ledger, and counting: `make chaos`."""
