"""A file's place says what it is, and what it is says its place."""

import pytest

from slowpoints import paths


@pytest.mark.parametrize("suffix", [paths.RECORDS, paths.WEIGHTS, paths.PROVENANCE])
def test_the_files_of_a_stack(suffix: str) -> None:
    file = paths.run_file("laptop", "long2016-state", "gru-0a-1", suffix)
    assert paths.place_of(file) == ("laptop", "long2016-state", "runs", "gru-0a-1")


def test_tables() -> None:
    file = paths.table("smoke", "e", "outcomes")
    assert file == "results/smoke/e/tables/outcomes.csv"
    assert paths.experiment_of(file) == "e"
    assert paths.experiment_of(paths.data("smoke", "authors_trials", ".csv")) == "data"
    assert paths.kept_table("kept", "e", "outcomes") == "kept/tables/e/outcomes.csv"
