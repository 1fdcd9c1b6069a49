"""Everything that is wrong in catalogs, each with its line."""

from pathlib import PurePath

import pytest

from roost.workflow.catalog_entries import Catalog
from roost.workflow.catalog_lint import Checked, World, lint
from roost.workflow.mistakes import Mistakes
from roost.workflow.pool_catalogs import SlotFacts
from roost.yaml_lines import parse_yaml

THERE = {"/w/a.txt", "/data/b.txt", "/w/tools/run"}
WORLD = World(
    is_file=lambda path: str(path) in THERE,
    executables=frozenset({"/usr/bin/wc", "/usr/bin/sort"}),
    slots=SlotFacts(instances=2, cores=2, memory_mib=3850),
)
SITES = "sites:\n- {name: ec2}\n- {name: cluster}\n"


def _said(catalog: Catalog | None, text: str, world: World = WORLD) -> list[str]:
    mistakes = Mistakes()
    files = [(Catalog.SITES, parse_yaml(SITES, "sites.yml")), (catalog, parse_yaml(text, "f.yml"))]
    lint(
        mistakes,
        tuple(Checked(catalog=c, document=d, path=(), value=d.value, directory=PurePath("/w")) for c, d in files),
        world,
    )
    return [said for _, _, said in mistakes.found]


REPLICA = "replicas:\n- lfn: a.txt\n  pfns:\n  - {site: %s, pfn: '%s'}\n"
TRANSFORMATION = "transformations:\n- name: wc\n  sites:\n  - {name: %s, pfn: '%s', type: %s}\n"
JOB = "jobs:\n- name: wc\n  profiles:\n    %s: {%s}\n"


@pytest.mark.parametrize(
    ("catalog", "text", "said"),
    [
        (Catalog.REPLICAS, REPLICA % ("local", "a.txt"), []),
        (Catalog.REPLICAS, REPLICA % ("local", "file:///data/b.txt"), []),
        (Catalog.REPLICAS, REPLICA % ("cluster", "gsiftp://host/x"), []),
        (Catalog.REPLICAS, REPLICA % ("local", "https://example.org/x"), []),
        (Catalog.REPLICAS, REPLICA % ("local", "no.txt"), ["f.yml:4: the file 'a.txt' is not there: /w/no.txt"]),
        (
            Catalog.REPLICAS,
            REPLICA % ("clustr", "/x"),
            ["f.yml:4: the site 'clustr' is in no site catalog; did you mean 'cluster'?"],
        ),
        (Catalog.TRANSFORMATIONS, TRANSFORMATION % ("condorpool", "/bin/wc", "installed"), []),
        (Catalog.TRANSFORMATIONS, TRANSFORMATION % ("cluster", "/opt/wc", "installed"), []),
        (
            Catalog.TRANSFORMATIONS,
            TRANSFORMATION % ("ec2", "/opt/wc", "installed"),
            ["f.yml:4: /opt/wc is not on the image"],
        ),
        (Catalog.TRANSFORMATIONS, TRANSFORMATION % ("local", "tools/run", "stageable"), []),
        (
            Catalog.TRANSFORMATIONS,
            TRANSFORMATION % ("local", "tools/walk", "stageable"),
            ["f.yml:4: the executable of 'wc' is not there: /w/tools/walk"],
        ),
        (None, JOB % ("pegasus", "cores: 2, memory: 3850"), []),
        (
            None,
            JOB % ("pegasus", "cores: 4"),
            [
                "f.yml:4: asks for 4 cores, and the largest instance of the pool has 2: it would never run",
            ],
        ),
        (
            None,
            JOB % ("condor", "request_memory: 8000"),
            ["f.yml:4: asks for 8000 MiB, and the largest instance of the pool has 3850: it would never run"],
        ),
        (
            None,
            JOB % ("dagman", "request_cpus: 1"),
            ["f.yml:4: 'request_cpus' is a condor profile, and here it is under 'dagman'"],
        ),
        (
            None,
            JOB % ("condor", "clusters.size: 3"),
            ["f.yml:4: 'clusters.size' is a pegasus profile, and here it is under 'condor'"],
        ),
        (
            None,
            JOB % ("env", "request_memory: 300"),
            ["f.yml:4: 'request_memory' is a condor profile, and here it is under 'env'"],
        ),
        (None, JOB % ("env", "memory: 300, HOME: /x"), []),
        (
            None,
            JOB % ("selector", "execution.site: ec3"),
            ["f.yml:4: the site 'ec3' is in no site catalog; did you mean 'ec2'?"],
        ),
        (
            Catalog.SITES,
            "sites:\n- name: ec2\n  profiles:\n    pegasus:\n      universe: vanilla\n",
            ["f.yml:5: 'universe' is a condor profile, and here it is under 'pegasus'"],
        ),
    ],
)
def test_a_mistake_has_its_line(catalog: Catalog | None, text: str, said: list[str]) -> None:
    assert _said(catalog, text) == said


def test_what_is_not_known_is_not_held_against_anybody() -> None:
    unknown = World(is_file=lambda _: True)
    assert _said(Catalog.TRANSFORMATIONS, TRANSFORMATION % ("ec2", "/opt/wc", "installed"), unknown) == []
    assert _said(None, JOB % ("pegasus", "cores: 400"), unknown) == []


def test_what_is_no_catalog_at_all_is_left_to_the_reader() -> None:
    for text in ("7\n", "sites: 7\nreplicas: {a: b}\njobs: [7, {profiles: 3}]\n", "transformations: [{sites: [3]}]\n"):
        for catalog in (None, *Catalog):
            assert _said(catalog, text) == []
