"""A cell's step as a graph of operations, and its derivatives by rule."""
