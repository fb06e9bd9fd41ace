"""The papers' claims against our tables.

Estimates with intervals, verdicts, and every number of the text.
"""
