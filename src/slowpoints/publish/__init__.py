"""What others read of a finished run.

The paper, the README's claims, the site, the archive, the timings.
"""
