"""List against billed: what the log costs at catalogue prices beside what was charged, the gap and its likely cause."""
