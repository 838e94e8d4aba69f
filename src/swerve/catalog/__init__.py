"""Items, the rows that stand for them inside, and their vectors. Knows no users and no log."""
