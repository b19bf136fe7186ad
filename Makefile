# make listen: install what is missing and listen to the default input, or to the demo set where there is none.
# make test:   install what is missing and run every check.
# make test-quick: what breaks most often, within a minute and a half; needs no servers.
# make bench:  install the peers too and measure everything anew (half an hour on an idle machine); bench-smoke: briefly.

PYTHON ?= python3
VENV := .venv
TEST_VENV := .venv-test
SHARED := $(or $(EDMLIVE_SHARED),../shared)
REFERENCES := .references
BENCHMARKS := front_end descriptors decision whole_file streams growth listen
TEST_EXTRAS := live,train
QUICK := tests/test_architecture.py tests/test_docs.py tests/test_spec.py tests/test_taxonomy.py tests/kernels tests/features \
	tests/realtime/test_engine.py tests/realtime/test_voter.py tests/cli/test_profile.py tests/cli/test_common.py
LIVE := tests/realtime tests/sources tests/sinks tests/cli
FAULTS := $(wildcard tests/e2e/test_faults_*.py)
export PATH := $(PATH):/usr/sbin
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# Install Debian packages, or say that a person has to: $(call apt,packages,what will not work)
apt = { command -v apt-get >/dev/null && { [ -z "$(SUDO)" ] || command -v $(SUDO) >/dev/null; } && $(SUDO) apt-get update -qq \
	&& $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null; } \
	|| echo "Without $(strip $(1)) $(2): install it as root, with apt-get install $(strip $(1))."
# Make a virtual environment: $(call venv,folder,what to install)
venv = $(PYTHON) -m venv $(1) && $(1)/bin/pip install --quiet --upgrade pip \
	&& $(1)/bin/pip install --quiet --constraint constraints.txt $(2) && touch $(1)/installed

.PHONY: listen test test-quick checks test-e2e test-faults test-live test-rest test-installs bench bench-smoke install python portaudio servers valgrind references axe clean

listen: install
	@if $(VENV)/bin/edmlive devices >/dev/null; then $(VENV)/bin/edmlive listen; \
	else echo "Until then it listens to a demo set, which it renders itself."; $(VENV)/bin/edmlive listen --input demo; fi

install: $(VENV)/installed portaudio

test: $(TEST_VENV)/installed portaudio servers axe checks
	$(MAKE) --jobs 4 test-e2e test-faults test-live test-rest test-installs

test-quick: checks
	nice $(TEST_VENV)/bin/pytest -m "not slow" $(QUICK)

checks: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/ruff check .
	$(TEST_VENV)/bin/ruff format --check .
	$(TEST_VENV)/bin/codespell
	$(TEST_VENV)/bin/mypy

# Side by side on two cores: the end-to-end tests mostly wait, and go first when they do not, because they measure time.
test-live:
	$(with_references) nice $(TEST_VENV)/bin/pytest $(LIVE)

test-rest:
	$(with_references) nice $(TEST_VENV)/bin/pytest $(addprefix --ignore ,$(LIVE) tests/e2e)

test-e2e:
	$(e2e) tests/e2e $(addprefix --ignore ,$(FAULTS))

test-faults:
	$(e2e) $(FAULTS)

# What constraints.txt does not cover: the newest versions there are, and the lowest that pyproject.toml allows.
test-installs: .venv-newest/installed .venv-lowest/installed
	nice $(TEST_VENV)/bin/python tests/smoke.py .venv-newest
	nice $(TEST_VENV)/bin/python tests/smoke.py .venv-lowest

.venv-newest/installed: pyproject.toml | python
	rm -rf $(@D) && $(PYTHON) -m venv $(@D) && $(@D)/bin/pip install --quiet --upgrade pip \
	&& $(@D)/bin/pip install --quiet --editable '.[live]' && touch $@

.venv-lowest/installed: pyproject.toml $(TEST_VENV)/installed
	rm -rf $(@D) && $(PYTHON) -m venv $(@D) \
	&& $(TEST_VENV)/bin/uv pip install --quiet --python $(@D) --resolution lowest-direct --editable '.[live]' && touch $@

