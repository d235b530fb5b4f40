# shellcheck shell=bash
# Installs, upgrades and removes the service. Sourced by install.sh, whose words (say, fail, ...) it uses.
#
#   /opt/kiosk/versions/ID      one whole version: its Python environment, its unit, its annotated kiosk.toml
#     .../complete              it was made to the end: without this file it does not count, and is made anew
#     .../proven                it has been READY once: only such a version is gone back to
#   /opt/kiosk/current          link to the version in force; replaced by a rename, so that it is always one or the other
#   /opt/kiosk/previous         link to the version to go back to
#
# An ID is made of the version's number and its content: the same checkout is the same version, and installing it again
# does nothing. What may be interrupted is made beside its place and renamed into it; whatever a run leaves behind, the
# next one takes up.

: "${here:?install.sh sources this file}"
home=/opt/kiosk
versions=$home/versions
current=$home/current
previous=$home/previous
command_link=/usr/local/bin/kiosk
settings=/etc/kiosk/kiosk.toml
token=/etc/kiosk/mercadopago-token
unit=/etc/systemd/system/kiosk.service
catalog=/usr/local/lib/systemd/catalog/kiosk.catalog
groups_file=/etc/sysusers.d/kiosk.conf
rules_file=/etc/udev/rules.d/60-kiosk.rules
pi_model=/proc/device-tree/model
pi_watchdog=/etc/systemd/system.conf.d/50-kiosk-watchdog.conf
pi_modules=/etc/modules-load.d/kiosk.conf
# Debian's own Python, whatever else the machine has: Debian's python3-systemd, python3-spidev and python3-evdev are made
# for it, and spare the machine a compiler.
python=/usr/bin/python3

busy_s=900 # longer than any sale can keep the counter busy

dry='' force='' purge='' wheels='' token_from='' restore=''

service() {
    local uninstall=''
    while (($# > 0)); do
        case $1 in
            --dry-run) dry=1 ;;
            --force) force=1 ;;
            --uninstall) uninstall=1 ;;
            --purge) purge=1 ;;
            --token | --wheels | --restore)
                [[ -n ${2-} ]] || wrong_use "$1 needs a value"
                case $1 in
                    --token) token_from=$2 ;;
                    --wheels) wheels=$2 ;;
                    *) restore=$2 ;;
                esac
                shift
                ;;
            *) wrong_use "unknown option: $1" ;;
        esac
        shift
    done
    [[ -z $purge || -n $uninstall ]] || wrong_use "--purge goes with --uninstall"
    [[ -z $uninstall || -z $wheels$token_from$restore ]] || wrong_use "--uninstall takes only --purge, --force, --dry-run"
    [[ -z $wheels || -d $wheels ]] || fail "$wheels is no folder"
    [[ -z $token_from || $token_from == - || -r $token_from ]] || fail "$token_from cannot be read"
    [[ -z $restore || -r $restore/journal.db && -r $restore/kiosk.toml ]] ||
        fail "$restore is no backup: kiosk backup makes a folder with journal.db and kiosk.toml"
    [[ -n $dry || $EUID == 0 ]] || fail "this needs root: sudo ./install.sh $*"
    [[ -n $dry || -d /run/systemd/system ]] || fail "systemd does not run here; for a try without it: ./install.sh --demo"
    one_at_a_time
    if [[ -n $uninstall ]]; then remove_service; else install_service; fi
}

# run COMMAND...: do it, or with --dry-run say it.
run() {
    if [[ -n $dry ]]; then
        printf 'would run: %s\n' "$*"
    else
        "$@"
    fi
}

one_at_a_time() {
    [[ -z $dry ]] || return 0
    mkdir -p -- "$home"
    exec 9>"$home/lock"
    flock --nonblock 9 || fail "another ./install.sh is at work"
}

# put MODE FROM TO: a file, whole or not at all.
put() {
    run install -D -m "$1" -- "$2" "$3.new"
    run mv -T -- "$3.new" "$3"
}

