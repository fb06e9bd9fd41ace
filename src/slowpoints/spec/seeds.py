"""Seeds: a hash of what a random stream is for, so that adding a run never shifts another."""

import hashlib


def seed_of(*parts: object) -> int:
    """Return a 63-bit seed for the stream named by `parts`."""
    text = "\x1f".join(str(p) for p in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
