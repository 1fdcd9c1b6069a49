"""Catalogs from what is known of a pool: the tutorial's step 14 in today's form, and the user's entries before ours."""

from io import StringIO
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from roost.workflow import user_catalogs
from roost.workflow.catalog_entries import Catalog, Catalogs, by_name, lines, merged
from roost.workflow.catalog_text import MARK, texts
from roost.workflow.needs import Needs, TransformationName, named
from roost.workflow.pool_catalogs import Beside, PoolFacts, SlotFacts, data_configuration, pool_catalogs
from roost.yaml_lines import parse_yaml

HOME = PurePosixPath("/home/debian/runs")
PLAIN = PoolFacts(name="galaxy", home=HOME)
WC = TransformationName(name="wc")

EC2 = """\
# Written by `roost catalogs write`: run it again instead of editing this.
# The pool galaxy: 2 instances, of up to 2 cores and 3850 MiB.
pegasus: 5.0.4
sites:
- name: local
  arch: x86_64
  os.type: linux
  directories:
  - type: sharedScratch
    path: /home/debian/runs/scratch
    sharedFileSystem: false
    fileServers:
    - url: file:///home/debian/runs/scratch
      operation: all
  - type: localStorage
    path: /home/debian/runs/output
    sharedFileSystem: false
    fileServers:
    - url: file:///home/debian/runs/output
      operation: all
- name: ec2
  arch: x86_64
  os.type: linux
  directories: []
  profiles:
    pegasus:
      style: condor
    condor:
      universe: vanilla
      requirements: TARGET.RoostPool == "galaxy"
    env:
      PEGASUS_HOME: /opt/pegasus
"""


def test_the_site_of_the_tutorial_in_todays_form() -> None:
    facts = PoolFacts(
        name="galaxy",
        home=HOME,
        requirements='TARGET.RoostPool == "galaxy"',
        pegasus_home="/opt/pegasus",
        slots=SlotFacts(instances=2, cores=2, memory_mib=3850),
    )
    written = texts(pool_catalogs(facts, Needs(), Beside()))
    assert written[Catalog.SITES] == EC2
    assert written[Catalog.PROPERTIES].splitlines()[1:] == [
        "pegasus.catalog.site.file = sites.yml",
        "pegasus.catalog.replica.file = replicas.yml",
        "pegasus.data.configuration = condorio",
        "pegasus.transfer.worker.package = false",
    ]
    assert Catalog.TRANSFORMATIONS not in written, "Pegasus takes no catalog without transformations"


@pytest.mark.parametrize(
    ("shared_at", "pegasus_home", "configuration"),
    [
        ("", "", "condorio"),
        ("", "/usr", "condorio"),
        ("/shared", "", "nonsharedfs"),
        ("/shared", "/usr", "sharedfs"),
    ],
)
def test_data_configuration(shared_at: str, pegasus_home: str, configuration: str) -> None:
    facts = PoolFacts(name="galaxy", home=HOME, shared_at=shared_at, pegasus_home=pegasus_home)
    assert data_configuration(facts) == configuration


def test_a_shared_file_system_is_the_scratch_of_the_pool_and_the_access_point_sees_it() -> None:
    site = pool_catalogs(PoolFacts(name="galaxy", home=HOME, shared_at="/shared"), Needs(), Beside()).sites["ec2"]
    (scratch,) = site["directories"]
    assert (scratch["path"], scratch["sharedFileSystem"]) == ("/shared/pegasus", True)
    assert scratch["fileServers"] == [{"url": "file:///shared/pegasus", "operation": "all"}]
    assert site["profiles"]["pegasus"] == {"style": "condor", "auxillary.local": "true"}


