"""Figures and paper anew from what is kept of a run: nothing is trained.

Needs: the kept tables and numbers, paper/reference/<scale>.
Makes: results/redrawn/<scale>/figures and results/redrawn/<scale>/paper.pdf.
"""


rule redraw_figure:
    """Execute the notebook of one figure on kept tables."""
    input:
        notebook=local(ancient(f"{SOURCE}notebooks/{{figure}}.ipynb")),
        claims=local(f"{SOURCE}paper/reference/{{scale}}/claims.csv"),
    output:
        "results/redrawn/{scale}/figures/{figure}.pdf",
        "results/redrawn/{scale}/figures/{figure}.png",
        "results/redrawn/{scale}/figures/{figure}.sha256",
    log:
        "logs/{scale}/redrawn/{figure}.txt",
    benchmark:
        "benchmarks/{scale}/redrawn/{figure}.tsv"
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
        "stage figures -m slowpoints redraw {wildcards.figure:q} --scale {wildcards.scale:q}"
        " --out results/redrawn/{wildcards.scale}/figures > {log:q} 2>&1"


rule redraw_paper:
    """Compile the paper from kept numbers and the figures drawn from kept tables."""
    input:
        lambda w: dag.redrawn(w.scale),
        numbers=local(f"{SOURCE}paper/reference/{{scale}}/numbers.json"),
        text=local(f"{SOURCE}paper/paper.typ"),
        references=local(f"{SOURCE}paper/refs.bib"),
    output:
        pdf="results/redrawn/{scale}/paper.pdf",
        numbers="results/redrawn/{scale}/numbers.json",
    log:
        "logs/{scale}/redrawn/paper.txt",
    benchmark:
        "benchmarks/{scale}/redrawn/paper.tsv"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        cfg=lambda w: w.scale,
        code=dag.code("slowpoints.publish.paper"),
        env=dag.environment("paper", TORCH),
    shell:
        "cp {input.numbers:q} {output.numbers:q} && "
        "stage paper -m slowpoints paper --scale {wildcards.scale:q}"
        " --results results/redrawn/{wildcards.scale} --out {output.pdf:q} 2> {log:q}"
