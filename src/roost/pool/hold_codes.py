"""pure: why HTCondor holds a job, in words (the manual's table of HoldReasonCode; subcodes are errno where one is)."""

import errno
import os
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    code: int
    sentence: str
    remedy: str


_POLICY = "look at what the policy says: {there}condor_q -l {job} | grep -i periodic"
_INPUT = "put the file where `transfer_input_files` says, as the access point sees it"
_OUTPUT = "have the job write what `transfer_output_files` names, or take it out of the list"

HOLDS = (
    Hold(code=1, sentence="somebody held it with condor_hold", remedy=""),
    Hold(code=3, sentence="its own policy held it (periodic_hold, on_exit_hold)", remedy=_POLICY),
    Hold(code=4, sentence="its credential cannot be read", remedy="make the proxy or token again"),
    Hold(code=5, sentence="its own policy cannot be evaluated", remedy=_POLICY),
    Hold(
        code=6,
        sentence="its executable could not be started",
        remedy="is it there on the execution point, executable, with an interpreter that is there (`#!`)?",
    ),
    Hold(code=7, sentence="its standard output could not be opened", remedy="check `output =` and `error =`"),
    Hold(code=8, sentence="its standard input could not be opened", remedy="check `input =`"),
    Hold(code=9, sentence="its output stream could not be opened", remedy="check `stream_output =`"),
    Hold(code=10, sentence="its input stream could not be opened", remedy="check `input =`"),
    Hold(code=11, sentence="the transfer of its files was not confirmed", remedy=""),
    Hold(code=12, sentence="its output files could not be brought back", remedy=_OUTPUT),
    Hold(code=13, sentence="its input files could not be brought to it", remedy=_INPUT),
    Hold(code=14, sentence="its initial directory cannot be entered", remedy="check `initialdir =`"),
    Hold(code=15, sentence="it was submitted on hold (`hold = true`)", remedy=""),
    Hold(code=16, sentence="its input files are still being sent to the schedd", remedy="wait until they are there"),
    Hold(code=17, sentence="no shadow fits its universe or version", remedy=""),
    Hold(code=18, sentence="the transfer of its files was refused", remedy=""),
    Hold(
        code=19, sentence="the hook that prepares jobs failed", remedy="look at the StarterLog of the execution point"
    ),
    Hold(code=20, sentence="its time to start has passed (deferral_time)", remedy="a larger `deferral_window`"),
    Hold(code=21, sentence="the execution point held it: its policy (WANT_HOLD)", remedy=""),
    Hold(code=22, sentence="its job log cannot be written", remedy="check `log =`: does the directory exist?"),
    Hold(code=23, sentence="its owner's account cannot be used", remedy=""),
    Hold(code=24, sentence="no shadow fits its universe or version", remedy=""),
    Hold(code=25, sentence="its cron settings are wrong", remedy="check `cron_minute =` and the like"),
    Hold(code=26, sentence="the access point's policy held it (SYSTEM_PERIODIC_HOLD)", remedy=_POLICY),
    Hold(code=27, sentence="the access point's policy cannot be evaluated", remedy=_POLICY),
    Hold(
        code=32,
        sentence="its input files are larger than is allowed",
        remedy="a larger `max_transfer_input_mb`, or less of them",
    ),
    Hold(
        code=33,
        sentence="its output files are larger than is allowed",
        remedy="a larger `max_transfer_output_mb`, or less of them",
    ),
    Hold(
        code=34,
        sentence="it used more memory or disk than it had asked for",
        remedy="ask for more: `request_memory = ...`, `request_disk = ...` (condor_qedit {job} RequestMemory 4096)",
    ),
    Hold(code=35, sentence="its container image cannot be used", remedy="check `container_image =`"),
    Hold(code=36, sentence="its checkpoint failed", remedy=""),
    Hold(code=43, sentence="its pre-script failed", remedy=""),
    Hold(code=44, sentence="its post-script failed", remedy=""),
    Hold(code=45, sentence="Singularity or Apptainer does not work on that execution point", remedy=""),
    Hold(code=46, sentence="it ran longer than allowed_job_duration", remedy="a longer `allowed_job_duration`"),
    Hold(code=47, sentence="it ran longer than allowed_execute_duration", remedy="a longer `allowed_execute_duration`"),
    Hold(code=48, sentence="the hook that prepares jobs failed", remedy="look at the ShadowLog of the access point"),
)
_BY_CODE = {hold.code: hold for hold in HOLDS}
_ERRORS = {
    errno.ENOSPC: (
        "there the disk is full",
        "ask for what it needs, `request_disk = 2GB`, so that it is matched where there is room",
    ),
    errno.EDQUOT: ("a disk quota is used up", "ask for what it needs: `request_disk = 2GB`"),
    errno.ENOENT: ("a file is not there", ""),
    errno.EACCES: ("a file may not be read or written", "chmod, or another directory"),
    errno.ENOEXEC: ("it is no program of this system", "a script begins with `#!`; a binary is for x86_64 Linux"),
}


def held(code: int | None, subcode: int | None) -> tuple[str, str]:
    """(sentence, remedy).

    >>> held(13, 28)[0]
    'its input files could not be brought to it: there the disk is full'
    >>> held(99, 0)
    ('HTCondor held it with code 99', '')
    """
    known = _BY_CODE.get(code or 0)
    if known is None:
        return f"HTCondor held it with code {code}", ""
    if not subcode or code not in _WITH_ERRNO:
        return known.sentence, known.remedy
    words, remedy = _ERRORS.get(subcode, (os.strerror(subcode), ""))
    return f"{known.sentence}: {words}", remedy or known.remedy


_WITH_ERRNO = (6, 7, 8, 9, 10, 12, 13, 14, 22)
