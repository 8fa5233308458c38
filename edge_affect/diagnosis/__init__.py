"""``edge-affect doctor``: what is wrong with this box, and what to do about it."""
