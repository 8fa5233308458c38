"""An expression model for tests that look at faces and not at what they show."""

import numpy as np

from edge_affect.perception.expression_input import CropSettings
from edge_affect.record import Expression


class Undecided:
    """An expression model without an opinion."""

    expressions = tuple(Expression)
    crop = CropSettings()

    def probabilities(self, crop):
        return np.full(8, 1 / 8)
