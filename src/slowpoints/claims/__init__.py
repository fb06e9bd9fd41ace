"""The papers' claims against our tables: estimates with intervals, verdicts, and every number of the text."""
