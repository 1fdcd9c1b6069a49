"""shell (boto3, EBS direct APIs): a disk of this machine becomes a snapshot, without any instance.

Tagged in the call that starts it. A snapshot of which an upload was cut off is of no use to anybody: EBS lists no
blocks of a pending one. It is found again by its tag, and the next upload begins anew.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from roost.cloud import disk as disks
from roost.cloud.clients import PARALLEL, STREAMS, Access, open_client, translated
from roost.cloud.disk import BLOCK_BYTES, Disk, encoded

_ALGORITHM = "SHA256"
_METHOD = "LINEAR"
_AHEAD = 4 * STREAMS  # blocks in memory: the disk is larger than that


class Ebs:
    def __init__(self, access: Access) -> None:
        self._client: Any = open_client("ebs", access, config=PARALLEL)

    def start(self, disk: Disk, *, description: str, tags: Mapping[str, str], token: str) -> str:
        """The id of a snapshot that blocks can be written to; the same token is the same snapshot."""
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        with translated("start a snapshot"):
            started = self._client.start_snapshot(
                VolumeSize=disk.volume_gib, Description=description, Tags=pairs, ClientToken=token, Timeout=60
            )
        return str(started["SnapshotId"])

    def write(self, snapshot_id: str, disk: Disk, *, progress: Callable[[int], None]) -> None:
        """Every block that holds something, many at once; `progress` is told how many are written."""
        with ThreadPoolExecutor(STREAMS) as pool:
            running: set[Future[None]] = set()
            written = 0
            try:
                for index in sorted(disk.digests):
                    running.add(pool.submit(self._put, snapshot_id, disk, index))
                    if len(running) >= _AHEAD:
                        done, running = wait(running, return_when=FIRST_COMPLETED)
                        written += _finished(done)
                        progress(written)
                while running:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    written += _finished(done)
                    progress(written)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def complete(self, snapshot_id: str, disk: Disk) -> None:
        """EBS compares the number of blocks and the checksum of them all."""
        with translated(f"complete the snapshot {snapshot_id}"):
            self._client.complete_snapshot(
                SnapshotId=snapshot_id,
                ChangedBlocksCount=len(disk.digests),
                Checksum=disk.checksum,
                ChecksumAlgorithm=_ALGORITHM,
                ChecksumAggregationMethod=_METHOD,
            )

    def _put(self, snapshot_id: str, disk: Disk, index: int) -> None:
        with translated(f"write block {index} of {disk.path} to {snapshot_id}"):
            self._client.put_snapshot_block(
                SnapshotId=snapshot_id,
                BlockIndex=index,
                BlockData=disks.block(disk.path, index),
                DataLength=BLOCK_BYTES,
                Checksum=encoded(disk.digests[index]),
                ChecksumAlgorithm=_ALGORITHM,
            )


def _finished(done: set[Future[None]]) -> int:
    """How many; raises what one of them raised."""
    for each in done:
        each.result()
    return len(done)