# write MODE TO: what stands on standard input.
write() {
    if [[ -n $dry ]]; then
        cat >/dev/null
        printf 'would write: %s\n' "$2"
        return
    fi
    install -D -m "$1" -- /dev/stdin "$2.new"
    mv -T -- "$2.new" "$2"
}

# link TO NAME
link() {
    run ln -sfn -- "$1" "$2.new"
    run mv -T -- "$2.new" "$2"
}

# --- installing -------------------------------------------------------------------------------------------------------

missing_for_service() {
    "$python" -c 'import ensurepip, sqlite3, ssl, venv' 2>/dev/null || printf '%s\n' python3 python3-venv
    "$python" -I -c 'import systemd.journal' 2>/dev/null || printf '%s\n' python3-systemd
    "$python" -I -c 'import spidev' 2>/dev/null || printf '%s\n' python3-spidev
    "$python" -I -c 'import evdev' 2>/dev/null || printf '%s\n' python3-evdev # USB number pads
    ldconfig -p | grep -q 'libusb-1\.0\.so' || printf '%s\n' libusb-1.0-0 # USB printers
    [[ -e /etc/ssl/certs/ca-certificates.crt ]] || printf '%s\n' ca-certificates
    [[ -e /usr/share/zoneinfo/America/Sao_Paulo ]] || printf '%s\n' tzdata
}

