"""pure: sites.xml of Pegasus 2 (schema sc-2.0), 3 (sc-3.0) and 4 (sc-4.0, sc-4.1) -> [Site].

Three shapes of one thing. In 2.0 a site has <gridftp>, <jobmanager> and <workdirectory>; in 3.0 file systems of head
and worker nodes; in 4.0 directories with file servers. A single <site>, as tutorials print it, is read as well.
"""

import posixpath
import re
from collections.abc import Iterator

from roost.workflow.old.findings import Findings
from roost.workflow.old.parts import Directory, FileServer, Grid, Profiles, Site
from roost.workflow.old.systems import system, system_of_sysinfo
from roost.workflow.old.xml_checks import Checks, Format
from roost.workflow.old.xml_lines import Element, NotXmlError, below_root, root_name

_SYSTEM = ("arch", "os", "osrelease", "osversion", "glibc")
_NUMBERS = ("free-mem", "total-mem", "max-count", "max-cpu-time", "running-jobs", "jobs-in-queue", "idle-nodes")
_IN_STORAGE = ("local", "shared", "wshared")
_IN_FS = ("scratch", "storage", "profile")
_KNOWN: Format = {
    "site": (
        ("handle", *_SYSTEM, "sysinfo", "gridlaunch", "home"),
        (
            *("profile", "metadata", "replica-catalog"),  # all, and 4
            *("directory", "grid"),
            *("head-fs", "worker-fs"),  # 3
            *("lrc", "gridftp", "jobmanager", "workdirectory"),  # 2
        ),
    ),
    "profile": (("namespace", "key"), ()),
    "metadata": (("key",), ()),
    "directory": (("type", "path", "free-size", "total-size"), ("file-server", "profile")),
    "file-server": (("operation", "url", "protocol", "mount-point"), ("profile",)),
    "grid": (("type", "contact", "scheduler", "jobtype", *_NUMBERS, "total-nodes", *_SYSTEM), ()),
    "replica-catalog": (("type", "url"), ("alias", "connection")),
    "alias": (("name",), ()),
    "connection": (("key",), ()),
    "head-fs": ((), _IN_FS),
    "worker-fs": ((), _IN_FS),
    "scratch": ((), _IN_STORAGE),
    "storage": ((), _IN_STORAGE),
    **dict.fromkeys(_IN_STORAGE, ((), ("file-server", "internal-mount-point"))),
    "internal-mount-point": (("mount-point", "free-size", "total-size"), ()),
    "lrc": (("url",), ()),
    "gridftp": (("url", "storage", "major", "minor", "patch", "total-size", "free-size"), ("bandwidth",)),
    "bandwidth": (("dest-subnet", "avg-bandwidth", "max-bandwidth", "min-bandwidth"), ()),
    "jobmanager": (
        (*("universe", "url", "major", "minor", "patch", *_NUMBERS, "total-nodes"), *("os", "arch", "type", "subnet")),
        (),
    ),
    "workdirectory": (("total-size", "free-size"), ()),
}
_DIRECTORIES = {
    "shared-scratch": "sharedScratch",
    "shared-storage": "sharedStorage",
    "local-scratch": "localScratch",
    "local-storage": "localStorage",
}
_OPERATIONS = ("all", "get", "put")
_GRAM = ("gt2", "gt4", "gt5")
_KEPT_GRIDS = ("condor", "batch", "ec2")  # of those that Pegasus 5 knows, what an HTCondor of today can still use
_GRIDS = (*_GRAM, *_KEPT_GRIDS, "condor-c", "pbs", "lsf", "sge", "cream", "nordugrid", "unicore", "deltacloud")
_SCHEDULERS = ("fork", "pbs", "lsf", "condor", "sge", "slurm", "unknown")
_JOB_TYPES = ("compute", "auxillary", "transfer", "register", "cleanup")
_NAME = re.compile(r"[\w.@-]+")


def read(data: bytes, findings: Findings) -> tuple[Site, ...]:
    """The sites; what is wrong or has gone is in `findings`."""
    is_piece = root_name(data) == "site"
    found: dict[str, Site] = {}
    try:
        _read(below_root(data, findings, around="sitecatalog" if is_piece else ""), Checks(findings, _KNOWN), found)
    except NotXmlError as error:
        findings.wrong(error.line, error.said)
    return tuple(found.values())


