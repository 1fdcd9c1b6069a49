"""HTCondor's own words (recorded from 23.9.6) and the class of error they become."""

import pytest

from roost.errors import NotFoundError, RefusedError, RoostError, UsageError, WaitTimeoutError
from roost.pool.condor import failure, submitted_cluster


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("\nCouldn't find/remove all jobs in cluster 999\n", NotFoundError),
        ("condor_rm:0:There are no jobs in the queue\n", NotFoundError),
        ("ERROR: on Line 1 of submit file: no queue statement\n\nERROR: Failed to parse command file.", UsageError),
        ("\nERROR: Executable file /nope does not exist\n", NotFoundError),
        ('ERROR: "d.dag.condor.sub" already exists.\n', UsageError),
        ("sh: 1: cd: can't cd to nodir", NotFoundError),
        ("Error: can't find collector\n", WaitTimeoutError),
        ("\nERROR: Can't find address of local schedd\n", WaitTimeoutError),
        ("ERROR: Failed to queue job: Number of jobs submitted would exceed MAX_JOBS_PER_OWNER", RefusedError),
        ("ERROR: Failed to connect to local queue manager\nopen(/run/condor/pipe): No such file", WaitTimeoutError),
        ("AUTHENTICATE:1004:Failed to authenticate using FS\nUnable to lstat: No such file", RefusedError),
        ("cannot open /home/debian/x: Permission denied\nERROR: No such file or directory", RefusedError),
        ("something new", RoostError),
        ("", RoostError),
    ],
)
def test_failure(words: str, expected: type[RoostError]) -> None:
    error = failure("do it", words)
    assert type(error) is expected
    assert error.message.startswith("cannot do it: ")
    assert all(line.strip() in error.message for line in words.splitlines())
    assert error.hint


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("2.0 - 2.0\n", 2),
        ("WARNING: the line 'x = y' was unused\n14.0 - 14.3\n", 14),
        ("Submitting job(s).\n1 job(s) submitted to cluster 5.\n\n-----\n", 5),
    ],
)
def test_submitted_cluster(printed: str, expected: int) -> None:
    assert submitted_cluster(printed) == expected


def test_no_cluster_is_an_error() -> None:
    with pytest.raises(RoostError, match="no cluster id"):
        submitted_cluster("hello")
