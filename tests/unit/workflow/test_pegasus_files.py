"""What the real planner gets to read on the access point: catalogs that name what was sent there."""

from pathlib import PurePath, PurePosixPath

from roost.workflow.catalog_entries import Catalogs, by_name
from roost.workflow.needs import named
from roost.workflow.pegasus_files import PegasusFiles, Sent, pegasus_files, without_catalogs
from roost.workflow.pool_catalogs import Beside, PoolFacts
from roost.yaml_lines import parse_yaml

RUN = PurePosixPath("/home/debian/runs/w-1")
YOURS = """\
sites:
- {name: local, directories: [{type: sharedScratch, path: /home/me/scratch, fileServers: [{url: file:///x}]}]}
- {name: condorpool, profiles: {condor: {universe: vanilla, rank: Memory}}}
transformations:
- name: align
  requires: [bwa, scores]
  sites: [{name: local, pfn: 'file:///w/tools/align', type: stageable, container: tools}]
- name: scores
  sites: [{name: local, pfn: 'file:///w/tools/scores', type: stageable}]
- name: bwa
  sites: [{name: condorpool, pfn: /usr/bin/bwa, type: installed}]
containers:
- {name: tools, type: singularity, image: 'file:///w/tools.sif', image.site: local}
- {name: far, type: docker, image: 'docker://debian'}
replicas:
- lfn: a.fq
  pfns: [{site: local, pfn: 'file:///w/one/a b.fq'}]
- lfn: b.fq
  pfns: [{site: local, pfn: 'file:///w/two/a b.fq'}, {site: web, pfn: 'https://example.org/b.fq'}]
"""


def _files(facts: PoolFacts, properties: dict[str, str] | None = None) -> PegasusFiles:
    value = parse_yaml(YOURS, "yours.yml").value
    yours = Catalogs(
        sites=by_name(value, "sites"),
        transformations=by_name(value, "transformations"),
        containers=by_name(value, "containers"),
        replicas=by_name(value, "replicas", key="lfn"),
        properties={"pegasus.catalog.site.file": "conf/mine.yml", "pegasus.mode": "development", **(properties or {})},
    )
    return pegasus_files(yours, facts, named(["align"]), Beside(), workflow="name: w\n", run=RUN)


FACTS = PoolFacts(name="galaxy", home=PurePosixPath("/home/debian/runs"))


def test_what_is_sent_and_where_the_catalogs_say_it_is() -> None:
    files = _files(FACTS)
    assert files.uploads == (
        Sent(local=PurePath("/w/tools/align"), remote=RUN / "input" / "0-align"),
        Sent(local=PurePath("/w/tools/scores"), remote=RUN / "input" / "1-scores"),
        Sent(local=PurePath("/w/tools.sif"), remote=RUN / "input" / "2-tools.sif"),
        Sent(local=PurePath("/w/one/a b.fq"), remote=RUN / "input" / "3-a_b.fq"),
        Sent(local=PurePath("/w/two/a b.fq"), remote=RUN / "input" / "4-a_b.fq"),
    )
    replicas = by_name(parse_yaml(files.texts["replicas.yml"], "r").value, "replicas", key="lfn")
    assert [one["pfn"] for one in replicas["b.fq"]["pfns"]] == [
        f"file://{RUN}/input/4-a_b.fq",
        "https://example.org/b.fq",
    ]
    transformations = parse_yaml(files.texts["transformations.yml"], "t").value
    containers = by_name(transformations, "containers")
    assert containers["tools"]["image"] == f"file://{RUN}/input/2-tools.sif"
    assert containers["far"]["image"] == "docker://debian"
    assert by_name(transformations, "transformations")["bwa"]["sites"][0]["pfn"] == "/usr/bin/bwa"
    assert files.texts["workflow.yml"] == "name: w\n"


def test_what_is_on_the_image_is_not_required_of_what_is_sent() -> None:
    transformations = by_name(parse_yaml(_files(FACTS).texts["transformations.yml"], "t").value, "transformations")
    assert transformations["align"]["requires"] == ["scores"]


def test_local_is_the_access_point_and_the_pools_site_keeps_what_its_user_wrote() -> None:
    files = _files(FACTS)
    sites = by_name(parse_yaml(files.texts["sites.yml"], "s").value, "sites")
    assert [one["path"] for one in sites["local"]["directories"]] == [f"{RUN}/scratch", f"{RUN}/output"]
    condor = sites["condorpool"]["profiles"]["condor"]
    assert (condor["universe"], condor["rank"]) == ("vanilla", "Memory")
    assert condor["ulog_execute_attrs"] == "RoostInstanceId"
    assert "HoldReasonCode == 12" in condor["periodic_remove"], "a task that failed is told at once"
    assert files.sites == ("condorpool",)


def test_the_properties_name_the_files_that_were_written() -> None:
    lines = _files(FACTS).texts["pegasus.properties"].splitlines()
    assert "pegasus.catalog.site.file = sites.yml" in lines
    assert "pegasus.mode = development" in lines
    assert "pegasus.data.configuration = condorio" in lines


def test_files_that_are_shared_are_staged_where_they_are_shared() -> None:
    shared = PoolFacts(name="galaxy", home=FACTS.home, shared_at="/shared")
    assert _files(shared).staging_sites == {"condorpool": "condorpool"}
    assert _files(shared, {"pegasus.data.configuration": "condorio"}).staging_sites == {}
    assert _files(FACTS).staging_sites == {}


def test_a_workflow_without_its_catalogs() -> None:
    text = (
        "pegasus: 5.0.4\nname: w\nreplicaCatalog:\n  replicas:\n  - {lfn: a, pfns: []}\n# jobs\njobs:\n- {id: a}\n"
        "siteCatalog:\n  sites: []\n"
    )
    left = without_catalogs(text, parse_yaml(text, "w.yml"))
    assert parse_yaml(left, "w.yml").value == {"pegasus": "5.0.4", "name": "w", "jobs": [{"id": "a"}]}
