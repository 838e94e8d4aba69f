"""Offline judgement: replays the log through the same fold and the same retrievers that serve. Knows no http."""
