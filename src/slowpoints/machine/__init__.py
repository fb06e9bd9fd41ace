"""This machine and what runs on it: what it can do, how far a run is, what jobs cost. No torch."""
