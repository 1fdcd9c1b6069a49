"""The price before: one sentence, which says how many, how much, how long, and what it does not know."""

import pytest

from roost.cloud.price import table
from roost.spec import PoolSpec, Workers
from roost.verbs.prepared import price

AWS = PoolSpec(cloud="aws", workers=Workers(count=2, type=("c7i.large",)), lease=2 * 3600)
# t3.medium 0.0416 + 2 * c7i.large 0.08925
NOTE = table([], "us-east-1").note
SENTENCE = f"3 instances, at most $0.2201 an hour and $0.44 until the lease ends ({NOTE})"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, SENTENCE),
        ({"cloud": "local"}, f"nothing is charged on this machine; on EC2: {SENTENCE}"),
        ({"cloud": "local", "region": "eu-north-1"}, f"nothing is charged on this machine; on EC2: {SENTENCE}"),
        (
            {"region": "eu-north-1"},
            f"no price is known for c7i.large, t3.medium ({NOTE.replace('us-east-1', 'eu-north-1')})",
        ),
        ({"access_point_type": "x9.huge"}, f"no price is known for x9.huge ({NOTE})"),
        # the dearest of the types that may be launched: m7i.large 0.1008
        (
            {"workers": Workers(count=2, type=("c7i.large", "m7i.large"))},
            SENTENCE.replace("$0.2201", "$0.2432").replace("$0.44", "$0.49"),
        ),
        ({"lease": 600}, SENTENCE.replace("$0.44", "$0.04")),
        ({"access_point_type": "t3.large"}, SENTENCE.replace("$0.2201", "$0.2617").replace("$0.44", "$0.52")),
    ],
)
def test_the_price_before(changes: dict[str, object], expected: str) -> None:
    spec = AWS.model_copy(update=changes)
    rates = table((spec.access_point_type, *spec.workers.type), spec.region if spec.cloud == "aws" else "us-east-1")
    assert price(spec, rates) == expected
