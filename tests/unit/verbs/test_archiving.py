"""Each run keeps the catalogs that it was planned from."""

from pathlib import Path, PurePosixPath

from roost.verbs.archiving import keep_catalogs
from roost.verbs.run_directory import RunDirectory
from roost.workflow.pool_catalogs import PoolFacts
from roost.yaml_lines import parse_yaml


def test_the_users_entries_and_the_pools(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "workflow.yml").write_text("name: w\njobs: []\n")
    (project / "replicas.yml").write_text("replicas:\n- {lfn: a, pfns: [{site: local, pfn: data/a}]}\n")
    directory = RunDirectory(tmp_path / "first")
    facts = PoolFacts(name="galaxy", home=PurePosixPath("/home/debian/runs"))
    for _ in range(2):  # a run that is begun again keeps them again
        keep_catalogs(directory, project / "workflow.yml", facts)
    for place in (directory.path / "catalogs", directory.submit / "catalogs"):
        assert {path.name for path in place.iterdir()} == {"sites.yml", "replicas.yml", "pegasus.properties"}
        text = (place / "replicas.yml").read_text()
        assert text.startswith("# Of the run first.\n")
        (replica,) = parse_yaml(text, "replicas.yml").value["replicas"]
        assert replica["pfns"] == [{"site": "local", "pfn": f"file://{project}/data/a"}]
        assert "name: ec2" in (place / "sites.yml").read_text()
