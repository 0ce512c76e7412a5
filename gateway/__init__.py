"""Machimori: the edge gateway of a smart town."""

__version__ = "0.1.0"
