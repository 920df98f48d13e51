"""Break-even: at which volume, price and use a strategy pays, and what decides it."""
