"""pure: what HTCondor itself says of the `condor_config` of pool.yml, before an execution point is launched with it.

In: the user's lines. Out: one command for a machine that has HTCondor, and what its answer means. HTCondor reads its
configuration without a complaint about values: only the daemon that uses one rejects it. So the command has
condor_config_val read the lines, and a condor_startd that cannot get further than its configuration, since it is given
no directory for jobs. What is around the lines is the like of `condor_config`, whose facts nobody knows yet.
"""

import difflib
import re
import string
from dataclasses import dataclass

_MARK = "== roost "
_AROUND = """\
CONDOR_HOST = 127.0.0.1
DAEMON_LIST = MASTER STARTD
use FEATURE:PartitionableSlot
use SECURITY:recommended_v9_0
ENABLE_IPV6 = False
RunBenchmarks = False
"""
# $0: what is around; $1: the user's lines. Nothing of the machine's own configuration is read but its main file.
_SCRIPT = f"""\
PATH=$PATH:/usr/sbin:/sbin
here=$(mktemp -d) || exit 1
trap 'rm -rf "$here"' EXIT
printf '%s' "$0" > "$here/around"
printf '%s' "$1" > "$here/condor_config"
main() {{
    cat "${{CONDOR_CONFIG:-/etc/condor/condor_config}}" 2>/dev/null
    printf '\\nLOCAL_CONFIG_DIR =\\nREQUIRE_LOCAL_CONFIG_FILE = True\\nLOCAL_CONFIG_FILE = %s\\n' "$1"
    printf 'LOCAL_DIR = %s\\n' "$here"
}}
main "$here/around" > "$here/main"
echo '{_MARK}names'
CONDOR_CONFIG=$here/main condor_config_val -dump -mixedcase 2>/dev/null |
    sed -n 's/^\\([A-Za-z_][A-Za-z0-9_.]*\\) = .*/\\1/p'
main "$here/around, $here/condor_config" > "$here/main"
export CONDOR_CONFIG=$here/main
echo '{_MARK}read'
condor_config_val -dump -mixedcase 2>&1 >/dev/null && echo '{_MARK}accepted' || exit 0
export _CONDOR_LOCAL_DIR=$here _CONDOR_LOG=$here _CONDOR_LOCK=$here _CONDOR_SPOOL=$here _CONDOR_RUN=$here
export _CONDOR_EXECUTE=$here/none _CONDOR_DAEMON_SOCKET_DIR=$here _CONDOR_STARTD_ADDRESS_FILE=$here/address
chown -R condor "$here" 2>/dev/null  # a startd that root starts is that user's
echo '{_MARK}startd'
timeout 20 condor_startd -f -t 2>&1
exit 0
"""
_WHERE = re.compile(r"Configuration Error Line (\d+) while reading config source \S*/condor_config\b")
_PLACED = re.compile(r'Config source (Error|Warning) "[^"]*", Line \d+(, Include Depth \d+)?: ?')
_ERROR = re.compile(r'ERROR "(.*)" at line \d+ in file')
_NO_DIRECTORY = "Error accessing execute directory"  # as far as it can get
_ASSIGNED = re.compile(r"\s*([A-Za-z_][\w.]*)\s*=")
_ALIKE = 0.85  # of difflib: NUM_CPUZ and NUM_CPUS are, HasGalaxy and any name of HTCondor's are not


@dataclass(frozen=True, kw_only=True, slots=True)
class Complaint:
    line: int | None  # of the user's lines, from 1; None: HTCondor names none
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    rejected: Complaint | None
    notes: tuple[Complaint, ...] = ()


def check(condor_config: str) -> list[str]:
    """An argument list for a machine with HTCondor; its exit code says nothing, `verdict` reads its answer."""
    return ["sh", "-c", _SCRIPT, _AROUND, condor_config]


def runs_programs(condor_config: str) -> bool:
    """Whether reading it could do more than read it, or needs files of the image: not for any machine.

    >>> runs_programs("A = 1\\n include command : /bin/date\\n"), runs_programs("A = include\\n")
    (True, False)
    """
    return re.search(r"^\s*@?include\b", condor_config, re.MULTILINE | re.IGNORECASE) is not None


def verdict(printed: str, condor_config: str) -> Verdict:
    """What `check` printed of these lines. Nothing is rejected for what the machine lacks.

    >>> said = "== roost read\\nConfiguration Error Line 2 while reading config source /tmp/x/condor_config\\n"
    >>> verdict(said, "A = 1\\nwhat\\n").rejected
    Complaint(line=2, words='Configuration Error')
    """
    parts = dict(part.partition("\n")[::2] for part in printed.split(_MARK)[1:])
    lines = condor_config.splitlines()
    read = parts.get("read", "").strip()
    if "accepted" not in parts:
        found = _WHERE.search(read)
        if found is None:
            return Verdict(rejected=None, notes=(Complaint(line=None, words=f"not checked: {read or 'no answer'}"),))
        return Verdict(rejected=Complaint(line=min(int(found[1]), max(1, len(lines))), words=_words(read)))
    notes = [Complaint(line=_line_of(one, lines), words=_words(one)) for one in read.splitlines() if one]
    for words in _ERROR.findall(parts.get("startd", "")):
        at = _named(words, lines)
        if at is not None and not words.startswith(_NO_DIRECTORY):
            return Verdict(rejected=Complaint(line=at, words=words), notes=tuple(notes))
    return Verdict(rejected=None, notes=(*notes, *_misspelt(lines, parts.get("names", "").split())))


def _words(said: str) -> str:
    """HTCondor's, without the files of the check."""
    words = [_PLACED.sub("", line).strip() for line in said.splitlines() if not _WHERE.search(line)]
    words = [re.sub(r"^at use .*|^Config source | in /\S*/condor_config$", "", word) for word in words]
    return "; ".join(dict.fromkeys(word.removeprefix("Error: ") for word in words if word)) or "Configuration Error"


def _line_of(said: str, lines: list[str]) -> int | None:
    found = re.search(r"Line (\d+)", said)
    return min(int(found[1]), len(lines)) if found and lines else None


def _named(words: str, lines: list[str]) -> int | None:
    """The last of the user's lines that sets what the words name."""
    named = {word.upper() for word in re.findall(r"[A-Za-z_][\w.]*", words)}
    at = [number for number, line in enumerate(lines, 1) if (a := _ASSIGNED.match(line)) and a[1].upper() in named]
    return at[-1] if at else None


def _misspelt(lines: list[str], known: list[str]) -> list[Complaint]:
    """HTCondor takes any name for one that somebody will use; nearly a known one, and used nowhere, is a mistake.

    >>> _misspelt(["NUM_CPUZ = 2"], ["NUM_CPUS"])[0].words
    'HTCondor knows no NUM_CPUZ; did you mean NUM_CPUS?'
    """
    by_upper = {name.upper(): name for name in known}
    found = []
    for number, line in enumerate(lines, 1):
        name = (_ASSIGNED.match(line) or ["", ""])[1]
        used_elsewhere = sum(len(re.findall(rf"\b{re.escape(name)}\b", one, re.IGNORECASE)) for one in lines) > 1
        if not name or name.upper() in by_upper or used_elsewhere:
            continue
        nearest = difflib.get_close_matches(name.upper(), by_upper, n=1, cutoff=_ALIKE)
        if nearest and nearest[0].rstrip(string.digits) != name.upper().rstrip(string.digits):  # SLOT_TYPE_2
            words = f"HTCondor knows no {name}; did you mean {by_upper[nearest[0]]}?"
            found.append(Complaint(line=number, words=words))
    return found
