"""Search the settings of a run: what to try next, and the study that tries it."""
