"""Estimates, information and order statistics.

Numpy alone, shared by analyses, claims and figures.
"""
