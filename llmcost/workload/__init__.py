"""What flows through a scenario, and what strategies share: conditions, stable draws, moves between models."""
