# Thin: what is done stands in the Snakefile and in workflow/scripts.
.PHONY: help doctor setup kernel reproduce test bench bench-gpu bench-points bench-find-points bench-rivals bench-tuning coverage cost costs first-figure readme lock upgrade clean slurm-test faults bench-planning s3-test site-test verify fuzz sanitize guides kubernetes-test
N ?= all
TORCH ?= cpu
SCALE ?= laptop
SAMPLE ?= 5
SEED ?= 0
STAGE = TORCH=$(TORCH) workflow/scripts/stage

help:
	@echo "make doctor                look at this machine: what it can run, for how long, and what to mend first"
	@echo "make reproduce             build the environments, run the workflow at laptop scale"
	@echo "                           (N=4: on four cores; TORCH=cuda: with the CUDA build of torch)"
	@echo "make test                  style, types, unit tests, and the whole workflow at smoke scale"
	@echo "make faults                kill, stop, fill and damage a smoke run (half an hour), write docs/benchmarks/faults.md"
	@echo "make setup                 build the environments, nothing else"
	@echo "make kernel                register the notebooks' environment with Jupyter and VS Code, as slowpoints"
	@echo "make bench                 measure the engine against torch's layers (minutes), write docs/benchmarks/speed.md"
	@echo "make bench-gpu             the same on a GPU, against cuDNN; write docs/benchmarks/speed-gpu.md"
	@echo "make bench-points          the search for slow points against Adam (20 minutes), write docs/benchmarks/slow-points.md"
	@echo "make bench-find-points     find_points against FixedPointFinder itself (15 minutes; CLONE=its folder), write docs/benchmarks/find-points.md"
	@echo "make bench-rivals          the engine against JAX and torch's vmap (20 minutes), write docs/benchmarks/speed-rivals.md"
	@echo "make bench-tuning          the cost of a tuned point against one process per trial, write docs/benchmarks/tuning.md"
	@echo "make coverage              how often the intervals of claims hold the truth (three minutes), write docs/benchmarks/coverage.md"
	@echo "make verify                train a sample of a finished run again and compare (SCALE=laptop SAMPLE=5 SEED=0)"
	@echo "make fuzz                  change every settings file in 20,000 ways (ten minutes), write docs/benchmarks/fuzz.md"
	@echo "make guides                run the guides and keep them with their outputs in docs/guides (two minutes)"
	@echo "make sanitize              the tests of the compiled code under the sanitizers of g++ (12 minutes)"
	@echo "make cost                  networks and operations of the planned study of capacity, write docs/benchmarks/cost-collins2017.md"
	@echo "make costs                 keep what the jobs of the last runs took, write docs/benchmarks/costs.md"
	@echo "make first-figure          seconds from a fresh clone to the first figure, write docs/benchmarks/first-figure.md"
	@echo "make bench-planning        how long 10,000 and 100,000 runs take to plan, write docs/benchmarks/planning.md"
	@echo "make slurm-test            the smoke scale through a SLURM of one node installed here (root, apt-get), write docs/benchmarks/slurm.md"
	@echo "make s3-test               results in an object store, a stand-in on this machine, write docs/benchmarks/s3.md"
	@echo "make site-test             the site of the last laptop run in a real browser (minutes), write docs/benchmarks/site.md"
	@echo "make kubernetes-test       what pods would run, run here without a cluster, write docs/benchmarks/kubernetes.md"
	@echo "make readme                write the claims of the last laptop run into the README"
	@echo "make lock | make upgrade   pin again what envs/*.in ask for | with the newest versions"
	@echo "make clean                 remove the environments and caches; results stay"

doctor:
	@workflow/scripts/doctor

setup:
	@for stage in driver train analysis figures paper site; do $(STAGE) $$stage || exit 1; done

kernel:
	$(STAGE) figures -m ipykernel install --user --name slowpoints --display-name slowpoints --env PYTHONPATH $(CURDIR)/src

reproduce: setup
	$(STAGE) driver -m snakemake --cores $(N) --config scale=laptop torch=$(TORCH) -- all appendix
	@echo "paper    results/laptop/paper.pdf"
	@echo "figures  results/laptop/figures/"
	@echo "claims   results/laptop/claims.csv"
	@echo "times    results/laptop/appendix.pdf"
	@echo "to read  results/laptop/site/index.html"

test: setup
	workflow/scripts/check

faults: setup
	$(STAGE) test -m pytest -W error -m faults tests/faults --out docs/benchmarks

bench:
	$(STAGE) train -m bench engine --out docs/benchmarks

bench-gpu:
	TORCH=cuda workflow/scripts/stage train -m bench gpu --out docs/benchmarks

bench-points:
	$(STAGE) train -m bench points --out docs/benchmarks

bench-find-points:
	$(STAGE) train -m bench find-points --clone $(CLONE) --out docs/benchmarks

bench-rivals: setup
	UV=.envs/driver/bin/uv $(STAGE) train -m bench rivals --out docs/benchmarks

bench-tuning:
	$(STAGE) train -m bench tuning --out docs/benchmarks

coverage:
	$(STAGE) figures -m bench coverage --out docs/benchmarks

verify:
	$(STAGE) train -m slowpoints verify --scale $(SCALE) --sample $(SAMPLE) --seed $(SEED) --torch $(TORCH)

fuzz:
	$(STAGE) test -m tests.fuzz --out docs/benchmarks

guides: setup
	rm -rf docs/guides
	PYTHONWARNINGS="ignore:IProgress not found" $(STAGE) test -m nbconvert --execute --to markdown notebooks/guides/*.ipynb --output-dir docs/guides

sanitize: setup
	$(STAGE) test -m pytest -q -W error -m faults tests/engine/test_sanitized.py
	workflow/scripts/sanitized -m pytest -q -W error tests/engine/test_scan.py tests/engine/test_one_pass.py tests/engine/test_standing.py tests/engine/test_draws.py tests/engine/test_border.py tests/engine/test_trust.py tests/training/test_optimiser.py

cost:
	$(STAGE) train -m bench cost --paper collins2017 --out docs/benchmarks

costs:
	$(STAGE) driver -m slowpoints costs --out docs/benchmarks

first-figure:
	$(STAGE) driver -m bench first-figure --out docs/benchmarks

bench-planning:
	$(STAGE) driver workflow/scripts/bench_planning.py

slurm-test:
	$(STAGE) slurm workflow/scripts/slurm_test.py

s3-test:
	$(STAGE) kubernetes workflow/scripts/s3_test.py

site-test:
	$(STAGE) browser -m pytest -W error -q --confcutdir=tests/browser tests/browser --write docs/benchmarks

kubernetes-test:
	$(STAGE) kubernetes workflow/scripts/kubernetes_test.py

readme:
	$(STAGE) figures -m slowpoints readme --scale laptop

lock:
	$(STAGE) driver workflow/scripts/lock.py

upgrade:
	$(STAGE) driver workflow/scripts/lock.py --upgrade

clean:
	rm -rf .envs .pytest_cache .mypy_cache .ruff_cache .hypothesis
