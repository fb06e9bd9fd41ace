"""Data: every set is found and verified against its pin before anything trains.

Needs: data/registry.json; the files it pins, which ship, lie in data_dir or are downloaded.
Makes: results/<scale>/data/<dataset>.json, a manifest of each set, and authors_trials.csv.
"""


rule prepare_data:
    """Verify one data set: shipped, from data_dir, or downloaded by its pin."""
    output:
        "results/{scale}/data/{dataset}.json",
    log:
        "logs/{scale}/data/{dataset}.txt",
    benchmark:
        "benchmarks/{scale}/data/{dataset}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        cfg=lambda w: dag.data_cfg(w.dataset),
        code=dag.code("slowpoints.data"),
        env=dag.environment("train", TORCH),
        data_dir=data_option,
    shell:
        "stage train -m slowpoints data --name {wildcards.dataset:q} {params.data_dir} --out {output:q} 2> {log:q}"


rule read_authors_trials:
    """Read the trials that Collins et al. (2017) published, where data_dir has them; else the table has no rows."""
    output:
        "results/{scale}/data/authors_trials.csv",
    log:
        "logs/{scale}/data/authors_trials.txt",
    benchmark:
        "benchmarks/{scale}/data/authors_trials.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 8000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        cfg=dag.data_cfg("cap-n-train-hps"),
        code=dag.code("slowpoints.data.authors_trials", "slowpoints.provenance.records"),
        env=dag.environment("analysis", TORCH),
        data_dir=data_option,
    shell:
        "stage analysis -m slowpoints authors {params.data_dir} --out {output:q} 2> {log:q}"


rule rebuild_data:
    """Rebuild a data set that ships with the project from the official files, for comparison with data/."""
    output:
        directory("results/rebuilt/{dataset}"),
    log:
        "logs/rebuilt/{dataset}.txt",
    benchmark:
        "benchmarks/rebuilt/{dataset}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        cfg=lambda w: dag.data_cfg(w.dataset),
        code=dag.code("slowpoints.data"),
        env=dag.environment("train", TORCH),
        data_dir=data_option,
    shell:
        "stage train -m slowpoints rebuild --name {wildcards.dataset:q} {params.data_dir} --out {output:q} 2> {log:q}"
