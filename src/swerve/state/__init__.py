"""State: what is known of one user, as a pure, bounded fold of the log.

Does not know where records come from, how items look, or who reads the states.
"""
