"""What a finished run took, and an archive of it: nothing here is needed by the paper.

Needs: a finished run, and what Snakemake measured of its jobs.
Makes: results/<scale>/timings.csv, appendix.pdf and crate.zip.
"""


rule sum_timings:
    """Add up what the run took; its benchmark files are looked for then, and are no inputs: a missing one runs nothing again."""
    input:
        lambda w: dag.finished(w.scale),
    output:
        table="results/{scale}/timings.csv",
        text="results/{scale}/appendix.json",
    log:
        "logs/{scale}/timings.txt",
    benchmark:
        "benchmarks/{scale}/timings.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        cfg=lambda w: w.scale,
        code=dag.code("slowpoints.publish.timings"),
        env=dag.environment("figures", TORCH),
        torch=TORCH,
    shell:
        "stage figures -m slowpoints timings --scale {wildcards.scale:q} --torch {params.torch}"
        " --table {output.table:q} --text {output.text:q} 2> {log:q}"


rule compile_appendix:
    """Compile the appendix: time and memory per stage, machines, environments. Apart from the paper, whose bytes stay the same."""
    input:
        "results/{scale}/appendix.json",
        text=f"{SOURCE}paper/appendix.typ",
    output:
        "results/{scale}/appendix.pdf",
    log:
        "logs/{scale}/appendix.txt",
    benchmark:
        "benchmarks/{scale}/appendix.tsv"
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
        "stage paper -m slowpoints paper --text {input.text:q} --scale {wildcards.scale:q} --out {output:q} 2> {log:q}"


rule pack_crate:
    """Pack the project and its results, weights apart, into an archive that describes itself (RO-Crate)."""
    input:
        lambda w: dag.finished(w.scale),
        "CITATION.cff",
    output:
        "results/{scale}/crate.zip",
    log:
        "logs/{scale}/crate.txt",
    benchmark:
        "benchmarks/{scale}/crate.tsv"
    conda:
        "../../envs/provenance.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        cfg=lambda w: w.scale,
        code=dag.code("slowpoints.publish.crate"),
        env=dag.environment("provenance", TORCH),
    shell:
        "stage provenance -m slowpoints crate --scale {wildcards.scale:q} --out {output:q} 2> {log:q}"
