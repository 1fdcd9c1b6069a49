"""Nothing that a user of pegasus-plan can say is passed over in silence: what is made of each key, and the page of it.

After a wanted change: `python tests/unit/workflow/test_treatments.py` writes the page's table anew.
"""

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from roost.workflow.executable import Site
from roost.workflow.mistakes import Mistakes
from roost.workflow.planner import plan
from roost.workflow.profiles import judged
from roost.workflow.properties import read_properties
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load
from roost.workflow.treatments import PROFILES, PROPERTIES, How, of_profile, of_property, rows

PAGE = Path(__file__).parents[3] / "docs" / "pegasus-settings.md"
BEGINS = "| where | key | | |\n|---|---|---|---|\n"


def table() -> str:
    return "".join(f"| {where} | `{name}` | {how} | {said} |\n" for where, name, how, said in rows())


def test_the_page_says_what_the_tables_say() -> None:
    _, begins, shown = PAGE.read_text().partition(BEGINS)
    assert begins
    assert shown == table()


@pytest.mark.usefixtures("pegasus_api")
def test_each_property_that_pegasus_knows_is_known() -> None:
    from Pegasus.api import Properties

    all_of_namespace = {f"{namespace}.*" for namespace in PROFILES}
    known = [key for key in (*Properties._props, *Properties._pattern_props) if key not in all_of_namespace]
    assert len(known) > 150
    mistakes = Mistakes()
    for key in known:
        namespace, _, below = key.partition(".")
        is_profile = namespace in PROFILES and of_profile(namespace, below.lower()) is not None
        assert is_profile or of_property(key) is not None, key
        read_properties(mistakes, f"{key} = 1\n", key)
    assert not [said for _, _, said in mistakes.found if "unknown" in said]


@pytest.mark.usefixtures("pegasus_api")
def test_each_profile_that_pegasus_api_writes_is_known() -> None:
    from inspect import signature

    from Pegasus.api import Job

    seen = 0
    for namespace in ("pegasus", "condor", "dagman", "selector", "globus"):
        add = f"add_{namespace}_profile"
        for argument in signature(getattr(Job, add)).parameters:
            if argument == "self":
                continue
            written = getattr(Job("j"), add)(**{argument: "1 GB"}).profiles[namespace]
            for key in written:
                assert of_profile(namespace, key.lower()) is not None, (namespace, key)
                seen += 1
    assert seen > 80


def test_each_key_is_judged_as_its_table_says() -> None:
    for namespace, keys in PROFILES.items():
        for key, treatment in keys.items():
            text = {"style": "condor", "universe": "vanilla", "gridstart": "Kickstart"}.get(key, "2")
            text = {"job.aggregator": "seqexec", "data.configuration": "condorio", "post": "none"}.get(key, text)
            text = "ec2" if key == "execution.site" else text
            found = judged(namespace, key, text, label_key="label")
            assert bool(found.wrong) == (treatment.how is How.REFUSED), key
            assert bool(found.note) == (treatment.how is How.NO_EFFECT), key


@pytest.mark.parametrize("key", [key for key, one in PROPERTIES.items() if one.how is not How.HONOURED])
def test_a_property_without_effect_is_told(key: str) -> None:
    mistakes = Mistakes()
    read_properties(mistakes, f"\n{key.replace('*', 'x')} = 1\n", "p")
    told = [said for _, _, said in mistakes.found] if of_property(key) == PROPERTIES[key] else ["covered: 2"]
    assert any("2" in said for said in (*told, *mistakes.notes))


def test_what_has_no_effect_is_told_with_the_plan(tmp_path: Path) -> None:
    (tmp_path / "workflow.yml").write_text(
        "name: w\njobs:\n"
        + "".join(
            f"- {{type: job, name: yes-sir, id: J{number}, profiles: {{pegasus: {{ppn: {number}}}}}}}\n"
            for number in (1, 2)
        )
        + "transformationCatalog:\n  transformations:\n"
        "  - {name: yes-sir, sites: [{name: condorpool, pfn: /bin/true, type: installed}]}\n"
    )
    (tmp_path / "pegasus.properties").write_text("pegasus.transfer.threads = 4\n")
    workflow = load(tmp_path / "workflow.yml")
    at = datetime(2026, 11, 20, tzinfo=UTC)
    executable = plan(workflow, Site(), RunPaths(run=PurePosixPath("/r")), uuid="u", planned_at=at)
    told = "\n".join(executable.notes).replace(f"{tmp_path}/", "")
    assert "the pegasus profile 'transfer.threads' has no effect: HTCondor moves the files" in told
    assert "(pegasus.properties:1)" in told
    assert "the pegasus profile 'ppn' has no effect" in told
    assert "(workflow.yml:3 and 1 other place)" in told


if __name__ == "__main__":
    before, begins, _ = PAGE.read_text().partition(BEGINS)
    PAGE.write_text(before + begins + table())
