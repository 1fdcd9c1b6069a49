"""pure: Catalogs -> the texts of their files, as Pegasus 5 reads them."""

from collections.abc import Mapping
from typing import Any

import yaml

from roost.workflow.catalog_entries import VERSION, Catalog, Catalogs

_MADE = "# What this run has made: `roost run --reuse` takes it instead of making it again."
MARK = "# Written by `roost catalogs write`: run it again instead of editing this."

# libyaml's is ten times faster; a PyYAML without it still works
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Plain(_Dumper):  # type: ignore[misc]
    """Without anchors: people read this, and some parsers know none."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (PyYAML's signature)
        return True


def texts(catalogs: Catalogs, *, mark: str = MARK) -> dict[Catalog, str]:
    """What belongs into each file. Without transformations they have none: Pegasus wants at least one."""
    found = {
        Catalog.SITES: _yaml({"sites": catalogs.sites}, mark, catalogs.note),
        Catalog.REPLICAS: _yaml({"replicas": catalogs.replicas}, mark),
    }
    properties = dict(catalogs.properties)
    if catalogs.transformations:
        containers = {"containers": catalogs.containers} if catalogs.containers else {}
        found[Catalog.TRANSFORMATIONS] = _yaml({"transformations": catalogs.transformations, **containers}, mark)
    else:
        properties.pop("pegasus.catalog.transformation.file", None)
    found[Catalog.PROPERTIES] = _properties(properties, mark)
    return found


def made_text(results: Mapping[str, str]) -> str:
    """A replica catalog of what a run has made: logical names, and where the files are on this machine."""
    entries = {lfn: {"lfn": lfn, "pfns": [{"site": "local", "pfn": path}]} for lfn, path in results.items()}
    return _yaml({"replicas": entries}, _MADE)


def _properties(properties: Mapping[str, str], mark: str) -> str:
    return "\n".join([mark, *(f"{key} = {value}" for key, value in properties.items())]) + "\n"


def _yaml(sections: Mapping[str, Mapping[str, Any]], mark: str, note: str = "") -> str:
    value = {"pegasus": VERSION, **{name: _plain(list(entries.values())) for name, entries in sections.items()}}
    head = f"{mark}\n# {note}\n" if note else f"{mark}\n"
    written: str = yaml.dump(value, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=1000)
    return head + written


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
