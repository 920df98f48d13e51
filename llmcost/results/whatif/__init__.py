"""What a log would cost at other positions of a few levers: sums from which a page computes it exactly."""
