"""ML-1M under protocol P1, in parts: training, scores as they serve, the blend with the engine's counts, speed.

Each user's last item is the test target, the one before it the validation target. `benchmarks.accuracy` runs the parts.
"""
