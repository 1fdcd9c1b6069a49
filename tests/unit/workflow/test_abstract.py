"""Every mistake has its file, its line and the nearest valid word, and all of them are told at once."""

from pathlib import PurePath

import pytest

from roost.errors import UsageError
from roost.workflow.abstract import Output, Workflow
from roost.workflow.catalogs import Source
from roost.workflow.image_check import missing_executables
from roost.workflow.mistakes import Mistakes
from roost.workflow.reading import workflow
from roost.workflow.sources import Sources
from roost.yaml_lines import parse_yaml

HERE = PurePath("/w")

GOOD = """\
pegasus: 5.0.4
name: pair
jobs:
- type: job
  name: make
  id: A
  arguments: [-o, b.txt, 3, "two words 'in quotes'"]
  uses:
  - {lfn: a.txt, type: input}
  - {lfn: b.txt, type: output, stageOut: false}
- type: job
  name: take
  namespace: ns
  version: '1.0'
  id: B
  stdout: c.txt
  uses:
  - {lfn: b.txt, type: input}
jobDependencies:
- id: A
  children: [B]
replicaCatalog:
  replicas:
  - lfn: a.txt
    pfns:
    - {site: local, pfn: in/a.txt}
transformationCatalog:
  transformations:
  - name: make
    requires: [awk]
    sites:
    - {name: local, pfn: tools/make, type: stageable}
  - name: take
    namespace: ns
    version: '1.0'
    sites:
    - {name: condorpool, pfn: /bin/cat, type: installed}
  - name: awk
    sites:
    - {name: condorpool, pfn: /usr/bin/awk, type: installed}
"""
FILES = frozenset({PurePath("/w/in/a.txt"), PurePath("/w/tools/make")})


def read(text: str, files: frozenset[PurePath] = FILES) -> Workflow:
    document = parse_yaml(text, "workflow.yml")

    def section(name: str) -> tuple[Source, ...]:
        if name not in document.value:
            return ()
        return (Source(document=document, path=(name,), value=document.value[name], directory=HERE),)

    sources = Sources(
        workflow=document,
        replicas=section("replicaCatalog"),
        transformations=section("transformationCatalog"),
        sites=section("siteCatalog"),
    )
    return workflow(sources, files.__contains__, Mistakes())


def mistakes(text: str, files: frozenset[PurePath] = FILES) -> list[str]:
    with pytest.raises(UsageError) as caught:
        read(text, files)
    return caught.value.message.splitlines()


def test_good_workflow() -> None:
    found = read(GOOD)
    first, second = found.jobs
    assert first.arguments == ("-o", "b.txt", "3", "two", "words", "in quotes")
    assert second.transformation == "ns::take:1.0"
    assert second.outputs == (Output("c.txt", stage_out=True),)
    assert found.edges == (("A", "B"),)
    assert found.replicas["a.txt"].local == PurePath("/w/in/a.txt")


def test_a_checkpoint_is_no_input_and_a_result_of_those_who_want_it() -> None:
    text = GOOD.replace("type: output, stageOut: false}", "type: output}\n  - {lfn: ck, type: checkpoint}")
    text = text.replace(
        "- {lfn: b.txt, type: input}", "- {lfn: b.txt, type: input}\n  - {lfn: ck2, type: checkpoint, stageOut: false}"
    )
    found = read(
        text.replace("  - lfn: a.txt\n", "  - lfn: ck\n    pfns: [{site: local, pfn: in/a.txt}]\n  - lfn: a.txt\n")
    )
    assert found.checkpoints == {"A": ("ck",), "B": ("ck2",)}
    assert [task.inputs for task in found.jobs] == [("a.txt",), ("b.txt",)]
    assert found.jobs[0].outputs == (Output("b.txt", stage_out=True), Output("ck", stage_out=True, optional=True))
    assert found.first_checkpoints == {"ck": PurePath("/w/in/a.txt")}
    assert found.made_before == {}, "what a task begins with is not what it would make"


@pytest.mark.parametrize(
    ("use", "inputs"),
    [
        ("{lfn: b.txt, type: input, optional: true}", ("b.txt",)),  # made by a task
        ("{lfn: a.txt, type: input, optional: true}", ("a.txt",)),  # there
        ("{lfn: nowhere, type: input, optional: true}", ()),
        ("{lfn: b.txt, type: input, bypass: true, registerReplica: false, size: '3'}", ("b.txt",)),
        ("{lfn: b.txt, type: none}", ()),
    ],
)
def test_inputs_of_other_kinds(use: str, inputs: tuple[str, ...]) -> None:
    assert read(GOOD.replace("{lfn: b.txt, type: input}", use)).jobs[1].inputs == inputs


