"""Studies: the trials of one arm at one sweep point, or the reruns of their best setting."""

from slowpoints.provenance.record import Record


def columns(records: list[Record]) -> list[str]:
    """Return the columns of the table of trials that tell one study from another, `phase` among
    them.
    """
    point = (key.split(".")[-1] for key in records[0].run.sweep)
    return list(dict.fromkeys(["experiment", "arm", "cell", "depth", *point]))
