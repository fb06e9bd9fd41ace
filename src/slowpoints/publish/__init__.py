"""What others read of a finished run: the paper, the README's claims, the site, the archive, the timings."""