def test_hooks_of_a_transformation_are_those_of_its_tasks() -> None:
    hook = "hooks: {shell: [{_on: end, cmd: 'echo %s'}]}"
    text = GOOD.replace("  id: A\n", f"  id: A\n  {hook % 'task'}\n", 1)
    found = read(text.replace("    requires: [awk]\n", f"    requires: [awk]\n    {hook % 'transformation'}\n"))
    assert {job_id: [hook.command for hook in hooks] for job_id, hooks in found.job_hooks.items()} == {
        "A": ["echo task", "echo transformation"]
    }


def test_edges_follow_the_data_without_being_told() -> None:
    assert read(GOOD.replace("jobDependencies:\n- id: A\n  children: [B]\n", "")).edges == (("A", "B"),)


# (what is changed, into what, the line that is named, what is said)
MISTAKES = [
    ("  uses:\n  - {lfn: a", "  usse:\n  - {lfn: a", 8, "unknown key 'usse'; did you mean 'uses'?"),
    ("name: pair", "nam: pair", 2, "unknown key 'nam'; did you mean 'name'?"),
    ("name: make\n  id", "name: mkae\n  id", 5, "unknown transformation 'mkae'; did you mean 'make'?"),
    ("lfn: a.txt, type: input", "lfn: aa.txt, type: input", 9, "'aa.txt' is used by 'A', made by no job"),
    ("type: input}\n  - {lfn: b", "type: imput}\n  - {lfn: b", 9, "'type' cannot be 'imput'; did you mean 'input'?"),
    ("id: B\n", "id: A\n", 15, "the id 'A' is there twice; it is also on line 6"),
    ("stdout: c.txt", "stdout: b.txt", 16, "'stdout' is 'b.txt', which the job uses as its input"),
    ("  stdout: c.txt", "  stdin: c.txt", 11, "'c.txt' is used by 'B', made by no job"),
    ("lfn: b.txt, type: output", "lfn: make, type: output", 4, "the executable of 'make' would have one name"),
    ("- {lfn: b.txt, type: input}", "- {lfn: b.txt, type: output}", 18, "'b.txt' is made by two jobs: 'A'"),
    ("children: [B]", "children: [C]", 21, "there is no job with the id 'C'"),
    ("- id: A\n  children: [B]", "- id: B\n  children: [A]", 21, "jobs wait for each other: A -> B -> A"),
    ("name: take\n  namespace", "type: x\n  name: take\n  namespace", 0, "'type' is there twice"),
    (
        "  stdout: c.txt\n",
        "  profiles: {condr: {a: b}}\n",
        16,
        "'condr' is no profile namespace; did you mean 'condor'?",
    ),
    (
        "  stdout: c.txt\n",
        "  profiles: {pegasus: {core: 2}}\n",
        16,
        "unknown pegasus profile 'core'; did you mean 'cores'",
    ),
    ("  stdout: c.txt\n", "  profiles: {pegasus: {cores: two}}\n", 16, "has to be a whole number"),
    ("  stdout: c.txt\n", "  profiles: {condor: {executable: x}}\n", 16, "'executable': Roost's planner sets it"),
    ("lfn: a.txt, type: input", "lfn: ../a.txt, type: input", 9, "has to stay below the job's directory"),
    ("requires: [awk]", "requires: [akw]", 30, "requires 'akw', which is no transformation; did you mean 'awk'?"),
    ("name: condorpool, pfn: /bin/cat", "name: local, pfn: /bin/cat", 33, "installed at the site 'local' alone"),
    ("pfn: /bin/cat", "pfn: bin/cat", 37, "an installed transformation has an absolute path"),
    ('"two words', "\"two 'words", 7, "an argument cannot be"),
    # what Pegasus has and Roost does not
    ("type: job\n  name: make", "type: pegasusWorkflow\n  name: make", 5, "unknown key 'name'"),
    ("name: pair", "name: pair\nhooks: {shell: [x]}", 3, "this has to be a list of `key: value` lines, not 'x'"),
    ("  stdout: c.txt\n", "  profiles: {pegasus: {job.aggregator: x}}\n", 16, "not supported yet: the pegasus profile"),
    (
        "  stdout: c.txt\n",
        "  profiles: {selector: {execution.site: x}}\n",
        16,
        "the selector profile 'execution.site' cannot be 'x'; it is condorpool or ec2",
    ),
    ("type: output, st", "type: inout, st", 10, "'type' cannot be 'inout': a file is written once"),
    ("type: output, st", "type: checkpoint, st", 18, "'b.txt' is used by 'B', made by no job"),
    (
        "type: input}\n  - {lfn: b",
        "type: checkpoint}\n  - {lfn: a.txt, type: input}\n  - {lfn: b",
        10,
        "uses 'a.txt' twice",
    ),
    (
        "  stdout: c.txt\n",
        "  profiles: {pegasus: {checkpoint.time: 2, maxwalltime: 2.1}}\n",
        16,
        "'checkpoint.time' (2 min) has to be at least 10 s before 'maxwalltime' (2.1 min)",
    ),
    ("type: stageable}", "type: stageable, container: c}", 32, "unknown container 'c'"),
    ("pfn: in/a.txt", "pfn: gsiftp://h/a", 26, "not supported yet: files at gsiftp://"),
    ("pfn: in/a.txt", "pfn: '${NOWHERE}/a'", 26, "there is no environment variable NOWHERE"),
    ("site: local, pfn", "site: other, pfn", 26, "not supported yet: a path at the site 'other'"),
    ("- lfn: a.txt\n    pfns", "- lfn: a.txt\n    checksum: {sha256: 12}\n    pfns", 25, "'sha256' cannot be '12'"),
    ("- lfn: a.txt\n    pfns", "- lfn: 'a(.txt'\n    regex: true\n    pfns", 24, "is no regular expression"),
    ("lfn: a.txt, type", "lfn: 'a,b', type", 9, "not supported yet: ',' in the file name"),
]


