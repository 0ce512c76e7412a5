"""One module an outside system: what leaves the hub and the sink, and in which form."""
