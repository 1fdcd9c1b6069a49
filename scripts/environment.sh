# Sourced by ./roost and ./test: makes the virtual environment from a lock file, once for each state of that file.
# usage: environment LOCK    sets $venv; needs $here (the checkout)

environment() {
    lock=$here/$1
    venv=${ROOST_VENV:-$here/.venv}
    stamp=$(stamp_of "$1")
    # What ./test installs holds all that ./roost needs.
    { [ -e "$stamp" ] || [ -e "$(stamp_of requirements-dev.lock)" ]; } && return
    python=$(command -v python3) || stop "python3 is not on this machine" "apt-get install python3 python3-venv"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        stop "$("$python" --version) is too old: Roost needs 3.11 or newer" "apt-get install python3 python3-venv"
    say "setting up the virtual environment $venv (once)"
    if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        rm -rf "$venv"
        "$python" -m venv "$venv" >/dev/null 2>&1 || {
            # Debian's python3 comes without ensurepip
            install_package python3-venv
            rm -rf "$venv"
            "$python" -m venv "$venv" || stop "no virtual environment could be made in $venv" "ls -ld $here"
        }
    fi
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock" >&2 ||
        stop "the libraries of $1 could not be installed" "$venv/bin/python -m pip install --require-hashes -r $lock"
    "$venv/bin/python" -c "
import pathlib, sysconfig
pathlib.Path(sysconfig.get_path('purelib'), 'roost.pth').write_text('$here/src\n')"
    rm -f "$venv/.$1".*
    touch "$stamp"
}

stamp_of() { printf '%s/.%s.%s' "$venv" "$1" "$(cksum <"$here/$1" | tr -d ' ')"; }

may_install() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

install_package() {
    may_install || stop "the Debian package $1 is missing, and only root can install it" "sudo apt-get install $1"
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    say "installing the Debian package $1: ${as_root:+$as_root }apt-get install $1"
    $as_root apt-get update -qq >&2 || true
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq "$1" >/dev/null ||
        stop "apt-get could not install $1" "${as_root:+$as_root }apt-get install $1"
}

say() { printf 'roost: %s\n' "$*" >&2; }

stop() {
    printf 'Error: %s.\nTry:   %s\n' "$1" "$2" >&2
    exit 1
}
