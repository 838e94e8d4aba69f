"""The demonstration: bundled films, one event, and the list before and after it."""
