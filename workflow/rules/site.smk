"""The site: what a finished run says, as pages to read without a server.

Needs: claims, figures, executed notebooks, tables, the paper; the words of the project.
Makes: results/<scale>/cells.json, the equations of every cell, and results/<scale>/site/.
"""

from slowpoints.publish.site import plan as site_plan


rule describe_cells:
    """Write the equations of every cell from its step, and its number of parameters."""
    output:
        "results/{scale}/cells.json",
    log:
        "logs/{scale}/cells.txt",
    benchmark:
        "benchmarks/{scale}/cells.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        cfg=site_plan.cells_params()[0],
        code=site_plan.cells_params()[1],
        env=dag.environment("train", TORCH),
    shell:
        "stage train -m slowpoints cells --out {output:q} 2> {log:q}"


rule build_site:
    """Build the site of one scale: claims, figures, experiments, cells, tasks, guides and docstrings."""
    input:
        unpack(lambda w: site_plan.inputs(w.scale)),
    output:
        directory("results/{scale}/site"),
    log:
        "logs/{scale}/site.txt",
    benchmark:
        "benchmarks/{scale}/site.tsv"
    conda:
        "../../envs/site.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        cfg=lambda w: site_plan.cfg(w.scale),
        code=dag.code("slowpoints.publish.site.builder"),
        env=dag.environment("site", TORCH),
    shell:
        "stage site -m slowpoints site --scale {wildcards.scale:q} --cells {input.cells:q} --out {output:q} 2> {log:q}"
