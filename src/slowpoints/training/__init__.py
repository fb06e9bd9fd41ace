"""Train the runs of one stack together, from its plan to records, weights and provenance."""
