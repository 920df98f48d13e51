"""Tests of llmcost.content."""
