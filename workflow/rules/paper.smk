"""Claims and paper: verdicts, every number of the text, and the PDF."""


rule judge:
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
        numbers="results/{scale}/numbers.json",
    log:
        "logs/{scale}/claims.txt",
    benchmark:
        "benchmarks/{scale}/claims.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        cfg=lambda w: dag.claims_cfg(w.scale),
        code=dag.code("slowpoints.claims.report"),
        env=dag.environment("figures", TORCH),
        torch=TORCH,
    shell:
        "stage figures -m slowpoints claims --scale {wildcards.scale:q} --torch {params.torch}"
        " --claims {output.claims:q} --numbers {output.numbers:q} 2> {log:q}"


rule compile_paper:
    """Compile the paper; its figures and numbers come from the results of its scale."""
    input:
        lambda w: dag.paper_inputs(w.scale),
        lambda w: dag.figure_sums(w.scale),
        text=local(SOURCE + "paper/paper.typ"),
        references=local(SOURCE + "paper/refs.bib"),
    output:
        report("results/{scale}/paper.pdf", category="paper and claims"),
    log:
        "logs/{scale}/paper.txt",
    benchmark:
        "benchmarks/{scale}/paper.tsv"
    conda:
        "../../envs/paper.yaml"
    params:
        cfg=lambda w: w.scale,
        code=dag.code("slowpoints.paper"),
        env=dag.environment("paper", TORCH),
    shell:
        "stage paper -m slowpoints paper --scale {wildcards.scale:q} --out {output:q} 2> {log:q}"


rule timings:
    """Add up what the run took; its benchmark files are looked for then, and are no inputs: a missing one runs nothing again."""
    input:
        lambda w: [
            path
            for name in dag.experiments(w.scale)
            for path in [
                *dag.runs(w.scale, name),
                *dag.runs(w.scale, name, ".provenance.json"),
                *dag.tables(w.scale, name),
            ]
        ],
        lambda w: dag.figure_files(w.scale),
        "results/{scale}/claims.csv",
        "results/{scale}/paper.pdf",
    output:
        table="results/{scale}/timings.csv",
        text="results/{scale}/appendix.json",
    log:
        "logs/{scale}/timings.txt",
    benchmark:
        "benchmarks/{scale}/timings.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        cfg=lambda w: w.scale,
        code=dag.code("slowpoints.timings"),
        env=dag.environment("figures", TORCH),
        torch=TORCH,
    shell:
        "stage figures -m slowpoints timings --scale {wildcards.scale:q} --torch {params.torch}"
        " --table {output.table:q} --text {output.text:q} 2> {log:q}"


rule compile_appendix:
    """Compile the appendix: time and memory per stage, machines, environments. Apart from the paper, whose bytes stay the same."""
    input:
        "results/{scale}/appendix.json",
        text=SOURCE + "paper/appendix.typ",
    output:
        "results/{scale}/appendix.pdf",
    log:
        "logs/{scale}/appendix.txt",
    benchmark:
        "benchmarks/{scale}/appendix.tsv"
    conda:
        "../../envs/paper.yaml"
    params:
        cfg=lambda w: w.scale,
        code=dag.code("slowpoints.paper"),
        env=dag.environment("paper", TORCH),
    shell:
        "stage paper -m slowpoints paper --text {input.text:q} --scale {wildcards.scale:q} --out {output:q} 2> {log:q}"
