# Thin: what is done stands in the Snakefile and in workflow/scripts.
.PHONY: help setup reproduce test bench bench-gpu bench-points bench-tuning verify fuzz cost readme lock upgrade clean
N ?= all
TORCH ?= cpu
SCALE ?= laptop
SAMPLE ?= 5
SEED ?= 0
STAGE = TORCH=$(TORCH) workflow/scripts/stage

help:
	@echo "make reproduce             build the environments, run the workflow at laptop scale"
	@echo "                           (N=4: on four cores; TORCH=cuda: with the CUDA build of torch)"
	@echo "make test                  style, types, unit tests, and the whole workflow at smoke scale"
	@echo "make setup                 build the environments, nothing else"
	@echo "make bench                 measure the engine against torch's layers (minutes), write docs/speed.md"
	@echo "make bench-gpu             the same on a GPU, against cuDNN; write docs/speed-gpu.md"
	@echo "make bench-points          the search for slow points against Adam (20 minutes), write docs/slow-points.md"
	@echo "make bench-tuning          the cost of a tuned point against one process per trial, write docs/tuning.md"
	@echo "make verify                train a sample of a finished run again and compare (SCALE=laptop SAMPLE=5 SEED=0)"
	@echo "make fuzz                  change every settings file in 20,000 ways (an hour), write docs/fuzz.md"
	@echo "make cost                  networks and operations of the planned study of capacity, write docs/cost-collins2017.md"
	@echo "make readme                write the claims of the last laptop run into the README"
	@echo "make lock | make upgrade   pin again what envs/*.in ask for | with the newest versions"
	@echo "make clean                 remove the environments and caches; results stay"

setup:
	@for stage in driver train analysis figures paper; do $(STAGE) $$stage || exit 1; done
	@ln -sf ../../../workflow/scripts/slowpoints .envs/driver/bin/slowpoints

reproduce: setup
	$(STAGE) driver -m snakemake --cores $(N) --config scale=laptop torch=$(TORCH)
	@echo "paper    results/laptop/paper.pdf"
	@echo "figures  results/laptop/figures/"
	@echo "claims   results/laptop/claims.csv"

test: setup
	workflow/scripts/check

bench:
	$(STAGE) train -m slowpoints bench --out docs

bench-gpu:
	TORCH=cuda workflow/scripts/stage train -m slowpoints bench-gpu --out docs

bench-points:
	$(STAGE) train -m slowpoints bench-points --out docs

bench-tuning:
	$(STAGE) train -m slowpoints bench-tuning --out docs

verify:
	$(STAGE) train -m slowpoints verify --scale $(SCALE) --sample $(SAMPLE) --seed $(SEED) --torch $(TORCH)

fuzz:
	$(STAGE) test -m slowpoints fuzz --out docs

cost:
	$(STAGE) train -m slowpoints cost --paper collins2017 --out docs

readme:
	$(STAGE) figures -m slowpoints readme --scale laptop

lock:
	$(STAGE) driver workflow/scripts/lock.py

upgrade:
	$(STAGE) driver workflow/scripts/lock.py --upgrade

clean:
	rm -rf .envs .pytest_cache .mypy_cache .ruff_cache .hypothesis
