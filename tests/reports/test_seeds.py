"""The five recorded outages that are kept beside the repository: each metric, and what all of them come to."""

import json
from pathlib import Path
from typing import Any

import pytest

from alertline.store.reports import ReportReader
from review.reports.asking import asked_of
from review.reports.making import report_of
from schemas.vocabulary import MetricName
from tests.support.filled import asked_in_sql, filled, recorded
from tests.support.places import agree, every_place

SCENARIOS = Path(__file__).resolve().parents[2].parent / "shared" / "scenarios"
SEEDS = tuple(SCENARIOS / f"s{n}" for n in range(5))

pytestmark = pytest.mark.skipif(
    not SEEDS[0].exists(),
    reason=f"NOT CHECKED: the recorded outages are not beside the repository ({SCENARIOS.parent.name}/scenarios)",
)

# n, mean, median, p90, by hand, with the p90 of five at rank 0.9 * 4 = 3.6 from 0, that is six tenths on from the
# fourth value to the fifth:
#   detect       S2 300, S4 300; the three others are 0 by assumption and left out: 300, 300, 300
#   ack          S0 300
#   investigate  300 300 300 600 900: sum 2400 / 5 = 480; 600 + 0.6 * 300 = 780
#   escalate     2700 2700 3600 5100 7200: 21300 / 5 = 4260; 5100 + 0.6 * 2100 = 6360
#   identify     1800 4500 5400 5400 6900: 24000 / 5 = 4800; 5400 + 0.6 * 1500 = 6300
#   fix          5100 7200 8700 9000 9000: 39000 / 5 = 7800; 9000
#   recover      6000 7200 9000 9000 12600: 43800 / 5 = 8760; 9000 + 0.6 * 3600 = 11160
#   resolve (I)  6300 7200 9000 9000 12600: 44100 / 5 = 8820; 9000 + 0.6 * 3600 = 11160
#   resolve (D)  6000 7200 9000 9000 12300: 43500 / 5 = 8700; 9000 + 0.6 * 3300 = 10980
#   active       as resolve (D): without pending windows, every alert fired from detection to resolve
HAND: dict[MetricName, tuple[int, float | None, float | None, float | None]] = {
    MetricName.DETECT_FROM_IMPACT: (2, 300, 300, 300),
    MetricName.ACK_FROM_DETECT: (1, 300, 300, 300),
    MetricName.INVESTIGATE_FROM_DETECT: (5, 480, 300, 780),
    MetricName.ESCALATE_FROM_DETECT: (5, 4260, 3600, 6360),
    MetricName.IDENTIFY_FROM_DETECT: (5, 4800, 5400, 6300),
    MetricName.FIX_FROM_DETECT: (5, 7800, 8700, 9000),
    MetricName.RECOVER_FROM_IMPACT: (5, 8760, 9000, 11160),
    MetricName.RESOLVE_FROM_IMPACT: (5, 8820, 9000, 11160),
    MetricName.RESOLVE_FROM_DETECT: (5, 8700, 9000, 10980),
    MetricName.IMPACT_ACTIVE: (5, 8700, 9000, 10980),
    MetricName.FDRT: (0, None, None, None),
}


def wanted(folder: Path) -> dict[str, Any]:
    """What the one incident of an outage must measure."""
    (incident,) = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["incidents"]
    return dict(incident["metrics"])


async def test_each_metric_of_each_outage(url: str) -> None:
    """The view holds, of each outage, exactly what is expected of it."""
    async with filled(url, recorded(*(seed / "recording.ndjson" for seed in SEEDS))):
        rows = await asked_in_sql(
            url, "SELECT detected_at, metric, seconds, basis FROM v_incident_metrics ORDER BY detected_at"
        )
    found: dict[str, dict[object, tuple[object, object]]] = {}
    for detected_at, metric, seconds, basis in rows:
        found.setdefault(str(detected_at)[:10], {})[metric] = (seconds, basis)
    days = {"s0": "2024-04-10", "s1": "2024-04-15", "s2": "2024-08-20", "s3": "2024-03-15", "s4": "2024-02-18"}

    assert len(rows) == 5 * len(MetricName)
    for seed in SEEDS:
        for name, expected in wanted(seed).items():
            seconds, basis = found[days[seed.name]][name]
            allowed = [each["seconds"] for each in expected.get("any_of", [expected])]
            assert seconds in allowed, (seed.name, name)
            assert str(basis) in expected.get("basis", str(basis)).split("|"), (seed.name, name)


async def test_all_together_are_what_a_hand_computes(url: str) -> None:
    """n, mean, median and p90 of each metric; with assumed detections, five of five."""
    async with filled(url, recorded(*(seed / "recording.ndjson" for seed in SEEDS))) as made:
        reader = ReportReader(made.engine)
        usual = await report_of(reader, asked_of({}))
        including = await report_of(reader, asked_of({"assumed": "include"}))

    for name, hand in HAND.items():
        metric = usual.total.metrics[name]
        assert (metric.n, metric.mean, metric.median, metric.p90) == hand, name
        assert metric.of == 5
    # 0 0 0 300 300: 600 / 5 = 120; the middle is 0; rank 3.6 lies between two 300s
    detect = including.total.metrics[MetricName.DETECT_FROM_IMPACT]
    assert (detect.n, detect.mean, detect.median, detect.p90) == (5, 120, 0, 300)
    assert usual.total.metrics[MetricName.DETECT_FROM_IMPACT].assumed_left_out == 3


async def test_every_place_says_the_same(url: str) -> None:
    """API, CSV, command, SQL views, page and Prometheus."""
    async with filled(url, recorded(*(seed / "recording.ndjson" for seed in SEEDS))) as made:
        said = await every_place(url, made)

    for name, (n, _, middle, _) in HAND.items():
        agree(said(name), n, middle)
