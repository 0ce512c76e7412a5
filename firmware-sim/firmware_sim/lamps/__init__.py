"""Simulated lamp nodes: their physics (no wire), their registers, the RS-485 line they share."""
