#!/usr/bin/env bash
# Sets the kiosk up on this machine. `./install.sh --help` says how.
#
# For --demo and --test everything Python goes into .venv beside this file, in the versions of config/constraints.txt;
# nothing else of the machine is touched but Debian packages that are missing, and those are named before they are
# installed. The service's own part is in systemd/service.sh. A second run finds all that done and goes straight on.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
venv=$here/.venv

usage() {
    cat <<'TEXT'
usage: sudo ./install.sh [OPTION...]     install the service, or upgrade it: once nobody is being served, and back to
                                         the version before where the new one does not become ready
           --token FILE                  the account's access token; -: typed, or from a pipe
           --wheels FOLDER               Python packages from there, none from the network (systemd/README.md)
           --restore FOLDER              what `kiosk backup` made comes back, as on a new card
           --force                       do not wait: an open order is taken back
           --dry-run                     say what would be done, do nothing
       sudo ./install.sh --uninstall     remove it; journal, configuration and token stay
           --purge                       they go, too
           --force, --dry-run            as above
       ./install.sh --demo [OPTION...]   set up and start the virtual counter; options go to `kiosk sim`,
                                         such as --listen 127.0.0.1:8080
       ./install.sh --test [--long]      set up and run the whole test suite; --long: also what takes hours
       ./install.sh --help               show this

Needs Python 3.11, 3.12 or 3.13. On Debian and Raspberry Pi OS, what is missing is installed with apt-get (as root, or
with sudo).
TEXT
}

say() { printf 'install.sh: %s\n' "$*"; }

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

wrong_use() {
    printf 'install.sh: %s\n' "$1" >&2
    usage >&2
    exit 2
}

# A Python of a version that pyproject.toml allows, able to make a virtual environment; empty where there is none.
find_python() {
    local name
    for name in python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && "$name" - >/dev/null 2>&1 <<'PYTHON'; then
import ensurepip, sqlite3, ssl, sys, venv
sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON
            command -v "$name"
            return
        fi
    done
}

# The Debian packages whose part the machine lacks, one a line. It is asked for the part, not for the package, so that
# what came another way (another distribution, a Python of one's own) counts too.
missing_for_demo() {
    [[ -n $(find_python) ]] || printf '%s\n' python3 python3-venv
    [[ -e /usr/share/zoneinfo/America/Sao_Paulo ]] || printf '%s\n' tzdata # the time on the tickets
}

missing_for_test() {
    local python headers=
    missing_for_demo
    python=$(find_python)
    [[ -z $python ]] || headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    # systemd-python is built from source.
    [[ -e $headers/Python.h ]] || printf '%s\n' python3-dev
    command -v gcc >/dev/null || printf '%s\n' gcc libc6-dev
    command -v pkg-config >/dev/null || printf '%s\n' pkg-config
    pkg-config --exists libsystemd 2>/dev/null || printf '%s\n' libsystemd-dev
    # The tests drive a real browser, and speak TLS with a certificate of their own.
    command -v chromium >/dev/null || printf '%s\n' chromium
    command -v openssl >/dev/null || printf '%s\n' openssl
    # They boot whole machines, and read the scripts as a strict reader does.
    command -v mmdebstrap >/dev/null || printf '%s\n' mmdebstrap
    command -v systemd-nspawn >/dev/null || printf '%s\n' systemd-container
    command -v shellcheck >/dev/null || printf '%s\n' shellcheck
    command -v strace >/dev/null || printf '%s\n' strace # what the journal writes is recorded, and cut at each point
}

missing_for_long() {
    missing_for_test
}

# install_packages NAME...: with apt-get, or say what to do.
install_packages() {
    local -a root=()
    if ! command -v apt-get >/dev/null; then
        fail "missing here; install it and run this again (Debian's names, and Python 3.11 to 3.13): $*"
    fi
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "type as root, then run this again: apt-get update && apt-get install $*"
        root=(sudo)
    fi
    say "installing Debian packages: $*"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update ||
        fail "apt-get could not fetch its lists (see above); check the network and run this again"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" >/dev/null ||
        fail "apt-get could not install the packages (see above); mend that and run this again"
}

