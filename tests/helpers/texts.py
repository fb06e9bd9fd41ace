"""The texts for users, as one: the README and the pages of docs/ that tell how to do things."""

from helpers.plans import ROOT

PAGES = (
    "README.md",
    "docs/commands.md",
    "docs/library.md",
    "docs/extending.md",
    "docs/tuning-guide.md",
    "docs/how-it-works.md",
    "docs/robustness.md",
    "docs/environments.md",
)
TEXTS = "\n".join((ROOT / page).read_text("utf-8") for page in PAGES)
