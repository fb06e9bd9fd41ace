"""`python -m slowpoints <stage>`: one stage of the pipeline, as the workflow calls it."""

from slowpoints.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
