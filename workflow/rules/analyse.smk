"""Analyses: from all networks of an experiment to one tidy table.

Needs: records and weights of every stack of the experiment; for some, tables of other analyses of it.
Makes: results/<scale>/<experiment>/tables/<analysis>.csv, one row per run or point, and arrays beside it.
"""


rule run_analysis:
    """Run one analysis on all networks of one experiment."""
    input:
        runs=lambda w: dag.runs(w.scale, w.experiment),
        weights=lambda w: dag.runs(w.scale, w.experiment, ".safetensors"),
        needs=lambda w: dag.needs(w.scale, w.experiment, w.analysis),
        arrays=lambda w: dag.needs(w.scale, w.experiment, w.analysis, ".safetensors"),
    output:
        table="results/{scale}/{experiment}/tables/{analysis}.csv",
        arrays="results/{scale}/{experiment}/tables/{analysis}.safetensors",
    log:
        "logs/{scale}/{experiment}/analyse/{analysis}.txt",
    benchmark:
        "benchmarks/{scale}/{experiment}/analyse/{analysis}.tsv"
    retries: 1
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        cfg=lambda w: dag.analysis_params(w.scale, w.experiment, w.analysis)[0],
        code=lambda w: dag.analysis_params(w.scale, w.experiment, w.analysis)[1],
        env=dag.environment("analysis", TORCH),
        data_dir=data_option,
    shell:
        "stage analysis -m slowpoints analyse {wildcards.analysis:q} --scale {wildcards.scale:q}"
        ' --experiment {wildcards.experiment:q} --settings {params.cfg:q} --runs "$(dirname {input.runs[0]:q})"'
        " --needs {input.needs:q} {params.data_dir} --table {output.table:q} --arrays {output.arrays:q} 2> {log:q}"
