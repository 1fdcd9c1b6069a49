"""Where files come from: this machine, a server, the image; and in which container programs run."""

from pathlib import PurePath

import pytest

from roost.errors import UsageError
from roost.workflow.abstract import Workflow
from roost.workflow.catalogs import Source
from roost.workflow.image_check import missing_executables
from roost.workflow.mistakes import Mistakes
from roost.workflow.reading import workflow
from roost.workflow.replicas import Replica
from roost.workflow.sources import Sources
from roost.yaml_lines import parse_yaml

WORKFLOW = """\
name: w
jobs:
- {type: job, name: t, id: A, uses: [{lfn: in/x.fa, type: input}, {lfn: out, type: output}]}
replicaCatalog:
  replicas:
  - REPLICA
transformationCatalog:
  transformations:
  - {name: t, sites: [{name: condorpool, pfn: /bin/t, type: installed CONTAINER}]}
  containers: [CONTAINERS]
"""
SHA = "ab" * 32
FILES = frozenset({PurePath("/here/a"), PurePath("/w/x.fa"), PurePath("/w/c.sif")})


def read(replica: str = "{lfn: in/x.fa, pfns: [{pfn: x.fa}]}", container: str = "", containers: str = "") -> Workflow:
    text = WORKFLOW.replace("REPLICA", replica).replace("CONTAINERS", containers).replace(" CONTAINER", container)
    document = parse_yaml(text, "w.yml")

    def section(name: str) -> tuple[Source, ...]:
        value = document.value[name]
        variables = {"DATA": "/here"}
        return (Source(document=document, path=(name,), value=value, directory=PurePath("/w"), variables=variables),)

    sources = Sources(
        workflow=document,
        replicas=section("replicaCatalog"),
        transformations=section("transformationCatalog"),
        sites=(),
    )
    return workflow(sources, FILES.__contains__, Mistakes())


@pytest.mark.parametrize(
    ("entry", "local", "url", "on_site"),
    [
        ("{lfn: in/x.fa, pfns: [{pfn: x.fa}]}", "/w/x.fa", "", ""),
        ("{lfn: in/x.fa, pfns: [{site: local, pfn: '${DATA}/a'}]}", "/here/a", "", ""),
        ("{lfn: in/x.fa, pfns: [{site: local, pfn: 'file:///here/a'}]}", "/here/a", "", ""),
        ("{lfn: in/x.fa, pfns: [{site: web, pfn: 'https://h/x'}]}", None, "https://h/x", ""),
        ("{lfn: in/x.fa, pfns: [{site: condorpool, pfn: /ref/x}]}", None, "", "/ref/x"),
        ("{lfn: in/x.fa, pfns: [{site: ec2, pfn: /ref/x}, {pfn: x.fa}]}", "/w/x.fa", "", "/ref/x"),
        ("{lfn: in/x.fa, pfns: [{pfn: gone}, {site: web, pfn: 'http://h/x'}]}", None, "http://h/x", ""),
        (
            "{lfn: 'in/(.*)[.]fa', regex: true, pfns: [{site: web, pfn: 'http://h/[1]/[0]'}]}",
            None,
            "http://h/x/in/x.fa",
            "",
        ),
    ],
)
def test_a_file_is_found(entry: str, local: str | None, url: str, on_site: str) -> None:
    found = read(entry).replicas["in/x.fa"]
    assert (found.local, found.url, found.on_site) == (PurePath(local) if local else None, url, on_site)


def test_what_a_catalog_says_of_its_content() -> None:
    found = read(f"{{lfn: in/x.fa, pfns: [{{pfn: x.fa}}], checksum: {{sha256: {SHA.upper()}}}}}")
    assert found.replicas["in/x.fa"].sha256 == SHA


def test_files_that_tasks_make_may_be_there_already() -> None:
    found = read("{lfn: in/x.fa, pfns: [{pfn: x.fa}]}\n  - {lfn: out, pfns: [{pfn: /here/a}]}")
    assert found.made_before == {"out": found.made_before["out"]}
    assert isinstance(found.made_before["out"], Replica)
    assert read("{lfn: in/x.fa, pfns: [{pfn: x.fa}]}\n  - {lfn: out, pfns: [{pfn: /gone}]}").made_before == {}


@pytest.mark.parametrize(
    ("image", "found", "local"),
    [
        ("docker:///rynge/montage:latest", "docker://rynge/montage:latest", None),
        ("library://collection/c:latest", "library://collection/c:latest", None),
        ("https://example.org/images/c.sif?key=1", "c-c.sif", None),
        ("docker://quay.io/biocontainers/bwa:0.7", "docker://quay.io/biocontainers/bwa:0.7", None),
        ("file:///w/c.sif", "c.sif", "/w/c.sif"),
    ],
)
def test_a_container(image: str, found: str, local: str | None) -> None:
    entry = f"{{name: c, type: singularity, image: '{image}', profiles: {{env: {{A: '1'}}}}}}"
    transformation = read(container=", container: c", containers=entry).transformations["t"]
    assert transformation.container is not None
    assert transformation.container.image == found
    assert transformation.container.local == (PurePath(local) if local else None)
    assert transformation.profiles.env == {"A": "1"}


def test_the_image_has_to_have_what_starts_a_container() -> None:
    found = read(container=", container: c", containers="{name: c, type: docker, image: 'docker://x'}")
    (missing,) = missing_executables(found, frozenset({"/usr/bin/python3"}))
    assert "needs apptainer or podman, which is not on the image" in str(missing)
    assert missing_executables(found, frozenset({"/bin/podman"})) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{name: c, type: dokcer, image: 'docker://x'}", "'type' cannot be 'dokcer'; did you mean 'docker'?"),
        (
            "{name: c, type: docker, image: 'docker://x', mounts: ['a:/a']}",
            "a mount cannot be 'a:/a': it is /on/the/instance:/inside",
        ),
        (
            "{name: c, type: docker, image: x.tar, image.site: elsewhere}",
            "not supported yet: an image at the site 'elsewhere'; it is at local or condorpool or ec2",
        ),
        ("{name: c, type: shifter, image: 'docker://x'}", "not supported yet: containers of shifter"),
        ("{name: c, type: docker, image: /w/x.tar.gz}", "the image of 'c' is not there: /w/x.tar.gz"),
        ("{name: c, type: singularity, image: /w/gone.sif}", "the image of 'c' is not there: /w/gone.sif"),
        ("{name: d, type: docker, image: 'docker://x'}", "unknown container 'c'; valid: d"),
    ],
)
def test_a_container_that_cannot_be(entry: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(container=", container: c", containers=entry)
    assert said in raised.value.message
