"""Daily costs into the future: methods, their backtest, the band, and what a budget makes of it."""
