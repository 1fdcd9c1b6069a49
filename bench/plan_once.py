"""What `roost run` does between reading a workflow and sending it, without a pool: read, check, plan, write.

python bench/plan_once.py workflow.yml DIRECTORY
"""

import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from roost.workflow import source, submit_dir
from roost.workflow.executable import Site
from roost.workflow.planner import plan
from roost.workflow.run_paths import RunPaths


def main() -> None:
    _, workflow, directory = sys.argv
    paths = RunPaths(run=PurePosixPath("/home/debian/runs/planned"))
    planned = plan(source.load(Path(workflow)), Site(), paths, uuid=str(uuid.uuid4()), planned_at=datetime.now(UTC))
    submit_dir.write(planned, Path(directory))


if __name__ == "__main__":
    main()
