"""Learning: logged histories in, a trained user model out."""
