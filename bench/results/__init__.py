"""Results: what is written of a scored set of predictions, its evidence, and two of them compared."""
