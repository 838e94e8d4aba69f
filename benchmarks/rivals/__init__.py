"""Other recommenders on the same data, each in a process of its own, in an environment of their own (`.venv-rivals`).

`place` knows the environment, `ranking` and `ratings` ask a rival and judge what it answers, `worker` is the other end
of the line. Every other module is one rival, or one package's rivals, and knows only arrays.
"""
