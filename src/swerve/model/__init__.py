"""The user model: a history in, a preference out."""
