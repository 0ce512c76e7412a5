"""Builds and wires the roles: the only part that knows all parts and their order."""
