"""Scripts that use Pegasus.api in the ways in which people write them."""

# As Pegasus' documentation has it: a class with a method for each catalog, argparse, plan(submit=True).wait().
TUTORIAL = """\
#!/usr/bin/env python3
import logging
from argparse import ArgumentParser
from pathlib import Path

from Pegasus.api import *

logging.basicConfig(level=logging.INFO)


class SplitWorkflow:
    wf = sc = tc = rc = props = None
    wf_name = "split"

    def __init__(self, dagfile="workflow.yml"):
        self.dagfile = dagfile
        self.wf_dir = str(Path(__file__).parent.resolve())

    def write(self):
        self.sc.write()
        self.props.write()
        self.rc.write()
        self.tc.write()
        self.wf.write(file=self.dagfile)

    def plan(self, output_dir):
        try:
            self.wf.plan(
                sites=["condorpool"],
                output_dir=output_dir,
                cluster=["horizontal"],
                verbose=3,
                submit=True,
            ).wait().analyze().statistics()
        except Exception as error:
            print("the script went on:", error)
        print("the script went on")

    def create_pegasus_properties(self):
        self.props = Properties()
        self.props["dagman.retry"] = "2"

    def create_sites_catalog(self, exec_site_name="condorpool"):
        local = Site("local")
        for kind, path in ((Directory.SHARED_SCRATCH, "scratch"), (Directory.LOCAL_STORAGE, "output")):
            server = FileServer(f"file://{self.wf_dir}/{path}", Operation.ALL)
            local.add_directories(Directory(kind, f"{self.wf_dir}/{path}").add_file_servers(server))
        pool = Site(exec_site_name).add_pegasus_profile(style="condor").add_condor_profile(universe="vanilla")
        self.sc = SiteCatalog().add_sites(local, pool)

    def create_transformation_catalog(self, exec_site_name="condorpool"):
        split = Transformation("split", site=exec_site_name, pfn="/usr/bin/split", is_stageable=False)
        wc = Transformation("wc", site=exec_site_name, pfn="/usr/bin/wc", is_stageable=False)
        self.tc = TransformationCatalog().add_transformations(split, wc)

    def create_replica_catalog(self):
        text = Path(self.wf_dir) / "input" / "words.txt"
        text.parent.mkdir(exist_ok=True)
        text.write_text("a b\\n" * 40)
        self.rc = ReplicaCatalog().add_replica("local", "words.txt", text)

    def create_workflow(self, size):
        self.wf = Workflow(self.wf_name, infer_dependencies=True)
        words = File("words.txt")
        parts = [File("part." + letter) for letter in "abcdefgh"[:size]]
        split = Job("split").add_args("-n", f"l/{size}", "-a", "1", words, "part.").add_inputs(words)
        self.wf.add_jobs(split.add_outputs(*parts, stage_out=False, register_replica=False))
        for part in parts:
            count = File("count" + part.lfn[-2:])
            wc = Job("wc").add_args("-l", part).add_inputs(part)
            self.wf.add_jobs(wc.set_stdout(count, stage_out=True, register_replica=False))


if __name__ == "__main__":
    parser = ArgumentParser(description="Pegasus Split Workflow")
    parser.add_argument("-s", "--skip_sites_catalog", action="store_true")
    parser.add_argument("-e", "--execution_site_name", default="condorpool")
    parser.add_argument("-o", "--output", default="workflow.yml")
    parser.add_argument("--size", type=int, default=2)
    args = parser.parse_args()

    workflow = SplitWorkflow(args.output)
    if not args.skip_sites_catalog:
        workflow.create_sites_catalog(args.execution_site_name)
    workflow.create_pegasus_properties()
    workflow.create_transformation_catalog(args.execution_site_name)
    workflow.create_replica_catalog()
    workflow.create_workflow(args.size)
    print("write")
    workflow.write()
    workflow.plan("results")
"""

_ONE_JOB = """\
from Pegasus.api import *
wf = Workflow("one")
wf.add_transformation_catalog(TransformationCatalog().add_transformations(
    Transformation("true", site="condorpool", pfn="/bin/true", is_stageable=False)))
wf.add_jobs(Job("true"))
"""

WRITES = _ONE_JOB + 'wf.write("flow.yml")\n'
PLANS_WITHOUT_WRITING = _ONE_JOB + 'wf.plan()\nprint("after plan")\nwf.run()\nprint("never")\n'
CALLS_THE_COMMAND = (
    _ONE_JOB
    + """\
import os, subprocess
wf.write("flow.yml")
subprocess.run(["pegasus-plan", "--conf", "other.properties", "--dir", "work", "-o", "local", "flow.yml"], check=True)
subprocess.run([os.environ["PEGASUS_HOME"] + "/bin/pegasus-run", "work"], check=True)
"""
)
PRINTS = _ONE_JOB + "import sys\nwf.write(sys.stdout)\n"
WANTS = (
    _ONE_JOB
    + """
wf.plan(
    cluster=["label"], reuse=["runs/first/submit", "other/run0001"], force=True, cleanup="inplace", submit=True
)
"""
)
READS_THE_SUBMIT_DIRECTORY = _ONE_JOB + "wf.plan()\nprint(wf.braindump.submit_dir)\n"
INNER_AND_OUTER = """\
from Pegasus.api import *
inner = Workflow("inner").add_jobs(Job("true"))
outer = Workflow("outer").add_jobs(SubWorkflow(inner, _id="inside"))
outer.write()
"""
FAILS = "from Pegasus.api import *\n\ndef wrong():\n    return 1 / 0\n\nwrong()\n"
EXITS = "import sys\nfrom Pegasus.api import *\nsys.exit('no input')\n"
FORGETS = _ONE_JOB
NO_PYTHON = "from Pegasus.api import *\ndef:\n"


def line_of_plan(script: str) -> int:
    return next(n for n, line in enumerate(script.splitlines(), start=1) if "wf.plan(" in line)