def _read(elements: Iterator[Element], checks: Checks, found: dict[str, Site]) -> None:
    root = next(elements)
    if root.name != "sitecatalog":
        checks.wrong(root, f"<{root.name}> is no site catalog: one begins with <sitecatalog>")
        return
    checks.attributes(root, ("version", "schemaLocation"))
    for element in elements:
        if not checks.is_one_of(element, ("site",), around=root):
            continue
        checks.element(element)
        site = _site(checks, element)
        if site.name in found:
            checks.wrong(element, f"the site '{site.name}' is there twice; it is also at {found[site.name].at}")
        found.setdefault(site.name, site)


def _site(checks: Checks, element: Element) -> Site:
    of = element.attributes
    findings, line = checks.findings, element.line
    if sysinfo := of.get("sysinfo", ""):
        machine = system_of_sysinfo(findings, line, sysinfo)
    else:
        words = {word: of.get(word, "") for word in _SYSTEM}
        machine = system(
            *(findings, line),
            arch=words["arch"],
            os=words["os"],
            release=words["osrelease"],
            version=words["osversion"],
            glibc=words["glibc"],
        )
    if launch := of.get("gridlaunch", ""):
        checks.note(element, f"gridlaunch '{launch}' is left out: the planner brings what starts a job")
    name = checks.required(element, "handle")
    if name and not _NAME.fullmatch(name):
        checks.wrong(element, f"'handle' cannot be '{name}': letters, digits, '.', '_', '-' and '@' only")
    for child in element.elements:
        if child.name in ("replica-catalog", "lrc"):
            url = child.attributes.get("url", "")
            checks.note(child, f"the replica location service '{url}' is left out: replicas are in replicas.yml")
        elif child.name == "metadata":
            checks.note(
                child, f"the metadata '{child.attributes.get('key', '')}' of a site are left out: nothing reads them"
            )
    return Site(
        name=name,
        system=machine,
        directories=tuple(_directories(checks, element)),
        grids=tuple(_grids(checks, element)),
        profiles=_site_profiles(checks, element),
        at=findings.at(line),
    )


def _site_profiles(checks: Checks, site: Element) -> Profiles:
    for fs in site.elements:
        if fs.name in ("head-fs", "worker-fs"):
            for one in fs.elements:
                if one.name == "profile":
                    checks.note(
                        one, f"a profile of <{fs.name}> is left out: profiles belong to a site or a file server"
                    )
    return checks.profiles(site)


def _grids(checks: Checks, site: Element) -> Iterator[Grid]:
    for one in site.elements:
        if one.name == "jobmanager":
            where = one.attributes.get("url", "")
            said = f"the gatekeeper '{where}' is left out" if where else "a gatekeeper without an address is left out"
            checks.note(one, f"{said}: GRAM is no more; jobs go to the pool itself")
        elif one.name == "grid":
            yield from _grid(checks, one)


def _grid(checks: Checks, one: Element) -> Iterator[Grid]:
    kind, contact = checks.required(one, "type").lower(), checks.required(one, "contact")
    scheduler = checks.required(one, "scheduler").lower()
    job_type = one.attributes.get("jobtype", "").lower()
    valid = [checks.findings.choice(one.line, "'type'", kind, _GRIDS)] if kind else [False]
    if scheduler:
        valid.append(checks.findings.choice(one.line, "'scheduler'", scheduler, _SCHEDULERS))
    if job_type:
        valid.append(checks.findings.choice(one.line, "'jobtype'", job_type, _JOB_TYPES))
    if not all(valid):
        return
    if kind in _KEPT_GRIDS:
        yield Grid(kind=kind, contact=contact, scheduler=scheduler, job_type=job_type)
        return
    what = "GRAM is no more" if kind in _GRAM else f"nothing of today speaks to {kind} gateways"
    checks.note(one, f"the gatekeeper '{contact}' ({kind}) is left out: {what}; jobs go to the pool itself")


