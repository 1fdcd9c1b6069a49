"""A workflow.yml as somebody would write it for HTCondor by hand: one job a task, HTCondor's own file transfer.

In: the documents of a workflow and of its transformation catalog. Out: the files of a directory from which
`condor_submit_dag` runs it. One submit file a transformation; every file of the workflow is in that directory. What
comes back is named, so that the starter need not look for it. No setting of DAGMan or of HTCondor is changed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DAG = "plain.dag"
Document = Mapping[str, Any]


def texts(workflow: Document, transformations: Document) -> dict[str, str]:
    """File name: text.

    >>> job = {"name": "cat", "id": "ID1", "arguments": ["a"], "stdout": "b", "uses": [{"lfn": "a", "type": "input"}]}
    >>> cat = {"name": "cat", "sites": [{"name": "condorpool", "pfn": "/bin/cat", "type": "installed"}]}
    >>> written = texts({"jobs": [job], "jobDependencies": []}, {"transformations": [cat]})
    >>> print(written[DAG], end="")
    JOB ID1 cat.sub
    VARS ID1 words="a" comes="a" goes="" stdout="b"
    """
    programs = {one["name"]: one["sites"][0] for one in transformations["transformations"]}
    used = dict.fromkeys(job["name"] for job in workflow["jobs"])
    found = {f"{name}.sub": _submit(programs[name]) for name in used}
    return {**found, DAG: "".join(f"{line}\n" for line in _dag(workflow))}


def programs(transformations: Document) -> list[Path]:
    """The executables that travel with jobs; the catalog's paths."""
    sites = [one["sites"][0] for one in transformations["transformations"]]
    return [Path(site["pfn"]) for site in sites if site["type"] == "stageable"]


def _submit(site: Document) -> str:
    travels = site["type"] == "stageable"
    lines = {
        "executable": Path(site["pfn"]).name if travels else site["pfn"],
        "transfer_executable": "true" if travels else "false",
        "arguments": '"$(words)"',
        "transfer_input_files": "$(comes)",
        "transfer_output_files": "$(goes)",
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT",
        "output": "$(stdout)",
        "error": "$(JOB).err",
        "log": "plain.log",
        "request_cpus": "1",
        "request_memory": "256M",
        "request_disk": "512M",
    }
    return "".join(f"{name} = {value}\n" for name, value in lines.items()) + "queue\n"


def _dag(workflow: Document) -> Iterator[str]:
    for job in workflow["jobs"]:
        node, stdout = job["id"], job.get("stdout", "")
        inputs = [use["lfn"] for use in job["uses"] if use["type"] == "input"]
        outputs = [use["lfn"] for use in job["uses"] if use["type"] == "output" and use["lfn"] != stdout]
        words = " ".join(str(word) for word in job.get("arguments", []))
        yield f"JOB {node} {job['name']}.sub"
        files = f'comes="{",".join(inputs)}" goes="{",".join(outputs)}"'
        yield f'VARS {node} words="{words}" {files} stdout="{stdout or node + ".out"}"'
    for edge in workflow["jobDependencies"]:
        yield f"PARENT {edge['id']} CHILD {' '.join(edge['children'])}"