def test_programs_of_the_image_come_before_those_beside_the_workflow() -> None:
    wanted = named(["wc", "align", "nowhere"])
    beside = Beside(
        programs={TransformationName(name="align"): "/w/tools/align", WC: "/w/tools/wc"},
        inputs={"unused": "/w/unused"},
    )
    facts = PoolFacts(name="galaxy", home=HOME, architecture="arm64", programs={"wc": "/usr/bin/wc"})
    found = pool_catalogs(facts, wanted, beside, ("condorpool", "ec2"))
    system = {"arch": "aarch64", "os.type": "linux"}
    assert dict(found.transformations) == {
        "wc": {
            "name": "wc",
            "sites": [
                {"name": "condorpool", "pfn": "/usr/bin/wc", "type": "installed", **system},
                {"name": "ec2", "pfn": "/usr/bin/wc", "type": "installed", **system},
            ],
        },
        "align": {
            "name": "align",
            "sites": [{"name": "local", "pfn": "file:///w/tools/align", "type": "stageable", **system}],
        },
    }
    assert [*found.sites] == ["local", "condorpool", "ec2"]
    assert found.replicas == {}


def test_namespace_and_version_stay_what_tells_a_transformation_apart() -> None:
    name = TransformationName(name="wc", namespace="gnu", version="9.1")
    facts = PoolFacts(name="galaxy", home=HOME, programs={"wc": "/usr/bin/wc"})
    found = pool_catalogs(facts, Needs(transformations=(name,)), Beside())
    assert [*found.transformations] == ["gnu::wc:9.1"]
    assert found.transformations["gnu::wc:9.1"]["version"] == "9.1"


YOURS = """\
sites:
- name: condorpool
  arch: x86_64
  profiles:
    pegasus: {style: glite, project: abc}
transformations:
- name: wc
  sites: [{name: condorpool, pfn: /opt/bin/wc, type: installed}]
- name: align
  sites: [{name: local, pfn: /w/align, type: stageable}]
replicas:
- lfn: a.txt
  pfns: [{site: local, pfn: /data/a.txt}]
"""


def _yours() -> Catalogs:
    value = parse_yaml(YOURS, "yours.yml").value
    return Catalogs(
        sites=by_name(value, "sites"),
        transformations=by_name(value, "transformations"),
        replicas=by_name(value, "replicas", key="lfn"),
        properties={"pegasus.data.configuration": "nonsharedfs", "pegasus.mode": "development"},
    )


def test_what_the_user_wrote_wins_and_what_differs_is_shown() -> None:
    yours = _yours()
    facts = PoolFacts(name="galaxy", home=HOME, programs={"wc": "/usr/bin/wc", "align": "/usr/bin/align"})
    wanted = Needs(
        transformations=(WC, TransformationName(name="align"), TransformationName(name="sort")),
        inputs=("a.txt", "b.txt"),
    )
    beside = Beside(
        programs={TransformationName(name="sort"): "/w/bin/sort"}, inputs={"a.txt": "/w/a.txt", "b.txt": "/w/b.txt"}
    )
    result = merged(yours, pool_catalogs(facts, wanted, beside, yours.pool_sites))

    assert result.catalogs.sites["condorpool"]["profiles"] == {
        "pegasus": {"style": "glite", "project": "abc"},
        "condor": {"universe": "vanilla"},
    }
    for name, entry in yours.transformations.items():
        assert result.catalogs.transformations[name] == entry
    assert result.catalogs.replicas["a.txt"] == yours.replicas["a.txt"]
    assert result.catalogs.properties["pegasus.data.configuration"] == "nonsharedfs"
    assert result.catalogs.properties["pegasus.mode"] == "development"
    assert lines(result.differences) == [
        "sites.yml:",
        "  + local arch: x86_64",
        "  + local os.type: linux",
        "  + local directories: /home/debian/runs/scratch, /home/debian/runs/output",
        "  + condorpool os.type: linux",
        "  + condorpool directories: none",
        "  ! condorpool profiles.pegasus.style: glite, and of the pool is known condor; yours stays",
        "  + condorpool profiles.condor.universe: vanilla",
        "transformations.yml:",
        "  ! wc pfn: /opt/bin/wc, and of the pool is known /usr/bin/wc; yours stays",
        "  + sort: file:///w/bin/sort (stageable, local)",
        "replicas.yml:",
        "  + b.txt: file:///w/b.txt",
        "pegasus.properties:",
        "  + pegasus.catalog.site.file: sites.yml",
        "  + pegasus.catalog.transformation.file: transformations.yml",
        "  + pegasus.catalog.replica.file: replicas.yml",
        "  ! pegasus.data.configuration: nonsharedfs, and of the pool is known condorio; yours stays",
    ]