bench: $(TEST_VENV)/peers portaudio servers valgrind
	mkdir -p benchmarks/results
	for name in $(BENCHMARKS); do echo "== $$name"; \
	$(TEST_VENV)/bin/python -m benchmarks.$$name --json benchmarks/results/$$name.json || exit 1; done
	$(TEST_VENV)/bin/python -m benchmarks.plots
	$(TEST_VENV)/bin/python -m benchmarks.instructions

bench-smoke: $(TEST_VENV)/peers portaudio servers valgrind
	for name in $(BENCHMARKS); do echo "== $$name"; $(TEST_VENV)/bin/python -m benchmarks.$$name --quick || exit 1; done
	$(TEST_VENV)/bin/python -m benchmarks.instructions --quick
	$(TEST_VENV)/bin/python -m benchmarks.demo_set 60
	$(TEST_VENV)/bin/python -m benchmarks.tempo --quick
	$(TEST_VENV)/bin/python -m benchmarks.soak 0.02 0.2
	for name in realism mastering; do $(TEST_VENV)/bin/python -m research.$$name --help >/dev/null || exit 1; done

# Where the reference values are at hand, so shall be the real music they were measured on.
ifneq ($(wildcard $(SHARED)/data/reference_descriptors.csv),)
test: | references
with_references = EDMLIVE_REFERENCE_AUDIO=$${EDMLIVE_REFERENCE_AUDIO:-$(abspath $(REFERENCES))} \
	EDMLIVE_BEATPORT_2021=$${EDMLIVE_BEATPORT_2021:-$(abspath $(REFERENCES))/bandcamp_librarian/dataset-model-predictor/beatport_2021jan.csv}
endif

e2e = EDMLIVE_AXE=$${EDMLIVE_AXE:-$(abspath $(REFERENCES))/axe.min.js} $(with_references) $(TEST_VENV)/bin/pytest

references: $(TEST_VENV)/installed
	@test -f $(REFERENCES)/fetched \
	|| { PATH="$(abspath $(TEST_VENV))/bin:$$PATH" sh tests/fetch_references.sh $(REFERENCES) && touch $(REFERENCES)/fetched; } \
	|| echo "The reference music could not be fetched: tests on real tracks will not run."

$(VENV)/installed: pyproject.toml constraints.txt | python
	$(call venv,$(VENV),--editable '.[live]')

$(TEST_VENV)/installed: pyproject.toml constraints.txt | python
	$(call venv,$(TEST_VENV),--editable '.[$(TEST_EXTRAS)]' --group test)

$(TEST_VENV)/peers: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/pip install --quiet --constraint constraints.txt --group peers && touch $@

axe:
	@test -f $(REFERENCES)/axe.min.js || $(PYTHON) tests/fetch_axe.py $(REFERENCES)/axe.min.js \
	|| echo "axe-core could not be fetched: the page's accessibility will not be judged."

# Debian's python3 comes without venv.
python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(call apt,python3-venv,virtual environments cannot be made)

# On macOS PortAudio comes inside the sounddevice wheel; on Linux it is the system's.
portaudio:
	@$(PYTHON) -c 'import ctypes.util as u, sys; sys.exit(sys.platform == "linux" and not u.find_library("portaudio"))' \
	|| $(call apt,libportaudio2 libasound2-plugins,listening to a device will not work)

servers:
	@{ command -v pulseaudio && command -v pactl && command -v paplay && command -v jackd && command -v jack_lsp \
	&& command -v icecast2 && command -v ffmpeg && command -v mosquitto && command -v openssl && command -v strace && command -v chromium \
	&& ls /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf && ls /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so; } >/dev/null 2>&1 \
	|| $(call apt,pulseaudio pulseaudio-utils libasound2-plugins jackd2 icecast2 ffmpeg mosquitto openssl strace \
	chromium fonts-dejavu-core,the end-to-end tests will not run)

valgrind:
	@command -v valgrind >/dev/null || $(call apt,valgrind,instructions cannot be counted)

clean:
	rm -rf $(VENV) $(TEST_VENV) .venv-newest .venv-lowest $(REFERENCES) build dist
