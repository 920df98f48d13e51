"""The monthly FinOps report: what a month cost, why it changed, where money is hidden and what would be worth doing."""
