"""A run: what it will do, its steps, its predictions, and finished runs opened again."""
