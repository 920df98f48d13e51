"""Own GPUs against an API price, for every format: one that never pays, one that does, one with a name that means harm."""

from __future__ import annotations

from decimal import Decimal

from llmcost.results.gpu_limit import Cluster, GpuLimit, Question, gpu_limit
from llmcost.results.model import Assumption
from tests.reports import sample_parts as p


def limit() -> GpuLimit:
    clusters = [
        Cluster("A cluster at $40 an hour", Decimal(40), Decimal(2000)),
        Cluster(f"2 H100-SXM of {p.SCRIPT}", Decimal("5.38"), Decimal(8836)),
    ]
    question = Question(
        [Decimal("0.90"), Decimal("0.21")], Decimal(100), Decimal("0.7"), Decimal(2500), month_days=Decimal(30)
    )
    notes = [Assumption(name="tokens of a request", value="1000/1000", unit="input/output", source="command line")]
    made = gpu_limit(clusters, question, assumptions=notes, warnings=["throughput is an offline maximum"])
    return made.model_copy(update={"generated_with": "llmcost 0.1.0"})
