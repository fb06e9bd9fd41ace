"""slowpoints: memory in recurrent networks, reproduced. `snakemake --cores N` makes everything; see README.md."""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.20")


configfile: "config/config.yaml"


# Where this file is, also when another one includes it or uses it as a module:
HERE = Path(workflow.current_basedir)
sys.path.insert(0, str(HERE / "src"))


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/site.smk"
include: "workflow/rules/provenance.smk"
include: "workflow/rules/redraw.smk"


localrules:  # seconds of work, and a download: not worth a job of their own on a cluster
    prepare_data,
    check_parts,
    judge_claims,
    compile_paper,
    redraw_paper,


onerror:
    print(
        "Not finished. What is finished stays, and training goes on from its checkpoints: once what is named above is"
        " mended, call the same command again.",
        file=sys.stderr,
    )


rule all:
    """Everything at the scale set in the configuration: tables, figures, claims, the paper and the site."""
    default_target: True
    input:
        dag.parts_file(SCALE),
        f"results/{SCALE}/paper.pdf",
        f"results/{SCALE}/claims.csv",
        dag.figure_files(SCALE),
        f"results/{SCALE}/site",


rule data:
    """Only the data that the scale needs, found and verified."""
    input:
        lambda w: [
            path
            for name in dag.experiments(SCALE)
            for path in dag.data_files(SCALE, name)
        ],


rule train:
    """Only train: the records and weights of every experiment."""
    input:
        dag.parts_file(SCALE),
        lambda w: [
            path for name in dag.experiments(SCALE) for path in dag.runs(SCALE, name)
        ],


rule analyse:
    """Train and analyse: every table."""
    input:
        dag.parts_file(SCALE),
        lambda w: [
            path for name in dag.experiments(SCALE) for path in dag.tables(SCALE, name)
        ],


rule figures:
    """Every figure."""
    input:
        dag.parts_file(SCALE),
        dag.figure_files(SCALE),


rule claims:
    """The claims table."""
    input:
        f"results/{SCALE}/claims.csv",


rule appendix:
    """What the run took: time and memory per stage, machines, environments."""
    input:
        f"results/{SCALE}/appendix.pdf",


rule crate:
    """An archive of the run that describes itself."""
    input:
        f"results/{SCALE}/crate.zip",


rule paper:
    """The paper."""
    input:
        f"results/{SCALE}/paper.pdf",


rule site:
    """The site: open results/<scale>/site/index.html."""
    input:
        f"results/{SCALE}/site",


rule redraw:
    """The figures and the paper of the run that is kept, without training: results/redrawn."""
    input:
        f"results/redrawn/{SCALE}/paper.pdf",
