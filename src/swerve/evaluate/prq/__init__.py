"""PRQ: prequential replay, what real-time feedback is worth on a log. `replay` runs it, `report` shows it."""
