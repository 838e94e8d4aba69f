"""For your own tests: one `check_*` for each plug-in door, and makers of events."""
