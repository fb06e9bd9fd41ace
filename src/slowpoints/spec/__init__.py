"""What an experiment is: strict settings, sweeps, stacks, digests.

Standard library and yaml only.
"""
