"""Candidates -> scores. Knows nothing of filters, rules or places: that is the slate's business."""
