# The two commands a newcomer needs: make demo, make test. Everything else is listed by make help.
SHELL := /bin/sh
VENV ?= .venv
BIN := $(VENV)/bin
DEPS := setup.cfg requirements/constraints.txt tools/setup.sh
CODE := edge_affect tests tools benchmarks examples

.PHONY: help demo test test-cage fuzz lint format coverage clean train-face train-voice train-activity train-baseline train-fusion measure-face train-events check-tflite-runtime check-units check-asyncapi check-home-assistant check-node-red test-spool check-cameras test-cluster
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 26

demo: .stamps/demo ## set up and show the whole box on a clip; SECONDS=20 ends by itself
	@$(BIN)/edge-affect demo $(if $(filter command line,$(origin SECONDS)),--seconds $(SECONDS)) $(ARGS)

test: .stamps/dev ## set up and run all tests
	$(BIN)/python -m pytest

# Run this after every change to capture, hot-plug, speech engines or the cage itself.
test-cage: .stamps/dev ## try every way out of the cage, as root for an ordinary user too
	EDGE_AFFECT_REQUIRE_CAGE=1 $(BIN)/python -m pytest tests/privacy tests/process/test_outlet.py $(ARGS)

test-cluster: .stamps/dev ## analyse on a real Dask cluster with longer recordings, and kill a worker
	EDGE_AFFECT_CLUSTER_FILES=$(or $(FILES),12) $(BIN)/python -m pytest -q tests/process/test_cluster.py \
		$(ARGS)

test-spool: .stamps/dev ## kill the publisher a hundred times at random points; KILLS=20 for fewer
	EDGE_AFFECT_KILLS=$(or $(KILLS),100) $(BIN)/python -m pytest -q -s \
		tests/contract/test_mqtt_spool.py -k kill_9 $(ARGS)

.PHONY: sbom
sbom: ## write a CycloneDX bill of materials, build/sbom.cdx.json: packages, models, licences
	@test -x .venv-sbom/bin/python || python3 -m venv .venv-sbom
	@.venv-sbom/bin/python -m pip install --quiet --disable-pip-version-check \
		cyclonedx-bom==7.5.0 'cyclonedx-python-lib[json-validation]==11.12.0'
	@test -x .venv-runtime/bin/python || python3 -m venv .venv-runtime
	@.venv-runtime/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint requirements/constraints.txt --force-reinstall --no-deps .
	@.venv-runtime/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint requirements/constraints.txt .
	@mkdir -p build
	@.venv-sbom/bin/cyclonedx-py environment --of JSON --output-reproducible \
		.venv-runtime/bin/python > build/environment.cdx.json
	@.venv-sbom/bin/python tools/write_sbom.py build/environment.cdx.json build/sbom.cdx.json

.PHONY: fleet
fleet: .stamps/dev ## measure 10, 100 and 1000 simulated boxes at one broker, 4 minutes; BOXES="5 50" for others
	@mkdir -p build
	$(BIN)/python benchmarks/fleet.py --boxes $(or $(BOXES),10 100 1000) --seconds $(or $(SECONDS_EACH),45) \
		--json build/fleet.json --plot build/fleet.svg $(ARGS)

# The environments of the peers take 9 GB and a quarter of an hour the first time.
.PHONY: bench
bench: .stamps/dev ## time the box beside what one would install instead, six minutes; ARGS="--rounds 40"
	$(BIN)/python benchmarks/bench.py $(ARGS)

.PHONY: budgets growth
ONE_CORE = taskset -c 0 $(if $(REALTIME),chrt --rr 1)
budgets: .stamps/demo .stamps/dev ## hold the box to its budgets on one core, 5 minutes; REALTIME=1 on a busy machine
	$(ONE_CORE) $(BIN)/python benchmarks/budgets.py --json benchmarks/budgets.json --page $(ARGS)

growth: .stamps/demo .stamps/dev ## how cost grows with faces, pixels, ticks and hours, 10 minutes; REALTIME=1 as above
	$(ONE_CORE) $(BIN)/python benchmarks/growth.py --json benchmarks/growth.json --plot docs/growth.svg --page $(ARGS)

