"""Estimates, information and order statistics: numpy alone, shared by analyses, claims and figures."""