def test_merging_what_was_merged_finds_nothing_new() -> None:
    yours = _yours()
    pools = pool_catalogs(PLAIN, named(["wc"]), Beside(inputs={}), yours.pool_sites)
    once = merged(yours, pools)
    again = merged(once.catalogs, pools)
    assert again.catalogs == once.catalogs
    assert [one for one in again.differences if one.is_added] == []
    assert texts(again.catalogs) == texts(once.catalogs)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    yours = merged(_yours(), pool_catalogs(PLAIN, Needs(), Beside(), ("condorpool",))).catalogs
    for name, text in texts(yours).items():
        assert text.startswith(MARK)
        (tmp_path / name).write_text(text)
    read = user_catalogs.read(tmp_path, None).entries
    assert (read.sites, read.transformations, read.replicas) == (yours.sites, yours.transformations, yours.replicas)
    assert read.properties == yours.properties


def _without_origin(text: str) -> object:
    value = parse_yaml(text, "catalog.yml").value
    return {key: one for key, one in value.items() if key != "x-pegasus"}


def _of_api(catalog: Any) -> object:
    written = StringIO()
    catalog.write(written)
    return _without_origin(written.getvalue())


@pytest.mark.usefixtures("pegasus_api")
def test_the_same_as_pegasus_api_writes() -> None:
    from Pegasus.api import (
        OS,
        Arch,
        Directory,
        FileServer,
        Operation,
        ReplicaCatalog,
        Site,
        SiteCatalog,
        Transformation,
        TransformationCatalog,
        TransformationSite,
    )

    facts = PoolFacts(
        name="galaxy",
        home=HOME,
        requirements='TARGET.RoostPool == "galaxy"',
        pegasus_home="/opt/pegasus",
        shared_at="/shared",
        programs={"wc": "/usr/bin/wc"},
    )
    align = TransformationName(name="align", namespace="ns", version="1.0")
    wanted = Needs(transformations=(WC, align), inputs=("a.txt",))
    beside = Beside(programs={align: "/w/tools/align"}, inputs={"a.txt": "/w/a.txt"})
    written = texts(pool_catalogs(facts, wanted, beside))

    def directory(kind: Any, path: str, *, shared: bool) -> Any:
        server = FileServer(f"file://{path}", Operation.ALL)
        return Directory(kind, path, shared_file_system=shared).add_file_servers(server)

    linux: dict[str, Any] = {"arch": Arch.X86_64, "os_type": OS.LINUX}
    local = Site("local", **linux).add_directories(
        directory(Directory.SHARED_SCRATCH, f"{HOME}/scratch", shared=False),
        directory(Directory.LOCAL_STORAGE, f"{HOME}/output", shared=False),
    )
    pool = Site("ec2", **linux).add_directories(directory(Directory.SHARED_SCRATCH, "/shared/pegasus", shared=True))
    pool.add_pegasus_profile(style="condor", auxillary_local="true")
    pool.add_condor_profile(universe="vanilla", requirements='TARGET.RoostPool == "galaxy"')
    pool.add_env(PEGASUS_HOME="/opt/pegasus")
    assert _without_origin(written[Catalog.SITES]) == _of_api(SiteCatalog().add_sites(local, pool))

    transformations = TransformationCatalog().add_transformations(
        Transformation("wc").add_sites(TransformationSite("ec2", "/usr/bin/wc", is_stageable=False, **linux)),
        Transformation("align", namespace="ns", version="1.0").add_sites(
            TransformationSite("local", "file:///w/tools/align", is_stageable=True, **linux)
        ),
    )
    assert _without_origin(written[Catalog.TRANSFORMATIONS]) == _of_api(transformations)

    replicas = ReplicaCatalog()
    replicas.add_replica("local", "a.txt", "file:///w/a.txt")
    assert _without_origin(written[Catalog.REPLICAS]) == _of_api(replicas)
