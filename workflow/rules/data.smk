"""Data: every set is found, verified against its pin and described by a small manifest before anything trains."""


rule data_set:
    """Verify one data set: shipped, from data_dir, or downloaded by its pin."""
    output:
        "results/{scale}/data/{dataset}.json",
    log:
        "logs/{scale}/data/{dataset}.txt",
    benchmark:
        "benchmarks/{scale}/data/{dataset}.tsv"
    conda:
        "../../envs/train.yaml"
    params:
        cfg=lambda w: dag.data_cfg(w.dataset),
        code=dag.code("slowpoints.datasets"),
        env=dag.environment("train", TORCH),
        data_dir=data_option,
    shell:
        "stage train -m slowpoints data --name {wildcards.dataset:q} {params.data_dir} --out {output:q} 2> {log:q}"


rule authors_trials:
    """Read the trials that Collins et al. (2017) published, where data_dir has them; else the table has no rows."""
    output:
        "results/{scale}/data/authors_trials.csv",
    log:
        "logs/{scale}/data/authors_trials.txt",
    benchmark:
        "benchmarks/{scale}/data/authors_trials.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=8000,
    params:
        cfg=dag.data_cfg("cap-n-train-hps"),
        code=dag.code("slowpoints.datasets.authors_trials", "slowpoints.records"),
        env=dag.environment("analysis", TORCH),
        data_dir=data_option,
    shell:
        "stage analysis -m slowpoints authors {params.data_dir} --out {output:q} 2> {log:q}"


rule rebuild_shipped:
    """Rebuild a data set that ships with the project from the official files, for comparison with data/."""
    output:
        directory("results/rebuilt/{dataset}"),
    log:
        "logs/rebuilt/{dataset}.txt",
    benchmark:
        "benchmarks/rebuilt/{dataset}.tsv"
    conda:
        "../../envs/train.yaml"
    params:
        cfg=lambda w: dag.data_cfg(w.dataset),
        code=dag.code("slowpoints.datasets"),
        env=dag.environment("train", TORCH),
        data_dir=data_option,
    shell:
        "stage train -m slowpoints rebuild --name {wildcards.dataset:q} {params.data_dir} --out {output:q} 2> {log:q}"
