"""What depends on what: the questions the Snakefile asks while it plans.

Standard library and yaml only.
"""
