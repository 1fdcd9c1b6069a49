"""pure: Pegasus' replica catalog: where files are that nobody makes, or that somebody has made before."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from roost.workflow.catalogs import LOCAL, Pfn, Source, entries, pfn
from roost.workflow.mistakes import Mistakes
from roost.yaml_lines import Document, Path, Place

_REPLICA = frozenset({"lfn", "pfns", "checksum", "regex", "metadata"})
_PFN = frozenset({"site", "pfn"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    """Where a file is; what is not empty or None counts, `on_site` before `local` before `url`."""

    lfn: str
    local: PurePath | None = None  # a file of this machine
    url: str = ""  # of a server, or of a bucket
    on_site: str = ""  # a path that is there wherever jobs run: on the image, on a shared file system
    sha256: str = ""
    at: Place | str = ""  # of the catalog entry
    is_wrong: bool = False  # it does not say where the file is, and that was told


@dataclass(kw_only=True, slots=True)
class Replicas:
    """Those of all catalogs; a later one wins."""

    execution_sites: tuple[str, ...]
    found: dict[str, Replica] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], Source, Path, list[tuple[str, str]]]] = field(default_factory=list)

    def get(self, lfn: str) -> Replica | None:
        known = self.found.get(lfn)
        if known is not None or not self.patterns:
            return known
        return self._by_pattern(lfn)

    def _by_pattern(self, lfn: str) -> Replica | None:
        """Pegasus' user guide, "Replica Catalog", Regex: [0] is all of the name, [1] the first group."""
        for pattern, source, path, pfns in reversed(self.patterns):
            if found := pattern.fullmatch(lfn):
                texts = [(site, _filled(text, (found[0], *found.groups("")))) for site, text in pfns]
                places = [(site, pfn(Mistakes(), source, path, text)) for site, text in texts]
                return _replica(lfn, places, "", Place(source.document, path), self.execution_sites)
        return None


def read_replicas(mistakes: Mistakes, source: Source, into: Replicas) -> None:
    document, execution_sites = source.document, into.execution_sites
    mine: set[str] = set()
    for path, entry in entries(mistakes, source, "replicas"):
        table = mistakes.table(document, path, entry, known=_REPLICA)
        lfn = mistakes.word(document, path, table, "lfn")
        if lfn and not table.get("pfns"):
            mistakes.add(document, path, f"'{lfn}' has no pfns: it does not say where the file is")
        before = mistakes.count
        places: list[tuple[str, Pfn | None]] = []
        texts: list[tuple[str, str]] = []
        first: Path = path
        for at, one in mistakes.items(document, (*path, "pfns"), table.get("pfns")):
            place = mistakes.table(document, at, one, known=_PFN)
            site, text = str(place.get("site", LOCAL)), mistakes.word(document, at, place, "pfn")
            first = first if places or texts else (*at, "pfn")
            if table.get("regex"):
                texts.append((site, text))
            elif text:
                found = pfn(mistakes, source, at, text)
                if found is not None and found.path is not None and site not in (LOCAL, *execution_sites):
                    said = f"a path at the site '{site}'; a replica is at local, at {execution_sites[0]}, or has a URL"
                    mistakes.unsupported(document, (*at, "site"), said)
                    found = None
                places.append((site, found))
        if table.get("regex"):
            _add_pattern(mistakes, source, path, lfn, texts, into)
        elif lfn and lfn not in mine:
            mine.add(lfn)
            sha256 = sha256_of(mistakes, document, path, table)
            made = _replica(lfn, places, sha256, Place(document, first), execution_sites)
            is_wrong = made is None or mistakes.count > before
            into.found[lfn] = made or Replica(lfn=lfn, at=Place(document, path), is_wrong=is_wrong)


def _replica(
    lfn: str, places: list[tuple[str, Pfn | None]], sha256: str, at: Place, execution_sites: tuple[str, ...]
) -> Replica | None:
    local: PurePath | None = None
    url = on_site = ""
    for site, place in places:
        if place is None:
            continue
        if place.path is None:
            url = url or place.url
        elif site in execution_sites:
            on_site = on_site or str(place.path)
        else:
            local = local or place.path
    if local is None and not url and not on_site:
        return None
    return Replica(lfn=lfn, local=local, url=url, on_site=on_site, sha256=sha256, at=at)


def sha256_of(mistakes: Mistakes, document: Document, path: Path, table: Mapping[str, object]) -> str:
    """What a catalog's entry says; empty where it says nothing."""
    value = table.get("checksum")
    if not value:
        return ""
    checksum = mistakes.table(document, (*path, "checksum"), value, known=("sha256",))
    digest = str(checksum.get("sha256", ""))
    if digest and not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        mistakes.add(document, (*path, "checksum"), f"'sha256' cannot be '{digest}': it has 64 hexadecimal digits")
        return ""
    return digest.lower()


def _add_pattern(
    mistakes: Mistakes, source: Source, path: Path, lfn: str, texts: list[tuple[str, str]], into: Replicas
) -> None:
    try:
        into.patterns.append((re.compile(lfn), source, path, texts))
    except re.error as error:
        mistakes.add(source.document, path, f"'{lfn}' is no regular expression: {error}")


def _filled(text: str, groups: tuple[str, ...]) -> str:
    """
    >>> _filled("/data/[1]/[0]", ("a.txt", "a"))
    '/data/a/a.txt'
    """
    for number, group in enumerate(groups):
        text = text.replace(f"[{number}]", group)
    return text
