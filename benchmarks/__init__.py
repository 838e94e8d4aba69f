"""Every number the README states is printed by a module here: `python -m benchmarks.<name> [--json] [--quick]`."""
