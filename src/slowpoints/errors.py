"""The errors that are ours: each has a message that is complete without a traceback.

The command line prints them in one line; any other error is a defect of ours and shows its
traceback. Standard library
only: planning imports this.
"""


class SlowpointsError(Exception):
    """An error in what a user gave or in what was found on disk.

    What, where, and what would be right.
    """
