"""shell (S3): inputs that are objects of S3: are they there, before anything is launched? Signed for the access point.

Whoever calls roost reads them, with credentials that stay on this machine. The access point gets URLs that are good
for as long as the pool's lease; execution points get files.
"""

import ipaddress
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from roost.cloud.clients import STREAMS
from roost.cloud.s3 import Objects
from roost.errors import CloudError, RoostError, UsageError
from roost.pool.access_point import AccessPoint
from roost.spec import PoolSpec
from roost.workflow.abstract import Workflow
from roost.workflow.executable import S3, SIGNED, ExecutableWorkflow, objects
from roost.workflow.nesting import members

_SHOWN = 10
_LEAST_S = 3600
# how what S3 and botocore say of HeadObject ends
_GONE, _CLOSED, _NOBODY = "(404)", "(403)", "(NoCredentialsError)"


def require_objects(workflow: Workflow, spec: PoolSpec) -> None:
    """Raises UsageError with each that is not there, or not for us, with its line."""
    wanted = dict(_named(workflow))
    if not wanted:
        return
    there = Objects()
    require_reachable(there.host, spec)
    with ThreadPoolExecutor(STREAMS) as threads:
        missing = [said for said in threads.map(lambda url: _obstacle(there, url, wanted[url]), wanted) if said]
    if missing:
        more = [f"... and {len(missing) - _SHOWN} more"] if len(missing) > _SHOWN else []
        raise UsageError(
            "\n".join([*missing[:_SHOWN], *more]), "aws s3 ls s3://BUCKET/KEY   (the same credentials, the same answer)"
        )


def _named(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """(URL, where it is said) of each object that is to be fetched, for the workflow and those that are parts of it."""
    for replica in workflow.replicas.values():
        if replica.url.startswith(S3) and not replica.local and not replica.on_site:
            yield replica.url, str(replica.at)
    known = workflow.transformations
    used = [known[name] for name in dict.fromkeys(task.transformation for task in workflow.jobs) if name in known]
    for one in (*used, *(known[name] for program in used for name in program.requires)):
        if one.url.startswith(S3):
            yield one.url, one.at
    for sub in workflow.subs.values():
        if sub.workflow is not None:
            yield from _named(sub.workflow)


def require_reachable(host: str, spec: PoolSpec) -> None:
    """Raises UsageError for an S3 of this machine alone, which instances would look for on themselves."""
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if is_here and spec.access_point == "cloud":
        raise UsageError(
            f"the access point is to fetch objects from S3 at {host}, which only this machine can reach",
            "AWS_ENDPOINT_URL_S3=https://...   (an address that instances reach; for AWS's own S3 leave it out)",
        )


def send_signed(executable: ExecutableWorkflow, access_point: AccessPoint, spec: PoolSpec) -> None:
    """To the run's directory, for its owner alone: who has such a URL may read the object."""
    every = [member.workflow for member in members(executable)]
    urls = {url for one in every for url in objects(one)}
    if not urls:
        return
    there = Objects()
    signed = {url: there.signed(url, for_s=max(spec.lease, _LEAST_S)) for url in urls}
    text = json.dumps(signed).encode()
    for place in {one.paths.scratch.parent for one in every if objects(one)}:
        target = str(place / SIGNED)
        script = 'mkdir -p -- "$(dirname -- "$1")"; rm -f -- "$1"; umask 077; cat > "$1"'
        written = access_point.run(["sh", "-c", script, "sh", target], input=text, timeout_s=300)
        if written.exit_code != 0:
            raise RoostError(f"{target} cannot be written: {written.stderr.strip()}", "roost ssh, then look at it: df")


def _obstacle(there: Objects, url: str, at: str) -> str:
    """A sentence; empty where it can be read."""
    try:
        there.size(url)
    except CloudError as error:
        if error.message.endswith(_GONE):
            return f"{at}: {url} is not there"
        if error.message.endswith(_CLOSED):
            return f"{at}: {url} may not be read with these credentials, or is not there: S3 tells only who may list"
        if error.message.endswith(_NOBODY):
            hint = "aws configure   (or AWS_PROFILE=...); an object that everybody may read has an https:// URL too"
            raise CloudError(f"{at}: {error.message}", hint) from error
        raise
    return ""
