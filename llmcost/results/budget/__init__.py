"""Budgets: the file that users write, how much of them is spent, and what a change would do to them."""
