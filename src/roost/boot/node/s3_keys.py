"""shell (169.254.169.254, files): the access point's role signs for the jobs' s3:// URLs, for as long as it runs.

HTCondor signs each transfer on the access point, with keys that it reads from files; those of a role are good for
some hours, so the files are written anew long before. Execution points get signed URLs and never a key.
"""

import json
import shutil
import sys
import time
from pathlib import Path

from roost.boot.node.metadata import Metadata, MetadataError
from roost.boot.node.system import INSTRUCTIONS, SHARED_CONFIG, StepError, run, write
from roost.boot.node.timeline import note
from roost.boot.settings import instructions_from_json

KEYS = Path("/run/roost-s3")
_USER = "debian"  # who submits
_FILES = {"AccessKeyId": "key-id", "SecretAccessKey": "secret", "Token": "token"}
_EVERY_S = 600.0
_AGAIN_S = 10.0


def main() -> int:
    sharing = instructions_from_json(INSTRUCTIONS.read_text()).settings.sharing
    write(SHARED_CONFIG, condor_text(region=sharing.server if sharing else ""))
    run("condor_reconfig")
    said = ""
    while True:
        try:
            put_keys(json.loads(role_credentials(Metadata())))
        except (StepError, MetadataError, OSError, KeyError, ValueError) as error:
            if str(error) != said:
                note("no keys for s3", reason=str(error))
            said = str(error)
            time.sleep(_AGAIN_S)
            continue
        if said != "ok":
            note("keys for s3")
        said = "ok"
        time.sleep(_EVERY_S)


def role_credentials(metadata: Metadata) -> str:
    role = metadata.get("iam/security-credentials/").split()[0]
    return metadata.get(f"iam/security-credentials/{role}")


def put_keys(credentials: dict[str, str]) -> None:
    KEYS.mkdir(mode=0o700, exist_ok=True)
    for member, name in _FILES.items():
        write(KEYS / name, credentials[member] + "\n", mode=0o600)
        shutil.chown(KEYS / name, _USER)
    shutil.chown(KEYS, _USER)


def condor_text(*, region: str) -> str:
    """What every job is submitted with that says nothing else; one that brings its own keys has no token of ours."""
    return f"""\
EC2AccessKeyId = "{KEYS}/key-id"
EC2SecretAccessKey = "{KEYS}/secret"
EC2SessionToken = "{KEYS}/token"
AWSRegion = "{region}"
SUBMIT_ATTRS = $(SUBMIT_ATTRS) EC2AccessKeyId EC2SecretAccessKey EC2SessionToken AWSRegion
JOB_TRANSFORM_NAMES = $(JOB_TRANSFORM_NAMES) OwnS3Keys
JOB_TRANSFORM_OwnS3Keys @=end
    REQUIREMENTS EC2AccessKeyId =!= "{KEYS}/key-id"
    DELETE EC2SessionToken
@end
"""


if __name__ == "__main__":
    sys.exit(main())
