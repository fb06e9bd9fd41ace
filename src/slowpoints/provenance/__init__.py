"""What was made from what: results on disk with their checksums, the jobs and the machine that made
them.
"""
