"""shell (files): a submit directory that came home -> events.jsonl beside it, for Pegasus' workflow-monitor."""

from pathlib import Path

from roost.workflow import braindump, events, run_files
from roost.workflow.events import About, Try


def write(submit: Path, target: Path) -> None:
    plan, stem = run_files.planned(submit)
    said = braindump.read((submit / "braindump.yml").read_text(encoding="utf-8"))
    about = About(
        uuid=plan.uuid,
        label=said.get("dax_label", stem),
        user=said.get("user", ""),
        planner_version=said.get("planner_version", ""),
        submit_dir=str(submit),
    )
    runs = run_files.dag_runs(submit, stem)
    log = run_files.blocks(submit / f"{stem}.log")
    tries = {(job, number): _try(submit, path) for job, number, path in run_files.outputs(submit)}
    with target.open("w", encoding="utf-8") as file:
        file.writelines(events.text(events.events(about, plan, log, runs, tries)))


def _try(submit: Path, output: Path) -> Try:
    text = output.read_text(encoding="utf-8", errors="replace")
    return Try(stdout=str(output.relative_to(submit)), peak_kib=events.peak_kib(text))
