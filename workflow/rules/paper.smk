"""Claims and paper.

Needs: all tables and provenance, for the verdicts; figures and numbers, for the PDF.
Makes: results/<scale>/claims.csv, headlines.csv, numbers.json with every number of the text, and paper.pdf.
"""


rule judge_claims:
    """Judge every claim on its table; write the verdicts and every number of the text."""
    input:
        lambda w: [
            path
            for name in dag.experiments(w.scale)
            for path in dag.tables(w.scale, name)
        ],
        lambda w: [
            path
            for name in dag.experiments(w.scale)
            for path in dag.runs(w.scale, name, ".provenance.json")
        ],
    output:
        claims=report("results/{scale}/claims.csv", category="paper and claims"),
        headlines=report("results/{scale}/headlines.csv", category="paper and claims"),
        numbers="results/{scale}/numbers.json",
    log:
        "logs/{scale}/claims.txt",
    benchmark:
        "benchmarks/{scale}/claims.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        cfg=lambda w: dag.claims_cfg(w.scale),
        code=dag.code("slowpoints.claims.report"),
        env=dag.environment("figures", TORCH),
        torch=TORCH,
    shell:
        "stage figures -m slowpoints claims --scale {wildcards.scale:q} --torch {params.torch}"
        " --claims {output.claims:q} --headlines {output.headlines:q} --numbers {output.numbers:q} 2> {log:q}"


rule compile_paper:
    """Compile the paper; its figures and numbers come from the results of its scale."""
    input:
        lambda w: dag.paper_inputs(w.scale),
        lambda w: dag.figure_sums(w.scale),
        text=local(f"{SOURCE}paper/paper.typ"),
        references=local(f"{SOURCE}paper/refs.bib"),
    output:
        report("results/{scale}/paper.pdf", category="paper and claims"),
    log:
        "logs/{scale}/paper.txt",
    benchmark:
        "benchmarks/{scale}/paper.tsv"
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
        "stage paper -m slowpoints paper --scale {wildcards.scale:q} --out {output:q} 2> {log:q}"
