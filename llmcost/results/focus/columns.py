"""The columns of a FOCUS dataset by version, and what each says of a row.

FOCUS 1.2 and 1.3, FinOps Foundation (https://focus.finops.org/focus-specification, read 2026-11-24). Own columns start
with ``x_`` and stand last. Each value is a column of the query in :mod:`llmcost.results.focus.query`; None is always null.
"""

from __future__ import annotations

from typing import Final, Literal

Version = Literal["1.2", "1.3"]
TEXT: Final = "VARCHAR"
TIME: Final = "TIME"
NUMBER: Final = "NUMBER"

_COMMON: Final[dict[str, tuple[str | None, str]]] = {
    "AvailabilityZone": (None, TEXT),
    "BilledCost": ("billed_cost", NUMBER),
    "BillingAccountId": ("account", TEXT),
    "BillingAccountName": ("account", TEXT),
    "BillingAccountType": ("account_type", TEXT),
    "BillingCurrency": ("'USD'", TEXT),
    "BillingPeriodEnd": ("month_end", TIME),
    "BillingPeriodStart": ("month_start", TIME),
    "CapacityReservationId": (None, TEXT),
    "CapacityReservationStatus": (None, TEXT),
    "ChargeCategory": ("category", TEXT),
    "ChargeClass": (None, TEXT),
    "ChargeDescription": ("description", TEXT),
    "ChargeFrequency": ("'Usage-Based'", TEXT),
    "ChargePeriodEnd": ("period_end", TIME),
    "ChargePeriodStart": ("period_start", TIME),
    "CommitmentDiscountCategory": (None, TEXT),
    "CommitmentDiscountId": (None, TEXT),
    "CommitmentDiscountName": (None, TEXT),
    "CommitmentDiscountQuantity": (None, NUMBER),
    "CommitmentDiscountStatus": (None, TEXT),
    "CommitmentDiscountType": (None, TEXT),
    "CommitmentDiscountUnit": (None, TEXT),
    "ConsumedQuantity": ("quantity", NUMBER),
    "ConsumedUnit": ("unit", TEXT),
    "ContractedCost": ("contracted_cost", NUMBER),
    "ContractedUnitPrice": ("contracted_price", NUMBER),
    "EffectiveCost": ("billed_cost", NUMBER),
    "InvoiceId": (None, TEXT),
    "InvoiceIssuerName": ("seller", TEXT),
    "ListCost": ("list_cost", NUMBER),
    "ListUnitPrice": ("list_price", NUMBER),
    "PricingCategory": ("pricing_category", TEXT),
    "PricingCurrency": ("'USD'", TEXT),
    "PricingCurrencyContractedUnitPrice": ("contracted_price", NUMBER),
    "PricingCurrencyEffectiveCost": ("billed_cost", NUMBER),
    "PricingCurrencyListUnitPrice": ("list_price", NUMBER),
    "PricingQuantity": ("quantity", NUMBER),
    "PricingUnit": ("unit", TEXT),
    "ProviderName": ("seller", TEXT),
    "PublisherName": ("seller", TEXT),
    "RegionId": ("region", TEXT),
    "RegionName": ("region", TEXT),
    "ResourceId": (None, TEXT),
    "ResourceName": (None, TEXT),
    "ResourceType": (None, TEXT),
    "ServiceCategory": ("'AI and Machine Learning'", TEXT),
    "ServiceName": ("service", TEXT),
    "ServiceSubcategory": ("'Generative AI'", TEXT),
    "SkuId": ("sku", TEXT),
    "SkuMeter": ("meter", TEXT),
    "SkuPriceDetails": ("details", TEXT),
    "SkuPriceId": ("sku_price", TEXT),
    "SubAccountId": ("project", TEXT),
    "SubAccountName": ("project", TEXT),
    "SubAccountType": ("project_type", TEXT),
    "Tags": ("tags", TEXT),
}
_NEW_IN_1_3: Final[dict[str, tuple[str | None, str]]] = {
    "AllocatedMethodDetails": (None, TEXT),
    "AllocatedMethodId": (None, TEXT),
    "AllocatedResourceId": (None, TEXT),
    "AllocatedResourceName": (None, TEXT),
    "AllocatedTags": (None, TEXT),
    "ContractApplied": (None, TEXT),
    "HostProviderName": ("seller", TEXT),
    "ServiceProviderName": ("seller", TEXT),
}
"""ProviderName and PublisherName stay beside them: 1.3 deprecates the two, 1.4 removes them."""
_OWN: Final[dict[str, tuple[str | None, str]]] = {
    "x_CostStatus": ("status", TEXT),
    "x_Model": ("model_name", TEXT),
    "x_OperationName": ("operation_name", TEXT),
    "x_RequestId": ("request_id", TEXT),
    "x_ServiceTier": ("service_tier", TEXT),
    "x_TokenClass": ("token_class", TEXT),
}


def columns(version: Version) -> dict[str, tuple[str | None, str]]:
    """Name -> (what of the query, kind of value), in the order of the file: alphabetical, own ones last."""
    named = _COMMON if version == "1.2" else _COMMON | _NEW_IN_1_3
    return {name: named[name] for name in sorted(named)} | _OWN
