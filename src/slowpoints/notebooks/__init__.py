"""Execute the notebooks of figures and guides, and show them as pages that stand alone."""