install_service() {
    local id
    local -a missing
    mapfile -t missing < <(missing_for_service)
    if ((${#missing[@]} > 0)); then
        if [[ -n $dry ]]; then say "would install Debian packages: ${missing[*]}"; else install_packages "${missing[@]}"; fi
    fi
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' ||
        fail "needs Debian or Raspberry Pi OS 12 or 13, whose Python is 3.11 or 3.13; here it is $("$python" --version)"
    id=$(version_id)
    make_version "$id"
    make_user
    set_up_pi
    [[ -z $restore ]] || restore_backup "$versions/$id"
    put_settings "$id"
    put_token
    put_in_force "$id"
    what_next
}

# Number and content of this checkout, for this Python.
version_id() (
    cd -- "$here" || exit
    number=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
    content=$({
        "$python" --version
        find kiosk config systemd pyproject.toml install.sh -type f ! -path '*/__pycache__/*' -print0 | LC_ALL=C sort -z |
            xargs -0 sha256sum
    } | sha256sum)
    printf '%s-%s\n' "$number" "${content:0:10}"
)

# make_version ID: beside the one that is selling, which does not notice.
make_version() {
    local at=$versions/$1
    local -a pip=("$at/bin/python" -m pip install --quiet --disable-pip-version-check --no-build-isolation)
    [[ ! -e $at/complete ]] || return 0
    say "making version $1 in $at"
    pip+=(--constraint "$here/config/constraints.txt")
    [[ -z $wheels ]] || pip+=(--no-index -f "$wheels")
    run rm -rf -- "$at"
    run mkdir -p -- "$at/source" "$at/share"
    run "$python" -m venv "$at"
    # Built from a copy: building leaves its traces, and the checkout may belong to somebody else.
    run cp -r -- "$here/kiosk" "$here/pyproject.toml" "$here/README.md" "$at/source"
    if ! run "${pip[@]}" setuptools || ! run "${pip[@]}" "$at/source[notifications]" gpiod; then
        fail "pip could not install the packages (see above); check the network, or --wheels, and run this again"
    fi
    run rm -rf -- "$at/source"
    [[ -n $dry ]] || borrow_modules "$at"
    put 644 "$here/systemd/kiosk.service" "$at/share/kiosk.service"
    put 644 "$here/systemd/kiosk.catalog" "$at/share/kiosk.catalog"
    put 644 "$here/config/kiosk.toml" "$at/share/kiosk.toml"
    put 644 "$here/README.md" "$at/share/README.md"
    run "$at/bin/kiosk" --help >/dev/null
    run sync -f "${at%/*}" # a version that counts is on the disk
    run touch -- "$at/complete"
}

# borrow_modules AT: Debian's systemd, spidev and evdev, which PyPI has only as source, and nothing else of Debian's.
borrow_modules() {
    local from to
    to=$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    while read -r from; do
        ln -sfn -- "$from" "$to/"
    done < <("$python" -I -c '
import evdev, os, spidev, systemd.journal
print(os.path.dirname(systemd.journal.__file__))
print(os.path.dirname(evdev.__file__))
print(spidev.__file__)')
    "$1/bin/python" -I -c 'import evdev, spidev, systemd.daemon, systemd.journal'
}

# The user and the groups that own the devices. Raspberry Pi OS has all of them, a plain Debian has neither gpio, i2c
# nor spi, nor the rules that give them their devices.
make_user() {
    write 644 "$groups_file" <<'TEXT'
g gpio -
g i2c -
g spi -
g input -
g lp -
g dialout -
u kiosk - "Counter-payment kiosk" /var/lib/kiosk
TEXT
    run systemd-sysusers "$groups_file"
    write 644 "$rules_file" <<'TEXT'
# As Raspberry Pi OS has them, for systems that do not.
SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"
SUBSYSTEM=="i2c-dev", GROUP="i2c", MODE="0660"
SUBSYSTEM=="spidev", GROUP="spi", MODE="0660"
TEXT
    if command -v udevadm >/dev/null; then
        run udevadm control --reload
        run udevadm trigger --subsystem-match=gpio --subsystem-match=i2c-dev --subsystem-match=spidev
    fi
}

# On a Raspberry Pi: the buses of the panel (I2C four times as fast as it comes) and the hardware's own watchdog.
set_up_pi() {
    local model boot=/boot/firmware/config.txt line
    local -a missing=()
    model=$(tr -d '\0' 2>/dev/null <"$pi_model") || return 0
    [[ $model == Raspberry\ Pi* ]] || return 0
    [[ -e $boot ]] || boot=/boot/config.txt
    boot=${pi_boot:-$boot}
    printf 'i2c-dev\n' | write 644 "$pi_modules"
    write 644 "$pi_watchdog" <<'TEXT'
# A machine that hangs as a whole starts again by itself. The chip's counter reaches 16 seconds.
[Manager]
RuntimeWatchdogSec=15s
TEXT
    for line in dtparam=i2c_arm=on dtparam=i2c_arm_baudrate=400000 dtparam=spi=on; do
        grep -qxF -- "$line" "$boot" || missing+=("$line")
    done
    ((${#missing[@]} > 0)) || return 0
    # [all]: the file may end within a section for another model.
    { cat -- "$boot" && printf '\n[all]\n' && printf '%s\n' "${missing[@]}"; } | write 755 "$boot"
    say "turned on I2C and SPI in $boot; they are there after a reboot: sudo reboot"
}

# restore_backup VERSION: all that `kiosk backup` put into a folder, for instance on a new card.
# What was there goes aside, all of the journal: a WAL file that is left beside another journal would damage that.
restore_backup() {
    local file journal people place aside before
    "$1/bin/kiosk" config --config "$restore/kiosk.toml" >/dev/null ||
        fail "nothing was restored: this version does not take $restore/kiosk.toml (see above)"
    journal=$("$1/bin/kiosk" config --config "$restore/kiosk.toml" | sed -n '/^\[journal\]/,$ s/^path = "\(.*\)"$/\1/p')
    people=$("$1/bin/kiosk" config --config "$restore/kiosk.toml" | sed -n 's/^supervisors = "\(.*\)"$/\1/p')
    wait_until_nobody_is_served "$1"
    if systemctl is-active --quiet kiosk; then run systemctl stop kiosk; fi
    place=$(dirname -- "$journal") before=before-$(date +%Y-%m-%d-%H%M%S)
    aside=$place/$before
    run install -d -o kiosk -g kiosk -m 700 -- "$place"
    for file in "$journal" "$journal"-*; do
        [[ -e $file ]] || continue
        run install -d -o kiosk -g kiosk -m 700 -- "$aside"
        run mv -- "$file" "$aside/"
    done
    run install -o kiosk -g kiosk -m 600 -- "$restore/journal.db" "$journal.new"
    run sync -f "$place"
    run mv -T -- "$journal.new" "$journal"
    if [[ -e $settings ]] && ! cmp -s -- "$settings" "$restore/kiosk.toml"; then
        run mv -T -- "$settings" "$settings.$before"
    fi
    put 644 "$restore/kiosk.toml" "$settings"
    if [[ -n $people && -e $restore/supervisors ]]; then
        if [[ -e $people ]] && ! cmp -s -- "$people" "$restore/supervisors"; then
            run mv -T -- "$people" "$people.$before"
        fi
        run install -D -o root -g kiosk -m 640 -- "$restore/supervisors" "$people.new"
        run mv -T -- "$people.new" "$people"
    fi
    run sync -f "$place"
    say "restored $restore"
    [[ -n $dry || ! -e $aside ]] || say "what was there before is kept in $aside"
}

# put_settings ID: the annotated configuration, where there is none. One that is there is the shop's, and only told about.
put_settings() {
    local told
    if [[ ! -e $settings ]]; then
        put 644 "$here/config/kiosk.toml" "$settings"
    elif [[ -e $current/share/kiosk.toml ]]; then
        told=$(comm -13 <(settings_in "$current/share/kiosk.toml") <(settings_in "$here/config/kiosk.toml"))
        [[ -z $told ]] || say "new settings; $versions/$1/share/kiosk.toml explains them:"$'\n'"$told"
    fi
}

settings_in() { awk '/^\[/ { table = $1 } /^[a-z_]+ *=/ { print "  " table " " $1 }' "$1" | LC_ALL=C sort; }

# The access token: from --token, or asked for where somebody sits at a terminal. It stands in no command line.
put_token() {
    local text=''
    if [[ -n $token_from ]]; then
        text=$(cat -- "${token_from/#-/\/dev\/stdin}")
    elif [[ ! -e $token && -t 0 && -z $dry ]]; then
        read -rsp 'Access token of the Mercado Pago account (it does not show; empty: later): ' text
        printf '\n'
    fi
    [[ -n $text ]] || return 0
    printf '%s\n' "$text" | write 600 "$token"
}

# Whether the shop has filled in what only it knows.
is_filled_in() { [[ -e $token ]] && ! cmp -s -- "$settings" "$here/config/kiosk.toml"; }

# put_in_force ID: the version that is made becomes the one that runs; it becomes READY, or the one before comes back.
put_in_force() {
    local id=$1 before='' back=''
    [[ ! -L $current ]] || before=$(basename -- "$(readlink -- "$current")")
    if [[ $before == "$id" && $(running_version) == "$id" ]] && cmp -s -- "$versions/$id/share/kiosk.service" "$unit"; then
        say "version $id is in force and running"
        return
    fi
    if is_filled_in; then
        run "$versions/$id/bin/kiosk" config --config "$settings" >/dev/null ||
            fail "version $id is made and not in force: it does not take the configuration (see above)"
        wait_until_nobody_is_served "$versions/$id"
    fi
    if [[ -n $before ]] && systemctl is-active --quiet kiosk && [[ $(running_version) == "$before" ]]; then
        run touch -- "$versions/$before/proven"
    fi
    if [[ -n $before && $before != "$id" && -e $versions/$before/proven ]]; then
        link "$versions/$before" "$previous"
    fi
    switch_to "$id"
    run systemctl --quiet enable kiosk
    is_filled_in || return 0
    say "starting version $id"
    if run systemctl restart kiosk; then
        run touch -- "$versions/$id/proven"
        remove_old_versions "$id"
        return
    fi
    [[ ! -L $previous ]] || back=$(basename -- "$(readlink -- "$previous")")
    if [[ -z $back || $back == "$id" || ! -e $versions/$back/proven ]]; then
        fail "the kiosk does not become ready; what it says: systemctl status kiosk; journalctl -u kiosk"
    fi
    switch_to "$back"
    systemctl restart kiosk || fail "neither version $id nor $back becomes ready: journalctl -u kiosk"
    fail "version $id did not become ready (journalctl -u kiosk says why); version $back is back and running"
}

switch_to() {
    put 644 "$versions/$1/share/kiosk.service" "$unit"
    link "$versions/$1" "$current"
    link "$current/bin/kiosk" "$command_link"
    run systemctl daemon-reload
    put_catalog "$versions/$1/share/kiosk.catalog"
}

# put_catalog FILE: what `journalctl -x` explains. No version fails for want of it, and one of before has none.
put_catalog() {
    [[ -n $dry || -e $1 ]] || return 0
    put 644 "$1" "$catalog"
    run journalctl --update-catalog || say "journalctl -x will not explain the kiosk's messages (see above)"
}

# The version whose Python runs the service; empty where it does not run.
running_version() {
    local pid program
    pid=$(systemctl show --property MainPID --value kiosk 2>/dev/null) || return 0
    [[ ${pid:-0} != 0 ]] || return 0
    IFS= read -r -d '' program <"/proc/$pid/cmdline" || return 0
    [[ $program == "$versions"/* ]] || return 0
    program=${program#"$versions"/}
    printf '%s\n' "${program%%/*}"
}

# wait_until_nobody_is_served VERSION: a restart takes an open order back, so it waits for a quiet moment.
wait_until_nobody_is_served() {
    [[ -z $force ]] || return 0
    systemctl is-active --quiet kiosk 2>/dev/null || return 0
    run "$1/bin/kiosk" status --config "$settings" --wait "$busy_s" ||
        fail "nothing was changed; run this again, or with --force, which may take an open order back"
}

# remove_old_versions ID: all but this one and the one to go back to.
remove_old_versions() {
    local at back=''
    [[ ! -L $previous ]] || back=$(readlink -- "$previous")
    for at in "$versions"/*; do
        [[ $at == "$versions/$1" || $at == "$back" ]] || run rm -rf -- "$at"
    done
}

what_next() {
    if [[ -n $dry ]]; then return; fi
    if is_filled_in; then
        say "what kiosk check says:"
        "$command_link" check --config "$settings" || say "mend what is BAD above; then: sudo kiosk check"
        return
    fi
    say "installed. What is left to do:"
    printf '  sudo kiosk setup                   asks for the token, finds or makes store and point of sale, fetches the QR\n'
    printf '  sudo nano %s   change what else differs: keypad, display, printer\n' "$settings"
    printf '  sudo systemctl restart kiosk\n  sudo kiosk check\n'
}

# --- removing ---------------------------------------------------------------------------------------------------------

remove_service() {
    [[ ! -x $current/bin/kiosk ]] || wait_until_nobody_is_served "$current"
    if [[ -e $unit ]]; then
        run systemctl --quiet disable --now kiosk
    fi
    run rm -f -- "$unit" "$command_link" "$groups_file" "$rules_file" "$pi_watchdog" "$pi_modules"
    run systemctl daemon-reload
    if [[ -e $catalog ]]; then
        run rm -f -- "$catalog"
        run journalctl --update-catalog || true
    fi
    run rm -rf -- "$versions" "$current" "$previous" "$home/lock"
    run rmdir --ignore-fail-on-non-empty -- "$home"
    if [[ -n $purge ]]; then
        run rm -rf -- /etc/kiosk /etc/systemd/system/kiosk.service.d /var/lib/kiosk /var/cache/kiosk
        if id kiosk >/dev/null 2>&1; then run userdel kiosk; fi
        say "removed, with journal, configuration and token"
    else
        say "removed. Kept: the journal in /var/lib/kiosk, the configuration and the token in /etc/kiosk"
    fi
}
