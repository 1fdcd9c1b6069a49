"""What pegasus-plan 5.1.2 printed for mistakes that were made on purpose, one at a time -> what to do."""

import pytest

from roost.errors import NotFoundError, RoostError, UsageError
from roost.workflow.pegasus_errors import OUT_OF_MEMORY, refusal

FATAL = "2026.11.21 14:04:37.414 UTC: [FATAL ERROR]  \n"
METRICS = "ERROR while logging metrics The metrics file location is not yet initialized\n"
NO_HTCONDOR = (
    "2026.11.21 14:04:12.646 UTC: [ERROR]  IOException while executng command  class java.io.IOException: Cannot run"
    ' program "condor_config_val": error=2, No such file or directory \n'
)
P = "edu.isi.pegasus.planner"
R = "java.lang.RuntimeException"
TRANSFORMATION = (
    f' [1] {R}: There are no entries for the transformation "preprocess" in the TC for sites'
    f" [condorpool] at {P}.catalog.transformation.mapper.All.getSiteMap(All.java:99) "
)
OTHER_SITE = f""" [1] {R}: Site Selector could not map the job preprocess with id preprocess_ID0000001
to any of the execution sites [condorpool]
using the Transformation Mapper (All Mode - Handle both Installed and Stageable Executables on all sites)
This error is most likely due to an error in the transformation catalog.
Make sure that the preprocess transformation exists with matching system information for sites
[condorpool] you are trying to plan for {{condorpool={{arch=x86_64 os=linux}}}}
Candidate Entries found were [
 Logical Name      : preprocess
] at {P}.refiner.InterPoolEngine.scheduleJobs(InterPoolEngine.java:1)"""
REPLICA = (
    f" [1] {R}: TransferEngine.java: Can't determine a location to transfer input file for lfn"
    f" f.a for job preprocess_ID0000001 at {P}.transfer.generator.StageIn.constructFileTX(StageIn.java:453) "
)
ELSEWHERE = (
    f" [1] {R}: Unable to select a Physical Filename (PFN) for file with logical filename (LFN)"
    " as f.a for transfer to destination site (condorpool). runTransferOnLocalSite:false amongst"
    " [(file:///data/f.a,{site=local})]\nIf any of the following file URLs are also accessible on the site (condorpool)"
    f" consider setting the pegasus profile\n at {P}.transfer.generator.StageIn.complain(StageIn.java:1063) "
)
SCHEMA = (
    f" [1] {P}.parser.ScannerException: Error 1:{{$.sites[0].bogus: is not defined in the schema and the schema"
    " does not allow additional properties},Error 2:{$.pegasus: is missing but it is required} at"
    f" {P}.parser.YAMLParser.validate(YAMLParser.java:129) \n{METRICS}"
)
GENERATOR = (
    f" [1] {R}: Unable to generate code at {P}.client.CPlanner.executeCommand(CPlanner.java:646)\n"
    f" [2] {P}.code.CodeGeneratorException: %s at {P}.code.generator.condor.PegasusSubmitDAG.generateCode"
    "(PegasusSubmitDAG.java:109) "
)
REQUIRES = (
    f" [1] {R}: Transformation selection operation for job  preprocess for site condorpool"
    f" unsuccessful. at {P}.refiner.InterPoolEngine.handleFileTransfers(InterPoolEngine.java:592) "
)
TWO_PRODUCERS = (
    f" [1] {R}: Output file f.c1 found for job ID0000003 has already been associated as output"
    f" for a previous job ID0000002 at {P}.classes.DagInfo.updateLFNMap(DagInfo.java:607) "
)
GIT = """Pegasus requires the Python3 GitPython module to be installed
Please install it via your OS package manager, via pip, or activate a venv which includes the module.
The PYTHONPATH is ['/usr/lib/pegasus/python']
"""


