"""What a pegasus.properties file may say, and what of it Roost does."""

import pytest

from roost.errors import UsageError
from roost.workflow.mistakes import Mistakes
from roost.workflow.properties import Properties, read_properties


def read(text: str) -> Properties:
    mistakes = Mistakes()
    found = read_properties(mistakes, text, "p")
    mistakes.finish()
    return found


def test_of_a_real_project() -> None:
    found = read(
        """\
# comment
pegasus.catalog.site.file = conf/sites.yml
pegasus.catalog.replica=YAML
pegasus.mode = development
pegasus.monitord.encoding = json
pegasus.catalog.workflow.amqp.url = amqp://friend:donatedata@msgs.pegasus.isi.edu:5672/prod/workflows
pegasus.transfer.worker.package = false
pegasus.metrics.app : roost
pegasus.integrity.checking = full
dagman.maxjobs = 50
dagman.bigjob.maxjobs = 2
condor.request_memory = 2 GB
env.OMP_NUM_THREADS = 1
pegasus.cores = 2
"""
    )
    assert found.catalogs == {"pegasus.catalog.site.file": "conf/sites.yml"}
    assert found.retries == 0
    assert found.dagman == {"DAGMAN_MAX_JOBS_SUBMITTED": "50"}
    assert found.throttles == {"bigjob": 2}
    assert found.profiles.condor == {"request_memory": "2 GB"}
    assert found.profiles.env == {"OMP_NUM_THREADS": "1"}
    assert found.profiles.pegasus == {"cores": "2"}


@pytest.mark.parametrize(
    ("text", "retries"), [("", 1), ("dagman.retry = 4", 4), ("pegasus.mode = debug\ndagman.retry = 2", 2)]
)
def test_retries(text: str, retries: int) -> None:
    assert read(text).retries == retries


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "\npegasus.data.configuration = nonshared",
            "p:2: 'pegasus.data.configuration' cannot be 'nonshared'",
        ),
        ("pegasus.catalog.site = XML", "p:1: not supported yet: 'pegasus.catalog.site' cannot be 'XML'; it is YAML"),
        ("pegasus.integrity.checking = none", "'pegasus.integrity.checking' cannot be 'none'; it is full or nosymlink"),
        ("pegasus.moed = debug", "p:1: unknown property 'pegasus.moed'; did you mean 'pegasus.mode'?"),
        ("dagman.retry = many", "p:1: 'dagman.retry' cannot be 'many': it has to be a whole number"),
        ("dagman.maxjobs = -1", "'dagman.maxjobs' cannot be '-1'"),
        ("dagman.big.maxjobs = x", "'dagman.big.maxjobs' cannot be 'x'"),
        ("pegasus.cores = two", "'cores' cannot be 'two'"),
        ("condor.executable = x", "the condor profile 'executable': Roost's planner sets it"),
    ],
)
def test_what_cannot_be(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(text)
    assert said in raised.value.message
