"""pure: kinds of machines: what Pegasus 2 (INTEL32::LINUX) and 3 and 4 (x86, LINUX) called them -> Pegasus 5's words.

After Pegasus' own VDSSysInfo2NMI and its schema `sc-5.0.yml`.
"""

import re

from roost.workflow.old.findings import Findings
from roost.workflow.old.parts import System

# what an old file can say: what is written today
ARCHITECTURES = {
    **{"INTEL32": "x86_64", "INTEL64": "x86_64", "AMD64": "x86_64", "SPARCV7": "sparcv7", "SPARCV9": "sparcv9"},
    **{"x86": "x86_64", "x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "ia64": "ia64"},
    **{"ppc": "ppc", "ppc_64": "ppc_64", "ppc64le": "ppc64le", "sparcv7": "sparcv7", "sparcv9": "sparcv9"},
}
SYSTEMS = ("linux", "sunos", "macosx", "aix", "windows")
_ON_EC2 = ("x86_64", "aarch64")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+(\.[0-9]+)?)?")


def system(
    findings: Findings,
    line: int,
    *,
    arch: str = "",
    os: str = "",
    release: str = "",
    version: str = "",
    glibc: str = "",
) -> System:
    """The machine that an old file describes by words of its own."""
    if glibc:
        findings.note(line, "the version of glibc is left out: no planner asks for it any more")
    if version and not _VERSION.fullmatch(version):
        findings.note(line, f"osversion '{version}' is left out: Pegasus 5 takes up to three numbers, as in 2.6.18")
        version = ""
    return System(arch=_arch(findings, line, arch), os=_os(findings, line, os), release=release, version=version)


def system_of_sysinfo(findings: Findings, line: int, text: str) -> System:
    """ARCH::OS[:VERSION[:GLIBC]] of Pegasus 2, as in INTEL32::LINUX."""
    arch, _, rest = text.partition("::")
    os, _, rest = rest.partition(":")
    version, _, glibc = rest.partition(":")
    release, _, version = version.rpartition("_") if "_" in version else (version, "", "")
    return system(findings, line, arch=arch, os=os, release=release, version=version, glibc=glibc)


def _arch(findings: Findings, line: int, word: str) -> str:
    if not word:
        return ""
    if not findings.choice(line, "arch", word, ARCHITECTURES):
        return ""
    today = ARCHITECTURES[word]
    if today not in _ON_EC2:
        findings.note(line, f"arch {word}: EC2 has no such machines; a program made for it has to be compiled anew")
    elif word in ("x86", "INTEL32"):
        findings.note(line, f"arch {word} is written as x86_64: EC2's machines have 64 bits, and run 32-bit programs")
    return today


def _os(findings: Findings, line: int, word: str) -> str:
    lower = word.lower()
    if not word or not findings.choice(line, "os", lower, SYSTEMS):
        return ""
    if lower != "linux":
        findings.note(line, f"os {word}: the machines of a pool run Linux")
    return lower
