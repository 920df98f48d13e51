"""The tests. Helpers they share are in support.py, fixtures in conftest.py."""
