"""One file an outcome; each ends in its record ``OUTCOME`` (see :mod:`llmcost.results.outcome`)."""
