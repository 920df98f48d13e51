"""Fuzzing of every source through the path that an ingest reads by: ``python -m scripts.fuzz --inputs N --seed S``."""
