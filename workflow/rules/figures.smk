"""Figures: one executed notebook each.

Needs: the notebook, and the tables that its parameters cell names.
Makes: results/<scale>/figures/<figure>.pdf, .png and their checksums; the executed notebook, as a page too.
"""


rule draw_figure:
    """Execute the notebook of one figure; the executed copy stays to be read, also when it fails."""
    input:
        unpack(lambda w: dag.figure_inputs(w.scale, w.figure)),
        notebook=local(ancient(f"{SOURCE}notebooks/{{figure}}.ipynb")),
    output:
        pdf="results/{scale}/figures/{figure}.pdf",
        png=report(
            "results/{scale}/figures/{figure}.png",
            category="figures",
            labels={"figure": "{figure}"},
        ),
        sums="results/{scale}/figures/{figure}.sha256",
        html=report(
            "results/{scale}/notebooks/{figure}.html",
            category="notebooks",
            labels={"figure": "{figure}"},
        ),
    log:
        text="logs/{scale}/figures/{figure}.txt",
        notebook="results/{scale}/notebooks/{figure}.ipynb",
    benchmark:
        "benchmarks/{scale}/figures/{figure}.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        cfg=lambda w: dag.figure_params(w.figure)[0],
        code=lambda w: dag.figure_params(w.figure)[1],
        env=dag.environment("figures", TORCH),
    shell:
        "stage figures -m slowpoints figure {input.notebook:q} --scale {wildcards.scale:q}"
        " --executed {log.notebook:q} --html {output.html:q} --sums {output.sums:q} 2> {log.text:q}"
