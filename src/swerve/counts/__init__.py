"""Population counters: what everybody did, folded from the log in O(1) per event. Knows no single user and no model."""
