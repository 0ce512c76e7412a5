"""A lamp's registers become a state, programs become levels, and readings become faults."""
