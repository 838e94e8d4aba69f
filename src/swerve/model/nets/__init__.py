"""The user models as PyTorch modules: the form they are trained in. Needs the extra `torch`."""
