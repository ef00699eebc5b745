"""Models: the client, the ledger of paid answers, and the providers behind them."""
