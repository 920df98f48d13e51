"""A cloud's FOCUS export: charges for models by day and kind of token among charges for other things."""

from __future__ import annotations

from typing import Any

from scripts.samples.dice import Dice, at
from scripts.samples.files import Folder, expect, folder

HEADER = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass",
    "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "EffectiveCost", "InvoiceId",
    "ListCost", "ListUnitPrice", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId", "ServiceCategory", "Id", "ServiceName",
    "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SubAccountId", "SubAccountName", "Tags",
)  # fmt: skip
MICROS_PER_TOKEN = {"Input": 3, "Output": 15}
KINDS = (("Input", "None"), ("Input", "Read"), ("Output", "None"))


def _charge(day: int, number: int, **more: Any) -> dict[str, Any]:
    start, end = at(day, 0), at(day + 1, 0)
    return {
        "BillingAccountId": "112233445566", "BillingAccountName": "Larkspur", "BillingCurrency": "USD", "BillingPeriodStart": "2026-10-01 00:00:00",
        "BillingPeriodEnd": "2026-11-01 00:00:00", "ChargeCategory": "Usage", "ChargePeriodStart": f"{start:%Y-%m-%d %H:%M:%S}",
        "ChargePeriodEnd": f"{end:%Y-%m-%d %H:%M:%S}", "ProviderName": "AWS", "RegionId": "us-east-1", "Id": str(7000 + day * 10 + number),
        "InvoiceId": "inv-2026-10", "SubAccountId": "665544332211", "SubAccountName": "support", **more,
    }  # fmt: skip


def build() -> Folder:
    """The files of sample_logs/focus: everything quoted, absent values as NULL."""
    dice = Dice("focus")
    rows: list[dict[str, Any]] = []
    billed = 0
    for day in range(31):
        for number, (direction, cache) in enumerate(KINDS):
            tokens = dice.around(20_000, 900_000)
            picos = tokens * MICROS_PER_TOKEN[direction] * (100_000 if cache == "Read" else 1_000_000)
            cost = f"{picos // 10**12}.{picos % 10**12:012d}"
            billed += picos
            details = (
                f'{{"ModelId": "claude-sonnet-5-5", "TokenDirection": "{direction}", "TokenCacheAction": "{cache}"}}'
            )
            rows.append(_charge(
                day, number, BilledCost=cost, ListCost=cost, ContractedCost=cost, EffectiveCost=cost, ConsumedQuantity=f"{tokens}.000000", ConsumedUnit="Tokens",
                ChargeDescription=f"Claude Sonnet 5.5 {direction.lower()} tokens", PublisherName="Anthropic", ServiceCategory="AI and Machine Learning",
                ServiceSubcategory="Generative AI", ServiceName="Amazon Bedrock", SkuPriceDetails=details, Tags='{"application": "support-bot"}',
            ))  # fmt: skip
        rows.append(_charge(
            day, 9, BilledCost="2.304", EffectiveCost="2.304", ConsumedQuantity="24", ConsumedUnit="Hours", PublisherName="AWS", ServiceCategory="Compute",
            ServiceName="Amazon Elastic Compute Cloud", ChargeDescription="m7i.large",
        ))  # fmt: skip
    lines = [",".join(f'"{name}"' for name in HEADER)]
    lines += [",".join('"' + str(row.get(name, "NULL")).replace('"', '""') + '"' for name in HEADER) for row in rows]
    total = f"{billed // 10**12}.{billed % 10**12:012d}"
    expected = expect("focus", [], requests=None, billed={"rows": 31 * len(KINDS), "cost": total}, skipped=31)
    return folder({"focus-2026-10.csv": ("\n".join(lines) + "\n").encode()}, {"focus-2026-10.csv": expected})
