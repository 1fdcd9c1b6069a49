"""A user's files as they were written: where they are looked for, what wins, what lies beside them."""

from pathlib import Path

from roost.workflow import user_catalogs
from roost.workflow.needs import TransformationName

WORKFLOW = """\
name: w
replicaCatalog:
  replicas:
  - {lfn: a, pfns: [{site: local, pfn: here/a}]}
jobs:
- {type: job, name: wc, id: ID1, stdin: a, stdout: counts,
   uses: [{lfn: a, type: input}, {lfn: b, type: input}, {lfn: counts, type: output}]}
- {type: job, name: sum, namespace: ns, id: ID2, uses: [{lfn: counts, type: input}]}
- {type: pegasusWorkflow, file: inner.yml, id: ID3}
"""


def test_files_beside_the_workflow_those_that_properties_name_and_its_own_sections(tmp_path: Path) -> None:
    (tmp_path / "workflow.yml").write_text(WORKFLOW)
    (tmp_path / "pegasus.properties").write_text("pegasus.catalog.replica.file = conf/rc.yml\n")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "rc.yml").write_text(
        "replicas:\n- {lfn: a, pfns: [{site: local, pfn: /old/a}]}\n- {lfn: b, pfns: [{site: local, pfn: b}]}\n"
    )
    (tmp_path / "replicas.yml").write_text("replicas: [{lfn: z, pfns: []}]\n")
    files = user_catalogs.read(tmp_path, tmp_path / "workflow.yml")
    replicas = files.entries.replicas
    assert {lfn: entry["pfns"][0]["pfn"] for lfn, entry in replicas.items()} == {
        "a": f"file://{tmp_path}/here/a",  # the workflow's own section comes last
        "b": f"file://{tmp_path}/conf/b",  # a relative path starts where its catalog lies
    }
    assert files.needs.inputs == ("a", "b")
    assert [str(one) for one in files.needs.transformations] == ["wc", "ns::sum"]


def test_what_lies_beside(tmp_path: Path) -> None:
    (tmp_path / "workflow.yml").write_text(WORKFLOW)
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "b").write_text("")
    (tmp_path / "bin").mkdir()
    for name, mode in (("wc", 0o755), ("sum", 0o644)):
        (tmp_path / "bin" / name).write_text("")
        (tmp_path / "bin" / name).chmod(mode)
    files = user_catalogs.read(tmp_path, tmp_path / "workflow.yml")
    found = user_catalogs.beside(files, files.needs)
    assert found.inputs == {"b": str(tmp_path / "input" / "b")}
    assert found.programs == {TransformationName(name="wc"): str(tmp_path / "bin" / "wc")}, "sum is no program"