# set_up demo|test|long EXTRAS: packages, then .venv with these extras of pyproject.toml.
set_up() {
    local purpose=$1 extras=$2 python made wanted installed=$venv/installed-for-$1
    local -a missing
    mapfile -t missing < <("missing_for_$purpose")
    ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
    python=$(find_python)
    [[ -n $python ]] || fail "needs Python 3.11, 3.12 or 3.13 with its venv module; python3 here is" \
        "$(python3 --version 2>&1 || true); use Debian 12 or Raspberry Pi OS 12, or newer"

    # An environment is good for one Python in one place: it is full of absolute paths.
    made=$("$python" --version && printf '%s\n' "$here")
    if [[ ! -e $venv/made-for || $(<"$venv/made-for") != "$made" ]]; then
        say "making $venv"
        "$python" -m venv --clear "$venv" || fail "cannot make $venv (see above)"
        printf '%s\n' "$made" >"$venv/made-for"
    fi

    wanted=$(cat -- "$here/pyproject.toml" "$here/config/constraints.txt" | sha256sum)
    [[ -e $installed && $(<"$installed") == "$wanted" ]] && return
    say "installing Python packages into $venv"
    # From inside the checkout: "." needs no quoting whatever its path holds.
    (cd -- "$here" && "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --use-pep517 \
        --constraint config/constraints.txt --editable ".[$extras]") ||
        fail "pip could not install the packages (see above); check the network and run this again"
    printf '%s\n' "$wanted" >"$installed"
    # Each purpose's extras hold those of the ones before it.
    [[ $purpose == demo ]] || cp -- "$installed" "$venv/installed-for-demo"
    [[ $purpose != long ]] || cp -- "$installed" "$venv/installed-for-test"
}

demo() {
    set_up demo sim
    exec "$venv/bin/kiosk" sim "$@"
}

run_tests() {
    local marks='not long' purpose=test extras=sim,test,service bench tests=0 patience_s=480
    if [[ ${1-} == --long ]]; then
        marks='' purpose=long patience_s=7200 extras+=,fuzz # the coverage-guided fuzzer, which not every machine can have
        shift
    fi
    (($# == 0)) || wrong_use "--test does not know: $*"
    set_up "$purpose" "$extras"
    cd -- "$here"
    unset PYTHONDONTWRITEBYTECODE # images set it: each of the many processes would compile the program anew
    # The certificate is made beside all the rest; after the benchmarks only where their numbers matter.
    if [[ -n $marks ]]; then
        PYTHONPATH=$here .venv/bin/python -m tests.certificate >"$venv/certificate.txt" 2>&1 &
        certificate=$!
        trap 'kill "$certificate" 2>/dev/null || true' EXIT # a global name: the trap outlives this function
    fi
    say "ruff"
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    say "mypy --strict"
    .venv/bin/mypy --strict
    for bench in tests/bench/bench_*.py; do
        [[ -e $bench ]] || continue
        say "$bench (that it runs: on a busy machine its numbers mean little)"
        PYTHONPATH=$here .venv/bin/python "$bench"
    done
    if [[ -z $marks ]]; then
        say "tests/bench/bench_journal.py --full (a million sales, some 2 GB in /var/tmp)"
        PYTHONPATH=$here .venv/bin/python tests/bench/bench_journal.py --full
        say "tests/bench/bench_keypad.py --full (100,000 presses, read in seven ways)"
        PYTHONPATH=$here .venv/bin/python tests/bench/bench_keypad.py --full
        say "the certificate of money"
        PYTHONPATH=$here .venv/bin/python -m tests.certificate --sales 1000000 --jobs 2 --compiled
    fi
    say "pytest"
    # One process more than there are processors: many of the slow tests wait for other programs. The files in the order
    # of tests/conftest.py: xdist's own leaves those of few and long tests to the end, when the other processes are idle.
    .venv/bin/python -m pytest --numprocesses $(($(nproc) + 1)) --dist loadfile --no-loadscope-reorder -m "$marks" \
        --max-worker-restart 0 -o faulthandler_timeout="$patience_s" || tests=$?
    if [[ -n $marks ]]; then
        say "the certificate of money"
        wait "$certificate" || fail "a law was broken, or the certificate did not come to its end:" \
            "$(<"$venv/certificate.txt")"
        trap - EXIT
        cat -- "$venv/certificate.txt"
    fi
    return "$tests"
}

case ${1-} in
    --demo) demo "${@:2}" ;;
    --test) run_tests "${@:2}" ;;
    --help | -h) usage ;;
    *)
        # shellcheck source=systemd/service.sh
        source "$here/systemd/service.sh"
        service "$@"
        ;;
esac
