"""A workflow as its planner needs it."""

from pathlib import Path

import pytest

from roost.errors import UsageError
from roost.verbs.loading import Planner, load, tasks
from roost.workflow.needs import Outline

ONLY_PEGASUS = """\
name: w
siteCatalog:
  sites:
  - {name: ec2, grids: [{type: gt5, contact: x, scheduler: pbs}]}
transformationCatalog:
  transformations:
  - {name: wc, sites: [{name: ec2, pfn: /usr/bin/wc, type: installed}], profiles: {pegasus: {label: one}}}
jobs:
- {type: job, name: wc, id: A}
"""


def test_what_only_pegasus_takes(tmp_path: Path) -> None:
    path = tmp_path / "workflow.yml"
    path.write_text(ONLY_PEGASUS)
    loaded = load(path, Planner.PEGASUS)
    assert loaded == Outline(name="w", tasks=1, clusterings=("label",))
    assert tasks(loaded) == 1
    with pytest.raises(UsageError, match="not supported yet: 'grids'") as told:
        load(path, Planner.AUTO)
    assert "--planner pegasus" in told.value.hint
    with pytest.raises(UsageError) as told:
        load(path, Planner.ROOST)
    assert "--planner" not in told.value.hint


def test_what_nobody_takes_is_no_matter_of_the_planner(tmp_path: Path) -> None:
    path = tmp_path / "workflow.yml"
    path.write_text(ONLY_PEGASUS.replace("name: wc, id", "name: wcc, id"))
    with pytest.raises(UsageError, match="unknown transformation 'wcc'") as told:
        load(path, Planner.AUTO)
    assert "--planner" not in told.value.hint


@pytest.mark.parametrize("site", ["ec2", "condorpool"])
def test_the_pool_by_either_of_its_names(tmp_path: Path, site: str) -> None:
    path = tmp_path / "workflow.yml"
    path.write_text(
        f"name: w\nsiteCatalog:\n  sites:\n  - {{name: {site}, profiles: {{env: {{WHERE: there}}}}}}\n"
        "transformationCatalog:\n  transformations:\n"
        f"  - {{name: wc, sites: [{{name: {site}, pfn: /usr/bin/wc, type: installed}}]}}\n"
        "jobs:\n- {type: job, name: wc, id: A}\n"
    )
    loaded = load(path, Planner.AUTO)
    assert not isinstance(loaded, Outline)
    assert loaded.site_profiles.env == {"WHERE": "there"}
