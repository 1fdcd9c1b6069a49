"""shell (files): a run's directory that came home is made fit for Pegasus' tools: they find it where it is now, and
workflow-monitor finds its events.
"""

from roost.verbs.run_directory import RunDirectory
from roost.workflow import event_files, pegasus_tools

EVENTS = "events.jsonl"


def settle(directory: RunDirectory) -> None:
    if not (directory.submit / "braindump.yml").is_file():  # its plan did not get as far
        return
    pegasus_tools.settle(directory.submit)
    event_files.write(directory.submit, directory.path / EVENTS)
