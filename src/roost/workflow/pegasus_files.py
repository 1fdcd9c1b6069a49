"""pure: (a user's catalogs, what is known of the pool, where the run lies) -> what the real planner gets to read there.

Everything of this machine that catalogs name (inputs, executables, images of containers) goes along, and the catalogs
name it where it will be on the access point: there `local` is that machine, and the run's own directory its scratch.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath, PurePosixPath
from typing import Any

from roost.workflow.abstract import EXECUTION_SITES
from roost.workflow.catalog_entries import Catalogs, Entry, merged, tables
from roost.workflow.catalog_lint import local_path
from roost.workflow.catalog_text import texts
from roost.workflow.catalogs import LOCAL
from roost.workflow.needs import Needs
from roost.workflow.pool_catalogs import Beside, PoolFacts, file_url, pool_catalogs
from roost.yaml_lines import Document

WORKFLOW = "workflow.yml"
_INLINE = ("siteCatalog", "transformationCatalog", "replicaCatalog")
# HTCondor's manual, condor_submit. The log of jobs says which instance each ran on. A task that failed leaves no
# outputs, HTCondor holds its job for that (HoldReasonCode 12), and Pegasus lets it be for half an hour: it is removed.
_FOLLOWED = {
    "ulog_execute_attrs": "RoostInstanceId",
    # ... and its slot is not kept for ten minutes (MachineMaxVacateTime), for which its starter would stay
    "job_max_vacate_time": "60",
    "periodic_remove": "(JobStatus == 5) && (HoldReasonCode == 12 || (time() - EnteredCurrentStatus) > 1800)",
}
_SAFE = re.compile(r"[^A-Za-z0-9._+-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A file of this machine, and where the access point has to have it."""

    local: PurePath
    remote: PurePosixPath


@dataclass(frozen=True, kw_only=True, slots=True)
class PegasusFiles:
    texts: Mapping[str, str]  # file name in the run's directory: text
    uploads: tuple[Sent, ...]
    sites: tuple[str, ...]  # that jobs may run on
    staging_sites: Mapping[str, str]


def pegasus_files(
    yours: Catalogs, facts: PoolFacts, wanted: Needs, beside: Beside, *, workflow: str, run: PurePosixPath
) -> PegasusFiles:
    """`workflow`: its text, without catalogs of its own."""
    facts = replace(facts, home=run)
    # The user's site `local` is the user's machine.
    entries = replace(yours, sites={name: one for name, one in yours.sites.items() if name != LOCAL})
    pools = pool_catalogs(facts, wanted, beside, yours.pool_sites)
    whole = merged(entries, pools).catalogs
    moving = _Moving(run)
    sites = tuple(name for name in whole.sites if name in EXECUTION_SITES)
    catalogs = replace(
        whole,
        sites={name: _followed(one) if name in sites else one for name, one in whole.sites.items()},
        transformations={
            name: {**_without_installed(one, whole), "sites": moving.places(one, "sites")}
            for name, one in whole.transformations.items()
        },
        containers={name: moving.container(one) for name, one in whole.containers.items()},
        replicas={lfn: {**one, "pfns": moving.places(one, "pfns")} for lfn, one in whole.replicas.items()},
        # which files the catalogs are is ours to say: they are written anew
        properties={**whole.properties, **{key: one for key, one in pools.properties.items() if ".catalog." in key}},
    )
    written = {str(name): text for name, text in texts(catalogs).items()}
    is_staged = catalogs.properties["pegasus.data.configuration"] == "nonsharedfs" and facts.shared_at
    return PegasusFiles(
        texts={**written, WORKFLOW: workflow},
        uploads=tuple(moving.uploads),
        sites=sites,
        staging_sites={site: site for site in sites} if is_staged else {},
    )


def without_catalogs(text: str, document: Document) -> str:
    """The workflow's text without its catalogs, which become files of their own.

    >>> from roost.yaml_lines import parse_yaml
    >>> text = "name: w\\nreplicaCatalog:\\n  replicas: []\\njobs: []\\n"
    >>> without_catalogs(text, parse_yaml(text, "w.yml"))
    'name: w\\njobs: []\\n'
    """
    lines = text.splitlines(keepends=True)
    keys = sorted((document.line((key,)), str(key)) for key in document.value) if _is_block(document) else []
    ends = [line for line, _ in keys[1:]] + [len(lines) + 1]
    gone = {
        number for (begin, key), end in zip(keys, ends, strict=True) if key in _INLINE for number in range(begin, end)
    }
    return "".join(line for number, line in enumerate(lines, start=1) if number not in gone)


def _is_block(document: Document) -> bool:
    """One top-level key a line, as block style has it."""
    value = document.value
    return isinstance(value, dict) and len({document.line((key,)) for key in value}) == len(value)


class _Moving:
    """Catalog entries with this machine's files at their new places; notes what has to be sent for that."""

    def __init__(self, run: PurePosixPath) -> None:
        self._run = run
        self._remote: dict[PurePath, PurePosixPath] = {}

    @property
    def uploads(self) -> Iterator[Sent]:
        return (Sent(local=local, remote=remote) for local, remote in self._remote.items())

    def places(self, entry: Entry, key: str) -> list[dict[str, Any]]:
        return [self._place(one) for one in tables(entry.get(key))]

    def container(self, entry: Entry) -> Entry:
        is_ours = entry.get("image.site", LOCAL) == LOCAL
        return {**entry, "image": self._moved(entry["image"])} if is_ours and "image" in entry else entry

    def _place(self, place: dict[str, Any]) -> dict[str, Any]:
        """Of a replica or a transformation; what is installed somewhere is there."""
        is_ours = place.get("name", place.get("site", LOCAL)) == LOCAL and place.get("type") != "installed"
        return {**place, "pfn": self._moved(place.get("pfn"))} if is_ours else place

    def _moved(self, pfn: Any) -> Any:
        local = local_path(pfn, PurePath("/"))
        if local is None:
            return pfn
        if local not in self._remote:
            # a number keeps apart what has one name in two directories; logical names are the catalogs' matter
            name = f"{len(self._remote)}-{_SAFE.sub('_', local.name)}"
            self._remote[local] = self._run / "input" / name
        return file_url(str(self._remote[local]))


def _followed(site: Entry) -> Entry:
    """What a run can be followed by; the user's own profiles win."""
    profiles = dict(site.get("profiles") or {})
    return {**site, "profiles": {**profiles, "condor": {**_FOLLOWED, **profiles["condor"]}}}


def _without_installed(entry: Entry, catalogs: Catalogs) -> Entry:
    """What is on the image need not be sent along; pegasus-plan takes no `requires` for it."""
    needed = entry.get("requires")
    if not isinstance(needed, list):
        return entry
    left = [one for one in needed if not _is_installed(catalogs.transformations.get(str(one), {}))]
    return {key: value for key, value in {**entry, "requires": left}.items() if key != "requires" or left}


def _is_installed(entry: Entry) -> bool:
    return any(place.get("type") == "installed" for place in tables(entry.get("sites")))
