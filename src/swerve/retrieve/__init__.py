"""Query -> candidates: several cheap sources, each right for another reason, merged into columns. Knows no slate."""