@pytest.mark.parametrize(
    ("said", "error", "message", "hint"),
    [
        (
            FATAL + TRANSFORMATION,
            UsageError,
            "pegasus-plan: the transformation 'preprocess' is in no transformation catalog for the site condorpool",
            "catalogs lint",
        ),
        (
            FATAL + OTHER_SITE,
            UsageError,
            "pegasus-plan: the transformation 'preprocess' of preprocess_ID0000001 is in the catalog, and not for the"
            " site condorpool and its system",
            "catalogs lint",
        ),
        (
            FATAL + REPLICA,
            UsageError,
            "pegasus-plan: 'f.a' is an input of preprocess_ID0000001, made by no job and in no replica catalog",
            "catalogs write",
        ),
        (
            FATAL + ELSEWHERE,
            UsageError,
            "pegasus-plan: 'f.a' is at (file:///data/f.a,{site=local}), where nothing that runs at condorpool can"
            " get it",
            "replica",
        ),
        (
            FATAL + REQUIRES,
            UsageError,
            "what 'preprocess' requires is installed at condorpool, while 'preprocess' itself is sent along;"
            " pegasus-plan cannot do that",
            "requires",
        ),
        (
            f"{METRICS}{FATAL} [1] {R}: Execution site ec2 not loaded into site store. Loaded sites"
            f" are [condorpool, local] at {P}.client.CPlanner.executeCommand(CPlanner.java:448) ",
            UsageError,
            "pegasus-plan: the site 'ec2' is not in sites.yml, which has condorpool, local",
            "catalogs write",
        ),
        (
            f"{FATAL} [1] {R}: The output site [elsewhere] not loaded from the site catalog. at"
            f" {P}.common.PegasusConfiguration.update(PegasusConfiguration.java:283) ",
            UsageError,
            "pegasus-plan: the site 'elsewhere', where results are to go, is not in sites.yml",
            "catalogs write",
        ),
        (
            FATAL + SCHEMA,
            UsageError,
            "sites.yml: sites[0].bogus is not defined in the schema and the schema does not allow additional"
            " properties\n"
            "a catalog: pegasus is missing but it is required",
            "lint",
        ),
        (
            f"{METRICS}{FATAL} [1]: No class found corresponding to style bogus at"
            f" {P}.code.generator.condor.CondorStyleFactory.get(CondorStyleFactory.java:279) ",
            UsageError,
            "pegasus-plan: there is no style 'bogus'",
            "condor",
        ),
        (
            f"{FATAL} [1] {R}: Invalid value bogus specified for property"
            f" pegasus.data.configuration at {P}.common.PegasusConfiguration.get(PegasusConfiguration.java:492) ",
            UsageError,
            "pegasus-plan: pegasus.properties: 'pegasus.data.configuration' cannot be 'bogus'",
            "catalogs diff",
        ),
        (
            f"{FATAL} [1] java.lang.IllegalArgumentException: No enum constant {P}.classes.PegasusFile.LINKAGE.inputs"
            " at java.base/java.lang.Enum.valueOf(Enum.java:273) ",
            UsageError,
            "pegasus-plan: 'inputs' is no LINKAGE",
            "lint",
        ),
        (
            f'{FATAL} [1] {R}: Illegal key nme for element jobs - {{"type":"job"}} at'
            f" {P}.classes.Job$JsonDeserializer.getException(Job.java:2538) ",
            UsageError,
            "pegasus-plan: 'nme' is no key of jobs",
            "lint",
        ),
        (
            f"{FATAL} [1] {R}: Abstract Workflow has cycles at {P}.refiner.MainEngine.runPlanner(MainEngine.java:168) ",
            UsageError,
            "pegasus-plan: the workflow's jobs wait for each other",
            "lint",
        ),
        (
            f"{FATAL} [1] {R}: Unable to find job in DAX with ID ID2 listed as a child for job with"
            f" ID ID1 at {P}.parser.dax.DAX2CDAG.cbChildren(DAX2CDAG.java:314) ",
            UsageError,
            "pegasus-plan: 'ID2', a child of 'ID1', is no job of the workflow",
            "lint",
        ),
        (
            FATAL + TWO_PRODUCERS,
            UsageError,
            "pegasus-plan: 'f.c1' is made by two jobs: ID0000002 and ID0000003",
            "name",
        ),
        (
            f"{FATAL} [1] {R}: null at {P}.refiner.MainEngine.runPlanner(MainEngine.java:202)\n"
            " [2]: No matching partitioner found for clustering technique bogus at"
            f" {P}.cluster.ClustererFactory.loadPartitioner(ClustererFactory.java:93) ",
            UsageError,
            "pegasus-plan: there is no clustering 'bogus'",
            "horizontal",
        ),
        (
            f"{FATAL} [1] {R}: File does not exist or with read bit set to false /w/transformations.yml"
            " at edu.isi.pegasus.common.util.FileDetector.isTypeYAML(FileDetector.java:135) ",
            UsageError,
            "pegasus-plan: /w/transformations.yml is not there, or cannot be read",
            "pegasus.catalog",
        ),
        (
            f"{FATAL} [1] {R}: Source directory for worker package does not exist /opt/x at"
            f" {P}.common.CreateWorkerPackage.copy(CreateWorkerPackage.java:72) ",
            UsageError,
            "pegasus-plan finds no worker package to send along",
            "PEGASUS_HOME",
        ),
        (GIT, NotFoundError, "pegasus-plan needs Python's GitPython, and the access point has none", "python3-git"),
        (
            "ERROR: java not found.\n",
            NotFoundError,
            "pegasus-plan needs Java, and the access point has none",
            "default-jre-headless",
        ),
        (
            NO_HTCONDOR + FATAL + GENERATOR % "Unable to find path to condor_submit_dag",
            NotFoundError,
            "pegasus-plan finds no condor_submit_dag on the access point's PATH",
            "HTCondor",
        ),
        (
            f"{NO_HTCONDOR}x: [ERROR]  ERROR: no such schedd \n{FATAL}"
            + GENERATOR % "Command failed with non zero exit status /usr/bin/condor_submit_dag -no_submit w-0.dag",
            RoostError,
            "condor_submit_dag refused the DAG that pegasus-plan made: ERROR: no such schedd",
            "condor",
        ),
        (
            f"{FATAL} [1] {R}: Unable to write to directory /proc/x at"
            f" {P}.client.CPlanner.executeCommand(CPlanner.java:568)\n [2] java.io.IOException: Unable to create "
            f" directory /proc/x at {P}.client.CPlanner.sanityCheck(CPlanner.java:1440) ",
            RoostError,
            "pegasus-plan: the directory /proc/x cannot be written on the access point",
            "ls -ld",
        ),
        (
            '\nException: java.lang.OutOfMemoryError thrown from the UncaughtExceptionHandler in thread "main"\n',
            RoostError,
            "pegasus-plan ran out of memory",
            "access_point_type",
        ),
    ],
)
def test_what_to_do(said: str, error: type[RoostError], message: str, hint: str) -> None:
    found = refusal(said, 1)
    assert found.message == message
    assert type(found) is error
    assert hint in found.hint


def test_what_nobody_knows_is_told_in_its_words_without_the_classes() -> None:
    said = FATAL + GENERATOR % "Unable to read the dagman condor submit file /w/a b.condor.sub"
    assert refusal(said, 1).message == (
        "pegasus-plan refused the workflow: Unable to read the dagman condor submit file /w/a b.condor.sub"
    )


@pytest.mark.parametrize(
    ("exit_code", "message"),
    [
        (OUT_OF_MEMORY, "pegasus-plan ran out of memory"),
        (3, "pegasus-plan refused the workflow: nothing, and ended with exit code 3"),
    ],
)
def test_without_a_word(exit_code: int, message: str) -> None:
    assert refusal(" \n", exit_code).message == message
