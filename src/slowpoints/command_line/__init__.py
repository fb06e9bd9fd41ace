"""What can be typed, and what it calls."""