.PHONY: soak
soak: .stamps/demo .stamps/dev ## 72 hours of ticks with faults (5 hours at speed 16); TICKS=5000, SPEED=1, MINUTES=60
	@mkdir -p build
	$(if $(REALTIME),chrt --rr 10) $(BIN)/python benchmarks/soak.py \
		--ticks $(or $(TICKS),259200) --speed $(or $(SPEED),16) \
		$(if $(MINUTES),--minutes $(MINUTES)) --json build/soak.json --plot build/soak.svg \
		--logs build $(ARGS)

fuzz: .stamps/dev ## feed a million damaged records and many other inputs; SEED=2 makes other ones
	$(BIN)/python tests/fuzz/run.py --seed $(or $(SEED),1) record=1000000 command-byte=200000 \
		command=200000 config=10000 manifest=10000 media=3000

lint: .stamps/dev ## set up and check style, types and the import rule
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

format: .stamps/dev ## let ruff format the code
	$(BIN)/ruff format $(CODE)

coverage: .stamps/dev ## run all tests and show the lines and branches they miss
	$(BIN)/coverage run -m pytest && $(BIN)/coverage report

train-face: .stamps/train ## train, measure and write the face model; DATA=.../ferplus.npz
	.venv-train/bin/python -m edge_affect.training.face --release \
		--data $(or $(DATA),$(error say DATA=path/to/ferplus.npz)) $(ARGS)

train-voice: .stamps/train ## train, measure and write the voice model; DATA=.../audio
	.venv-train/bin/python -m edge_affect.training.voice --release \
		--data $(or $(DATA),$(error say DATA=folder with index.csv and crema-d-meta)) $(ARGS)

train-baseline: .stamps/train ## fit the voice baseline and arousal, after train-voice; DATA=.../audio
	.venv-train/bin/python -m edge_affect.training.voice_baseline --release \
		--data $(or $(DATA),$(error say DATA=folder with index.csv and crema-d-meta)) $(ARGS)

train-fusion: .stamps/train ## fit the weights of late fusion, after train-face and -voice; DATA=folder
	.venv-train/bin/python -m edge_affect.training.fusion --release \
		--data $(or $(DATA),$(error say DATA=folder with face and audio)) $(ARGS)

train-events: .stamps/train ## train, measure and write the sound-event model; DATA=.../audio
	.venv-train/bin/python -m edge_affect.training.events --release \
		--data $(or $(DATA),$(error say DATA=folder with index.csv)) $(ARGS)

.PHONY: try-mesh
try-mesh: .stamps/train .stamps/demo ## try int8 and small nets for mesh and eyes against stated bounds; DATA=folder with face/
	.venv-train/bin/python -m edge_affect.training.mesh_quantised \
		--data $(or $(DATA),$(error say DATA=folder with face/))/face
	.venv-train/bin/python -m edge_affect.training.mesh_student \
		--data $(or $(DATA),$(error say DATA=folder with face/))/face $(ARGS)
	$(BIN)/python benchmarks/own_mesh.py --data $(DATA) --nets build/training/mesh

measure-face: .stamps/demo ## measure the face model, draw its card's pictures; DATA=folder with face/
	@mkdir -p build
	$(BIN)/edge-affect evaluate face --data $(or $(DATA),$(error say DATA=folder with face/))/face/ferplus.npz \
		--groups $(DATA)/face/fairface.csv --robustness --plots docs/cards \
		--montage build/face-montage.png --json > build/face.json
	$(BIN)/edge-affect evaluate portraits --csv $(DATA)/face/pictures.csv --root $(DATA)/face \
		--distance alone --plots docs/cards --montage build/portrait-montage.png --json \
		> build/portraits.json

train-activity: .stamps/train ## train, measure and write the activity model; DATA=.../audio
	.venv-train/bin/python -m edge_affect.training.activity --release \
		--data $(or $(DATA),$(error say DATA=folder with index.csv)) $(ARGS)

# Needs npm; the tests check everything else about the document without it.
check-asyncapi: .stamps/dev ## hold docs/asyncapi.yaml against the AsyncAPI specification's own schema
	@mkdir -p build && cd build && tar xzf "$$(npm pack --silent @asyncapi/specs@6.11.1)" \
		'package/schemas/3.0.0-without-$$id.json'
	@$(BIN)/python tools/check_asyncapi.py 'build/package/schemas/3.0.0-without-$$id.json'

