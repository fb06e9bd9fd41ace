"""How fast the engine trains and the search finds, against what a researcher would otherwise use,
in one run.
"""