@pytest.mark.parametrize(("before", "after", "line", "said"), MISTAKES)
def test_mistake_has_its_line(before: str, after: str, line: int, said: str) -> None:
    assert before in GOOD
    found = mistakes(GOOD.replace(before, after, 1))
    assert any(one.startswith(f"workflow.yml:{line}:" if line else "workflow.yml:") and said in one for one in found)


def test_all_mistakes_at_once_in_the_order_of_the_file() -> None:
    text = (
        GOOD.replace("uses:", "usse:", 1).replace("children: [B]", "children: [C]").replace("name: pair", "name: p q")
    )
    found = mistakes(text)
    lines = [int(one.split(":")[1]) for one in found]
    assert {2, 8, 21} <= set(lines)
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("before", "after", "only"),
    [
        ("site: local, pfn: in", "site: other, pfn: in", "workflow.yml:23: not supported yet: a path at the site"),
        ("    pfns:\n    - {site: local, pfn: in/a.txt}\n", "", "workflow.yml:21: 'a.txt' has no pfns"),
        ("jobs:\n", "jobs: []\nhooks: {}\nx-pegasus:\n", "workflow.yml:3: a workflow without jobs"),
    ],
)
def test_one_mistake_is_told_once(before: str, after: str, only: str) -> None:
    assert before in GOOD
    text = GOOD.replace(before, after).replace("jobDependencies:\n- id: A\n  children: [B]\n", "")
    (found,) = mistakes(text)
    assert found.startswith(only)


def test_missing_input_file_is_named_with_its_path() -> None:
    (found,) = mistakes(GOOD, FILES - {PurePath("/w/in/a.txt")})
    assert found == "workflow.yml:9: the input file 'a.txt' is not there: /w/in/a.txt (workflow.yml:26)"


def test_missing_stageable_executable() -> None:
    (found,) = mistakes(GOOD, FILES - {PurePath("/w/tools/make")})
    assert found == "workflow.yml:32: the executable of 'make' is not there: /w/tools/make"


def test_missing_executables_are_those_not_on_the_image() -> None:
    found = read(GOOD)
    assert missing_executables(found, frozenset({"/usr/bin/cat", "/usr/bin/awk"})) == []
    assert [one.pfn for one in missing_executables(found, frozenset({"/bin/cat"}))] == ["/usr/bin/awk"]
    assert str(missing_executables(found, frozenset({"/usr/bin/awk"}))[0]) == (
        "workflow.yml:37: transformation 'ns::take:1.0' needs /bin/cat, which is not on the image"
    )


@pytest.mark.parametrize("text", ["", "a", "- a\n- b\n", "jobs: 3\nname: x\n", "name: x\njobs: [1, {}]\n"])
def test_odd_documents_are_mistakes_and_no_traceback(text: str) -> None:
    document = parse_yaml(text, "workflow.yml")
    with pytest.raises(UsageError):
        workflow(Sources(workflow=document, replicas=(), transformations=(), sites=()), lambda _: True, Mistakes())


def test_a_job_whose_id_is_there_twice_tells_its_other_mistakes_too() -> None:
    text = GOOD.replace("  id: B\n", "  id: A\n").replace(
        "name: take\n  namespace: ns\n", "name: tkae\n  namespace: ns\n", 1
    )
    with pytest.raises(UsageError) as raised:
        read(text)
    assert "the id 'A' is there twice" in raised.value.message
    assert "unknown transformation 'ns::tkae:1.0'; did you mean 'ns::take:1.0'?" in raised.value.message
