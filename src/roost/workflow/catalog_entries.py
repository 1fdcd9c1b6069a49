"""pure: catalogs as entries that can be compared: the user's, those that are known of a pool, and the two as one.

In: plain values, as YAML gives them. Out: merged entries, in which what the user wrote wins, and each difference. What
tells entries apart is a name (sites, transformations: `namespace::name:version`), an lfn (replicas) or a key.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from roost.workflow.abstract import EXECUTION_SITES
from roost.workflow.catalogs import full_name

VERSION = "5.0.4"  # of the catalogs' format

Entry = Mapping[str, Any]


class Catalog(StrEnum):
    SITES = "sites.yml"
    TRANSFORMATIONS = "transformations.yml"
    REPLICAS = "replicas.yml"
    PROPERTIES = "pegasus.properties"


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogs:
    """Each a mapping from what tells its entries apart."""

    sites: Mapping[str, Entry] = field(default_factory=dict)
    transformations: Mapping[str, Entry] = field(default_factory=dict)
    containers: Mapping[str, Entry] = field(default_factory=dict)
    replicas: Mapping[str, Entry] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    note: str = ""  # what is known of the pool beyond its entries; pegasus-plan takes no keys of others

    @property
    def pool_sites(self) -> tuple[str, ...]:
        """The names that the pool goes by in them, as far as they name it."""
        named = [*self.sites]
        for entry in self.transformations.values():
            named += [str(one.get("name")) for one in tables(entry.get("sites"))]
        return tuple(name for name in dict.fromkeys(named) if name in EXECUTION_SITES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing that is known of the pool and that the user's catalogs do not say, or say otherwise."""

    catalog: Catalog
    entry: str
    key: str  # within the entry: profiles.condor.universe
    yours: Any  # None: nothing is said
    pools: Any

    @property
    def is_added(self) -> bool:
        return self.yours is None

    def __str__(self) -> str:
        """
        >>> print(Difference(catalog=Catalog.SITES, entry="ec2", key="arch", yours="x86", pools="x86_64"))
        ! ec2 arch: x86, and of the pool is known x86_64; yours stays
        """
        what = f"{self.entry} {self.key}".strip()
        if self.is_added:
            return f"+ {what}: {_said(self.pools)}"
        return f"! {what}: {_said(self.yours)}, and of the pool is known {_said(self.pools)}; yours stays"


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    catalogs: Catalogs
    differences: tuple[Difference, ...]


def merged(yours: Catalogs, pools: Catalogs) -> Merged:
    """`yours` with what `pools` adds. Sites are merged key by key; a transformation or replica of yours stays whole:
    one more place for it would change where it is taken from."""
    differences: list[Difference] = []

    def note(catalog: Catalog, entry: str, key: str, mine: Any, known: Any) -> None:
        differences.append(Difference(catalog=catalog, entry=entry, key=key, yours=mine, pools=known))

    sites = dict(yours.sites)
    for name, known in pools.sites.items():
        sites[name], found = _over(yours.sites.get(name, {"name": name}), known)
        for key, mine, ours in found:
            note(Catalog.SITES, name, key, mine, ours)
    transformations = dict(yours.transformations)
    for name, known in pools.transformations.items():
        transformations.setdefault(name, known)
        if name not in yours.transformations:
            note(Catalog.TRANSFORMATIONS, name, "", None, _places(known))
        elif (mine := _installed(yours.transformations[name])) and mine != _installed(known) != "":
            note(Catalog.TRANSFORMATIONS, name, "pfn", mine, _installed(known))
    replicas = dict(yours.replicas)
    for lfn, known in pools.replicas.items():
        replicas.setdefault(lfn, known)
        if lfn not in yours.replicas:
            note(Catalog.REPLICAS, lfn, "", None, _pfns(known))
    properties = dict(yours.properties)
    for key, value in pools.properties.items():
        properties.setdefault(key, value)
        if properties[key] != value or key not in yours.properties:
            note(Catalog.PROPERTIES, key, "", yours.properties.get(key), value)
    return Merged(
        catalogs=Catalogs(
            sites=sites,
            transformations=transformations,
            containers=yours.containers,
            replicas=replicas,
            properties=properties,
            note=pools.note,
        ),
        differences=tuple(differences),
    )


def by_name(value: Any, section: str, *, key: str = "name") -> dict[str, Entry]:
    """The entries of a catalog's section; what is no entry is left to `roost catalogs lint`.

    >>> by_name({"sites": [{"name": "local"}, 7]}, "sites")
    {'local': {'name': 'local'}}
    """
    found: dict[str, Entry] = {}
    for entry in tables(value.get(section) if isinstance(value, dict) else None):
        if entry.get(key):
            found[full_name(entry) if section == "transformations" else str(entry[key])] = entry
    return found


def tables(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def _over(mine: Entry, known: Entry, path: str = "") -> tuple[dict[str, Any], list[tuple[str, Any, Any]]]:
    """(`mine` with the keys that only `known` has, [(key, mine or None, known)] for each difference)."""
    result, found = dict(mine), []
    for key, value in known.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, Mapping) and isinstance(mine.get(key, {}), Mapping):
            result[key], below = _over(mine.get(key, {}), value, here)
            found += below
        elif key not in mine:
            result[key] = value
            found.append((here, None, value))
        elif mine[key] != value:
            found.append((here, mine[key], value))
    return result, found


def _installed(entry: Entry) -> str:
    """Where it is on the image; empty when it is sent along."""
    places = tables(entry.get("sites"))
    on_image = (one for one in places if one.get("type") == "installed" and one.get("name") in EXECUTION_SITES)
    return next((str(one.get("pfn")) for one in on_image), "")


def _places(entry: Entry) -> str:
    return ", ".join(f"{one.get('pfn')} ({one.get('type')}, {one.get('name')})" for one in tables(entry.get("sites")))


def _pfns(entry: Entry) -> str:
    return ", ".join(str(one.get("pfn")) for one in tables(entry.get("pfns")))


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_said(one) for one in value) or "none"
    return str(value["path"]) if isinstance(value, Mapping) and "path" in value else str(value)


def lines(differences: Iterable[Difference]) -> list[str]:
    """The differences, each under the name of its catalog."""
    found = list(differences)
    told: list[str] = []
    for catalog in Catalog:
        here = [one for one in found if one.catalog is catalog]
        told += [f"{catalog}:", *(f"  {one}" for one in here)] if here else []
    return told
