"""What stands for `pegasus-plan` and `pegasus-run` on an access point, where no Pegasus can be had: of our side alone.

Their command lines, what they print and the form of the submit directory are those that Pegasus 5.1.2 was seen to have
(docs/pegasus.md); the plan itself is fixed, and is none of Pegasus': two jobs, the second of which fails as long as
there is no file `mended` in the run's directory. So nothing is shown here of what Pegasus does, only that Roost calls
it, follows it, finds it again and goes on from its rescue DAG.
"""

import base64

PLAN = r'''#!/usr/bin/python3
import argparse, getpass, json, subprocess, sys, uuid
from pathlib import Path

parser = argparse.ArgumentParser()
for option in ("--conf", "--dir", "--relative-submit-dir", "--sites", "--output-sites"):
    parser.add_argument(option, required=True)
parser.add_argument("--cleanup")
parser.add_argument("--cluster")
parser.add_argument("--json", action="store_true", required=True)
parser.add_argument("--force", action="store_true")
parser.add_argument("workflow")
asked = parser.parse_args()
run = Path(asked.dir)
assert Path.cwd() == run and (run / asked.workflow).is_file() and (run / asked.conf).is_file()
submit = run / asked.relative_submit_dir
jobs = submit / "00" / "00"
jobs.mkdir(parents=True)
SUB = """universe = {universe}
executable = /bin/sh
transfer_executable = false
arguments = "-c '{script}'"
initialdir = {run}/scratch
should_transfer_files = {transfer}
{files}
output = {jobs}/{name}.out
error = {jobs}/{name}.err
log = {submit}/small-0.log
request_memory = 100
+pegasus_wf_xformation = "{transformation}"
+pegasus_job_class = 1
queue
"""
def write(name, **about):
    text = SUB.format(name=name, transformation=name.partition("_")[0], run=run, jobs=jobs, submit=submit, **about)
    (jobs / (name + ".sub")).write_text(text)

write("make_ID1", universe="vanilla", transfer="YES", script="sleep 6; echo made > part",
      files="transfer_output_files = part\nwhen_to_transfer_output = ON_EXIT")
write("use_ID2", universe="local", transfer="NO", files="",
      script=f"test -e {run}/mended || exec sh {run}/complain; cp part {run}/output/result")
(run / "complain").write_text("echo not yet >&2; exit 3\n")
dag = []
for name in ("make_ID1", "use_ID2"):
    post = f"/usr/local/bin/pegasus-exitcode -r $RETURN -s PegasusLite:+exitcode+0 -l small-0.exitcode.log"
    dag += [f"JOB {name} 00/00/{name}.sub", f"SCRIPT POST {name} {post} .//00/00/{name}.out", f"RETRY {name} 0"]
dag += ["PARENT make_ID1 CHILD use_ID2"]
(submit / "small-0.dag").write_text("\n".join(dag) + "\n")
wf = str(uuid.uuid4())
appended = [f'+pegasus_wf_uuid="{wf}"', f'+pegasus_root_wf_uuid="{wf}"', "+pegasus_job_class=11"]
words = [word for one in appended for word in ("-append", one)]
subprocess.run(["condor_submit_dag", "-no_submit", "-MaxPost", "20", *words, "small-0.dag"], cwd=submit, check=True,
               stdout=sys.stderr)
told = {
    "user": getpass.getuser(), "wf_uuid": wf, "root_wf_uuid": wf, "dax_label": "small", "pegasus_wf_name": "small-0",
    "submit_dir": str(submit), "planner": "/usr/local/bin/pegasus-plan", "planner_version": "5.1.2",
    "dag": "small-0.dag", "condor_log": "small-0.log", "timestamp": "20261120T120502+0000", "type": "dag",
    "basedir": str(run), "properties": "pegasus.properties", "planner_arguments": " ".join(sys.argv[1:]),
}
(submit / "braindump.yml").write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in told.items()))
print(json.dumps({**told, "message": "a stand-in has planned it"}, indent=2))
'''
RUN = """#!/bin/sh
cd -- "$1" && condor_submit small-0.dag.condor.sub
"""
EXITCODE = """#!/bin/sh
code=$2
for file; do :; done
number=0
while [ -e "$file.00$number" ]; do number=$((number + 1)); done
mv "$file" "$file.00$number"
mv "${file%.out}.err" "${file%.out}.err.00$number"
exit "$code"
"""
_FILES = {"pegasus-plan": PLAN, "pegasus-run": RUN, "pegasus-exitcode": EXITCODE, "java": "#!/bin/sh\n"}


def installing() -> str:
    """A command for a shell of root's."""
    lines = []
    for name, text in _FILES.items():
        path = f"/usr/local/bin/{name}"
        lines.append(f"echo {base64.b64encode(text.encode()).decode()} | base64 -d > {path} && chmod 755 {path}")
    return " && ".join(lines)