# Needs npm; the tests check topics, fields and wires of the flow without it.
check-node-red: .stamps/dev ## run the Node-RED flow in a real Node-RED
	@mkdir -p build/node-red && cd build/node-red && npm install --silent --no-audit --no-fund node-red@4.1.15
	@$(BIN)/python tools/check_node_red.py build/node-red/node_modules

# Home Assistant needs a newer Python than the box; HOME_ASSISTANT=2026.11.0 needs 3.14.
check-home-assistant: .stamps/dev ## show a real Home Assistant the discovery message; PYTHON=python3.13
	@test -x .venv-home-assistant/bin/python || $(or $(PYTHON),python3.13) -m venv .venv-home-assistant
	@.venv-home-assistant/bin/python -m pip install --quiet --disable-pip-version-check \
		homeassistant==$(or $(HOME_ASSISTANT),2025.4.4)
	@.venv-home-assistant/bin/python tools/home_assistant_probe.py requirements \
		| xargs .venv-home-assistant/bin/python -m pip install --quiet --disable-pip-version-check
	@$(BIN)/python tools/check_home_assistant.py --python .venv-home-assistant/bin/python

# tflite-runtime has no wheels for Python 3.12 and later; say PYTHON=python3.11 where that is needed.
check-tflite-runtime: .stamps/demo ## show that the models answer the same on tflite-runtime 2.14
	@test -x .venv-tflite/bin/python || $(or $(PYTHON),python3) -m venv .venv-tflite
	@.venv-tflite/bin/python -m pip install --quiet --disable-pip-version-check \
		tflite-runtime==2.14.0 'numpy>=1.26,<2'
	@mkdir -p build
	@$(BIN)/python tools/check_tflite_runtime.py --keep build/litert-answers.npz
	@.venv-tflite/bin/python tools/check_tflite_runtime.py --compare build/litert-answers.npz

check-units: .stamps/dev ## run the systemd units under a real systemd, in throw-away namespaces; needs root
	@$(BIN)/python tools/check_units.py

check-cameras: ## run the real Picamera2 and the real GStreamer in a Debian 13 root; needs root
	@tools/check_cameras.sh $(ARGS)

.PHONY: release check-install check-install-arm64
release: ## build wheel, source archive and SHA256SUMS of the last commit into dist/; KEY=... signs them
	@tools/release.sh $(or $(DEST),dist) $(KEY)

check-install: .stamps/dev ## install, upgrade, roll back and remove in roots of Debian 12 and 13; needs root, debootstrap
	@$(BIN)/python tools/check_install.py $(ARGS)

check-install-arm64: .stamps/dev ## the same for arm64 under qemu, and compare its vectors with those of this machine
	@$(BIN)/python tools/check_install.py --arch arm64 --suite bookworm $(ARGS)

.PHONY: check-arm64-machine
check-arm64-machine: .stamps/dev ## try the cage and the demo in an emulated arm64 computer; ARGS=--install installs and removes there
	@$(BIN)/python tools/check_arm64_machine.py $(ARGS)

.PHONY: check-cost
check-cost: .stamps/dev ## count the instructions of a frame and of sound against benchmarks/budget.toml; needs valgrind, minutes
	@$(BIN)/python benchmarks/count_instructions.py $(ARGS)

clean: ## remove the virtual environments and everything built
	rm -rf $(VENV) .venv-* .stamps build dist *.egg-info .coverage

.stamps/demo: $(DEPS)
	@tools/setup.sh demo $(VENV)
	@mkdir -p .stamps && touch $@

.stamps/dev: $(DEPS)
	@tools/setup.sh dev $(VENV)
	@mkdir -p .stamps && touch .stamps/demo $@

.stamps/train: setup.cfg
	@test -x .venv-train/bin/python || python3 -m venv .venv-train
	@echo "== Installing the training packages (about 2 GB the first time)"
	@.venv-train/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[train]'
	@mkdir -p .stamps && touch $@
