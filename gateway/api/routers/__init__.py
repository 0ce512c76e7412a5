"""One router for each thing that is asked for."""