def _directories(checks: Checks, site: Element) -> Iterator[Directory]:
    for one in site.elements:
        if one.name == "directory":
            yield from _directory_of_4(checks, one)
        elif one.name == "head-fs":
            yield from _directories_of_3(checks, one)
        elif one.name == "worker-fs":
            yield from _worker_directories_of_3(checks, one)
    yield from _directories_of_2(checks, site)


def _directory_of_4(checks: Checks, one: Element) -> Iterator[Directory]:
    kind, path = checks.required(one, "type"), checks.required(one, "path")
    if not kind or not checks.findings.choice(one.line, "'type'", kind, _DIRECTORIES):
        return
    for child in one.elements:
        if child.name == "profile":
            checks.note(child, "a profile of <directory> is left out: profiles belong to a site or a file server")
    servers = tuple(server for child in one.elements if (server := _server(checks, child)))
    of = one.attributes
    if path:
        yield _directory(
            checks, one, _DIRECTORIES[kind], path, servers, of.get("free-size", ""), of.get("total-size", "")
        )


def _directories_of_3(checks: Checks, fs: Element) -> Iterator[Directory]:
    for use in fs.elements:
        if use.name not in ("scratch", "storage"):
            continue
        for place in use.elements:
            mount = next((child for child in place.elements if child.name == "internal-mount-point"), None)
            if mount is None or not (path := checks.required(mount, "mount-point")):
                checks.note(place, f"a directory for {use.name} without a mount point is left out")
                continue
            kind = f"{'local' if place.name == 'local' else 'shared'}{use.name.title()}"
            servers = tuple(server for child in place.elements if (server := _server(checks, child)))
            of = mount.attributes
            yield _directory(checks, place, kind, path, servers, of.get("free-size", ""), of.get("total-size", ""))


def _worker_directories_of_3(checks: Checks, fs: Element) -> Iterator[Directory]:
    """Pegasus 4 dropped them: a job works in the directory that HTCondor gives it."""
    checks.note(
        fs, "the file systems of worker nodes are left out: a job works in the directory that HTCondor gives it"
    )
    yield from ()


def _directories_of_2(checks: Checks, site: Element) -> Iterator[Directory]:
    work = next((one.text for one in site.elements if one.name == "workdirectory"), "")
    for one in site.elements:
        if one.name != "gridftp":
            continue
        url, storage = one.attributes.get("url", ""), one.attributes.get("storage", "")
        host = url.partition("://")[2].strip("/")
        if not host or not storage:
            checks.note(one, f"the GridFTP server '{url}' is left out: it names no host or no directory")
            continue
        checks.note(one, f"the GridFTP server '{url}' is kept for Pegasus; in a pool HTCondor moves the files")
        root = url.rstrip("/")
        if storage != "/":
            yield Directory(kind="sharedStorage", path=storage, servers=(FileServer(url=root + storage),))
        if work:
            yield Directory(kind="sharedScratch", path=work, servers=(FileServer(url=root + work),))
            work = ""
    if work:
        yield Directory(kind="sharedScratch", path=work, servers=(FileServer(url=f"file://{work}"),))


def _directory(
    checks: Checks, one: Element, kind: str, path: str, servers: tuple[FileServer, ...], free: str, total: str
) -> Directory:
    if not servers:
        checks.note(one, f"the directory '{path}' has no file server: Pegasus 5 wants one, file://{path} is written")
        servers = (FileServer(url=f"file://{path}"),)
    return Directory(kind=kind, path=path, servers=servers, free_size=free, total_size=total)


def _server(checks: Checks, one: Element) -> FileServer | None:
    if one.name != "file-server":
        return None
    url, operation = checks.required(one, "url"), one.attributes.get("operation", "all").lower()
    if not checks.findings.choice(one.line, "'operation'", operation, _OPERATIONS) or not url:
        return None
    if mount := one.attributes.get("mount-point", ""):
        url = url.rstrip("/") + "/" + mount.lstrip("/") if not url.endswith("://") else url + posixpath.join("/", mount)
    return FileServer(url=url, operation=operation, profiles=checks.profiles(one))
