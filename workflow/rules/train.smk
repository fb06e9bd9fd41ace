"""Training: one job per stack of runs; the first job of a run tries every planned cell and task.

Needs: the plan, from config/experiments; manifests of data; for fine-tuning, runs and slow points of
another experiment; for a study that follows one, its records.
Makes: results/<scale>/parts.json; of each stack its plan, records, weights and provenance.
"""


rule check_parts:
    """Try every planned cell and task: a step of two networks at once must be the step of each alone."""
    output:
        "results/{scale}/parts.json",
    log:
        "logs/{scale}/parts.txt",
    benchmark:
        "benchmarks/{scale}/parts.tsv"
    # Before anything trains. No stack has it as an input: Snakemake would not see that a stack must be
    # trained again for another reason, while this one runs.
    priority: 1000
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        cfg=lambda w: dag.parts_params(w.scale)[0],
        code=lambda w: dag.parts_params(w.scale)[1],
        env=dag.environment("train", TORCH),
    shell:
        "stage train -m slowpoints check --scale {wildcards.scale:q} --out {output:q} > {log:q} 2>&1"


rule train_stack:
    """Train all runs of one stack together on one device."""
    input:
        unpack(lambda w: dag.start_files(w.scale, w.experiment, w.stack)),
        unpack(lambda w: dag.before_files(w.scale, w.experiment, w.stack)),
        data=lambda w: dag.data_files(w.scale, w.experiment),
    output:
        plan="results/{scale}/{experiment}/plan/{stack}.json",
        records="results/{scale}/{experiment}/runs/{stack}.jsonl",
        weights="results/{scale}/{experiment}/runs/{stack}.safetensors",
        provenance="results/{scale}/{experiment}/runs/{stack}.provenance.json",
    log:
        "logs/{scale}/{experiment}/train/{stack}.txt",
    benchmark:
        "benchmarks/{scale}/{experiment}/train/{stack}.tsv"
    retries: 2
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        gpu=1 if config["device"] == "cuda" else 0,
        mem_mb=lambda w, attempt: (6000 if config["device"] == "cuda" else 3000)
        * attempt,
        runtime=lambda w, attempt: 480 * attempt,
        attempt=lambda w, attempt: attempt,
    params:
        cfg=lambda w: dag.train_params(w.scale, w.experiment, w.stack)[0],
        code=lambda w: dag.train_params(w.scale, w.experiment, w.stack)[1],
        env=dag.environment("train", TORCH),
        start=lambda w, input: (
            f'--start-runs "$(dirname {input.start_runs[0]})" --start-points {input.start_points}'
            if "start_runs" in input.keys()
            else ""
        ),
        before=lambda w, input: (
            f"--before {input.before}" if "before" in input.keys() else ""
        ),
        data_dir=data_option,
        device=config["device"],
        matmul=config["matmul"],
        torch=TORCH,
    shell:
        "stage train -m slowpoints train --scale {wildcards.scale:q} --experiment {wildcards.experiment:q}"
        " --stack {wildcards.stack:q} --planned {params.cfg:q} {params.code:q}"
        " --plan {output.plan:q} --records {output.records:q} --weights {output.weights:q}"
        " --provenance {output.provenance:q} --device {params.device}"
        " --matmul {params.matmul} --torch {params.torch} --attempt {resources.attempt} {params.start} {params.before} {params.data_dir}"
        " --checkpoint results/{wildcards.scale}/{wildcards.experiment}/checkpoints/{wildcards.stack}.safetensors 2> {log:q}"
